/* The NFS share of a service, mounted on its data directory. All of this may wait for a server that does not answer:
 * call it in a child. */
#ifndef PGO_SUPERVISOR_SHARE_H
#define PGO_SUPERVISOR_SHARE_H

#include <stdbool.h>

#include "base/err.h"

struct share {
	const char
	    *run; /* of root's, emptied by a reboot: <run>/shares/<dir, escaped>/<service> says what we mounted */
	const char *dir;     /* state directory */
	const char *datadir; /* of all services */
	const char *service;
	const char *program; /* mount(8) */
	const char *url;     /* "nfs://server[:port]/path" */
};

/* Mounts it where it is not mounted yet, by whomever. Returns >= 0. -EBUSY: something else is mounted there. What the
 * program said is in the error. Never waits longer than the program does. */
int share_mount(const struct share *s, struct err *err);
/* Takes what share_mount has mounted for the service off its data directory; what others mounted there stays. url is
 * not used. */
int share_unmount(const struct share *s, struct err *err);
/* Is anything mounted on the data directory of the service? Asks the kernel's table, no file system. */
bool share_is_mounted(const char *datadir, const char *service);

#endif
