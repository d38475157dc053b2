/* The daemon: start in order, run, stop in order. */
#ifndef PGO_SUPERVISOR_PGOD_H
#define PGO_SUPERVISOR_PGOD_H

#include "supervisor/kept.h"
#include "supervisor/options.h"

/* Runs until a signal or a new configuration ends it, with the sockets that the pgod before left. Returns the exit
 * status. */
int pgod_run(const struct options *o, struct kept *kept);

#endif
