/* Listening sockets that outlive pgod: systemd keeps them from one pgod to the next (its file descriptor store) and
 * passes them on as sd_listen_fds(3) says. Who connects in between waits in the kernel's queue and is not refused. */
#ifndef PGO_SUPERVISOR_KEPT_H
#define PGO_SUPERVISOR_KEPT_H

#include <stddef.h>
#include <sys/socket.h>

#include "base/err.h"

enum { KEPT_MAX = 8, KEPT_NAME_MAX = 32 };

struct kept {
	size_t n;
	struct kept_socket {
		char name[KEPT_NAME_MAX];
		int fd;
	} sockets[KEPT_MAX];
};

/* Takes over what $LISTEN_FDS tells of, if it is meant for this process, and moves it above `floor`; every other
 * descriptor beyond stderr is closed: it is nobody's here, and no child's. Call it before any descriptor is opened. */
int kept_take(struct kept *ret_k, int floor, struct err *err);
/* The kept socket that listens at exactly this address under this name, now the caller's; -1 when there is none. */
int kept_claim(struct kept *k, const char *name, const struct sockaddr *sa);
/* Lets systemd keep these listening sockets under this name, and nothing else: what was kept under it and not claimed
 * is closed, here and there. The descriptors stay the caller's. Without systemd, nothing is kept. */
void kept_replace(struct kept *k, const char *name, const int *fds, size_t n);
/* Closes what nobody claimed or replaced: listeners that the configuration has no more. */
void kept_done(struct kept *k);

#endif
