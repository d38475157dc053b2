/* Which docker compose the jobs call. */
#ifndef PGO_SUPERVISOR_COMPOSE_H
#define PGO_SUPERVISOR_COMPOSE_H

#include "base/err.h"

/* Looks where docker looks, runs what it finds as nobody to ask for its version, and takes the first that is version 2
 * or later. $PGO_COMPOSE, when set, is the only candidate. The caller frees the path, which has no symbolic links. */
int compose_find(char **ret_path, struct err *err);
/* The major version in the output of `version --short`; -1 when it is none. */
int compose_major(const char *text);

#endif
