/* Listening for SSH. */
#ifndef PGO_SUPERVISOR_LISTEN_H
#define PGO_SUPERVISOR_LISTEN_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"

struct listener;

/* Takes a connection (non-blocking, close-on-exec); the callee closes the descriptor. */
struct listener_handler {
	void (*accepted)(void *ctx, int take_fd, const struct sockaddr_storage *peer);
	void *ctx;
};

/* Binds ":port", "address:port" or "[address]:port"; an empty address is every address of the machine, "localhost" is
 * both loopback addresses; other names are not looked up. Accepts nothing before listener_enable. NULL with err set on
 * failure. */
struct listener *listener_new(
    struct event_base *base, const char *address, const struct listener_handler *h, struct err *err);
void listener_enable(struct listener *l, bool on);
void listener_free(struct listener *l);

/* The parts of an address: host is cut into the buffer. */
int listen_split(const char *address, char *host, size_t size, int *ret_port, struct err *err);

#endif
