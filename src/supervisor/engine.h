/* The engine's socket: pgod connects, core talks. */
#ifndef PGO_SUPERVISOR_ENGINE_H
#define PGO_SUPERVISOR_ENGINE_H

#include <sys/types.h>

#include "base/err.h"

/* The path in DOCKER_HOST (value may be NULL: the default socket). Anything but a unix socket is refused. The caller
 * frees. */
int engine_path(const char *docker_host, char **ret_path, struct err *err);
/* A fresh non-blocking connection. */
int engine_connect(const char *path, struct err *err);
/* The group that a job needs for the socket. Returns 1 and the group, 0 when the account reaches the socket without one
 * (also when there is no socket now: the job will say so itself), or an error when only root's group would do. */
int engine_group(const char *path, uid_t uid, gid_t *ret_gid, struct err *err);

#endif
