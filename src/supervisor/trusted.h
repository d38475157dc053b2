/* Paths of the administrator's that only root can change: the file or directory and each directory on its way are
 * root's, and nobody else may write there. */
#ifndef PGO_SUPERVISOR_TRUSTED_H
#define PGO_SUPERVISOR_TRUSTED_H

#include "base/err.h"

/* Opens a regular file to read it, through no symbolic link; a FIFO or a device does not hold us up. what begins the
 * sentence of an error: "signers". Returns the fd or -errno. */
int trusted_open_file(const char *what, const char *path, struct err *err);
/* The same for the directory that a path lies in. */
int trusted_open_parent(const char *what, const char *path, struct err *err);

#endif
