/* Variables that a compose file reads and that nobody has set: a release that lacks one is not what was meant. */
#ifndef PGO_JOB_UNSET_H
#define PGO_JOB_UNSET_H

#include "base/str.h"

enum { UNSET_MAX = 64 };

/* The variables that compose complains of in its words, each once, in order, at most UNSET_MAX. */
void unset_names(const char *words, struct strv *ret);
/* The number of the first line of text that reads the variable: $NAME, ${NAME}, ${NAME:-...}; 0 without. */
int unset_line(const char *text, const char *name);
/* Says in one sentence on stderr which they are, where the files (relative to dir, NULL for none) read them, and what
 * to write. */
void unset_tell(const struct strv *names, const char *dir, const char *const *files, size_t nfiles);

#endif
