/* Listening at an address that the command line gives. */
#ifndef PGO_SUPERVISOR_BIND_H
#define PGO_SUPERVISOR_BIND_H

#include <stddef.h>

#include "base/err.h"
#include "supervisor/kept.h"

enum { BIND_MAX = 2 }; /* localhost has two addresses */

struct bound {
	size_t n;
	int fds[BIND_MAX]; /* listening, non-blocking, close-on-exec */
};

/* Listens at ":port", "address:port" or "[address]:port": an empty address is every address of the machine, "localhost"
 * is both loopback addresses; other names are not looked up. Takes what systemd has kept for this name at these
 * addresses, and lets it keep all of it for the next pgod. */
int bind_address(const char *address, struct kept *k, const char *name, struct bound *ret_b, struct err *err);
void bound_close(struct bound *b);

/* Can one listen there, as far as the text tells? 0, or -EINVAL with a sentence. */
int bind_check(const char *address, struct err *err);
/* The port that a socket listens at, or -errno. */
int bind_port(int fd, struct err *err);
/* The parts of an address: host is cut into the buffer. */
int bind_split(const char *address, char *host, size_t size, int *ret_port, struct err *err);

#endif
