/* The lock of a service: <dir>/.lock/<service>, held by a job and all its descendants through an inherited descriptor.
 * It dies with the last of them, whatever happened to the pgod that started them. */
#ifndef PGO_SUPERVISOR_LOCK_H
#define PGO_SUPERVISOR_LOCK_H

#include <sys/types.h>

#include "base/err.h"

struct lock_note {
	pid_t pid;	  /* 0: not known */
	char kind[32];	  /* "" when not known */
	long long age_ms; /* since the job was started; 0 when not known */
};

/* Takes the lock on a fresh description. Returns the descriptor (close-on-exec; name it in proc_spec.keep), -EBUSY when
 * a job holds it. */
int lock_take(int dirfd, const char *service, struct err *err);
/* Writes down who holds it. */
void lock_write(int fd, pid_t pid, const char *kind);
/* Reads who holds it. */
void lock_read(int dirfd, const char *service, struct lock_note *ret_n);
/* Sends a signal to every process on the machine that has the lock's file open, apart from this one. The file is root's
 * (0600): only by inheritance from a job can a process have it. Returns how many there were. */
int lock_signal_holders(int dirfd, const char *service, int sig);

#endif
