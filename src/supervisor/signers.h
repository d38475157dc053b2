/* The file of allowed signers: the administrator's, opened by root alone. */
#ifndef PGO_SUPERVISOR_SIGNERS_H
#define PGO_SUPERVISOR_SIGNERS_H

#include "base/err.h"

enum { SIGNERS_MAX_BYTES = 1 << 20 };

/* A sealed copy of the file, close-on-exec; the caller closes. Refuses what anybody but root could have written: the
 * file and each directory on its way must be root's and writable by root alone (a sticky directory will do), and
 * nothing of it a symbolic link. */
int signers_open(const char *path, struct err *err);

#endif
