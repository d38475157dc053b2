/* The long-lived processes: pgod-core, pgod-ssh and pgod-web. A role gets its descriptors at fixed numbers from 3 on,
 * its account, and nothing else. */
#ifndef PGO_SUPERVISOR_ROLE_H
#define PGO_SUPERVISOR_ROLE_H

#include <sys/types.h>

#include "supervisor/facts.h"

enum { ROLE_FD_FIRST = 3, ROLE_FD_MAX = 3 };

struct role {
	const char *program; /* name below libexec */
	const struct account *account;
	const int *fds; /* become 3, 4, 5; borrowed */
	size_t nfds;
	const char *cwd; /* NULL: "/" */
};

/* Keeps the numbers 3, 4, 5 (and 0, 1, 2) from being given to anything else. Call it when
 * kept_take has made them free, and before any descriptor is opened. */
int role_reserve_fds(struct err *err);
/* Starts the program in a session of its own; it dies with pgod. */
int role_spawn(const struct facts *f, const struct role *r, pid_t *ret_pid, struct err *err);

#endif
