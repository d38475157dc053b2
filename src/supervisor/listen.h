/* Listening for SSH. */
#ifndef PGO_SUPERVISOR_LISTEN_H
#define PGO_SUPERVISOR_LISTEN_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"
#include "supervisor/kept.h"

struct listener;

/* Takes a connection (non-blocking, close-on-exec); the callee closes the descriptor. */
struct listener_handler {
	void (*accepted)(void *ctx, int take_fd, const struct sockaddr_storage *peer);
	void *ctx;
};

/* Listens at the address of --ssh (bind_address), with what systemd has kept of it. Accepts nothing before
 * listener_enable. NULL with err set on failure. */
struct listener *listener_new(
    struct event_base *base, const char *address, struct kept *kept, const struct listener_handler *h, struct err *err);
void listener_enable(struct listener *l, bool on);
void listener_free(struct listener *l);

#endif
