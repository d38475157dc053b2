/* Operation lines whose first word has no "//": those of octohost's `octo`, and operations on the host. */
#ifndef PGO_IPC_OPALIAS_H
#define PGO_IPC_OPALIAS_H

#include <stdbool.h>

#include "ipc/opline.h"

/* Fills in service, operation and arguments; false when the words are nobody's. The caller frees what is there, also
 * then. */
bool opalias(const struct strv *words, struct opline *ret);

#endif
