/* The file that a proxy imports: written into the live tree, beside what is the repository's. */
#ifndef PGO_JOB_ROUTES_H
#define PGO_JOB_ROUTES_H

#include <stdbool.h>

#include "job/tree.h"

/* Says as a sentence what of these tracked files is in the way of the import file, or of the name under which its next
 * content lies: it is one of them, or a directory of them, or lies below what is none. False when nothing is. */
bool routes_are_tracked(const struct tree *tracked, const char *import);

#endif
