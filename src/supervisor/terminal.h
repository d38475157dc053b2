/* The pseudo-terminal of a job: pgod makes it, the account owns its one end, a pgod-ssh holds the other. */
#ifndef PGO_SUPERVISOR_TERMINAL_H
#define PGO_SUPERVISOR_TERMINAL_H

#include <sys/types.h>

#include "base/err.h"

/* Makes a terminal of this size that belongs to uid. Both ends are the caller's to close, and close at exec. */
int terminal_open(uid_t uid, int cols, int rows, int *ret_ours, int *ret_theirs, struct err *err);

#endif
