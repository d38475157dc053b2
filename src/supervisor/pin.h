/* Pins (ipc/pins.h) as mounts: <run>/pins is a tmpfs of pgod's own, root's alone, shared, so that an engine in another
 * mount namespace sees what is mounted there; <dir, escaped>/<service>/<name>/src in it is the pin. On a tmpfs because
 * nothing of it may outlive the mounts: after a reboot a container finds no empty directory at the pin's path, but
 * nothing, and does not start. */
#ifndef PGO_SUPERVISOR_PIN_H
#define PGO_SUPERVISOR_PIN_H

#include <stdbool.h>

#include "base/err.h"
#include "ipc/pins.h"

struct pin_order {
	const char *run;     /* directory of root's, made when it is missing */
	const char *dir;     /* state directory */
	const char *datadir; /* of all services */
	const char *service;
	const struct pin_set *pins; /* each source at or beneath <dir>/<service> or <datadir>/<service>, else -EPERM */
	bool fresh;		    /* of what is at the source now; else a pin that exists stays what it is */
	bool exact;		    /* afterwards there are no others */
};

/* Where the pins of a state directory are: "<run>/pins/<dir with - for / and _hh for what is neither letter, digit nor
 * dot>". The caller frees. */
char *pin_dir(const char *run, const char *dir);
/* Carries the order out; whoever else does so for the same service waits. Opens sources with O_PATH, through no
 * symbolic link, and reads nothing. An error names the source; what was pinned before it stays. May block on a network
 * file system and changes the working directory: call it in a child. */
int pin_apply(const struct pin_order *o, struct err *err);

#endif
