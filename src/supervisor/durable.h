/* Files of pgod's own that a power cut finds whole: as they were, or as they are to be. */
#ifndef PGO_SUPERVISOR_DURABLE_H
#define PGO_SUPERVISOR_DURABLE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* Writes the file beside its place, syncs it, and gives it its name; the directory is for the caller to sync. name is
 * plain. */
int durable_write(int dirfd, const char *name, mode_t mode, const char *data, size_t len, struct err *err);

#endif
