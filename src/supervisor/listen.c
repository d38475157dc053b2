#include "supervisor/listen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "supervisor/bind.h"

enum {
	ACCEPT_BURST = 32, /* of one turn of the loop, so that nothing else starves */
	PAUSE_MS = 100,	   /* after running out of descriptors or memory */
};

struct listener {
	struct listener_handler handler;
	struct event *resume;
	bool on;
	struct bound bound;
	struct event *ready[BIND_MAX];
};

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	if (l->on)
		listener_enable(l, true);
}

/* Out of descriptors: the connection stays in the queue and would wake us for ever. */
static void
pause_accepting(struct listener *l)
{
	struct timeval tv = {0, PAUSE_MS * 1000};

	log_warn("cannot accept a connection: %s", strerror(errno));
	for (size_t i = 0; i < l->bound.n; i++)
		event_del(l->ready[i]);
	event_add(l->resume, &tv);
}

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)what;
	for (int i = 0; i < ACCEPT_BURST; i++) {
		struct sockaddr_storage peer = {0};
		socklen_t len = sizeof(peer);
		int c = accept4(fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (c >= 0) {
			l->handler.accepted(l->handler.ctx, c, &peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			pause_accepting(l);
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

struct listener *
listener_new(
    struct event_base *base, const char *address, struct kept *kept, const struct listener_handler *h, struct err *err)
{
	struct listener *l = calloc(1, sizeof(*l));
	int rc;

	if (l == NULL)
		abort();
	l->handler = *h;
	l->resume = evtimer_new(base, on_resume, l);
	rc = bind_address(address, kept, "ssh", &l->bound, err);
	if (rc < 0)
		err_wrap(err, "--ssh %s", address);
	for (size_t i = 0; rc >= 0 && i < l->bound.n; i++) {
		l->ready[i] = event_new(base, l->bound.fds[i], EV_READ | EV_PERSIST, on_accept, l);
		rc = bind_port(l->bound.fds[i], err);
		if (rc >= 0)
			log_info("listening for SSH address=%s port=%d", address, rc);
	}
	if (rc >= 0)
		return l;
	listener_free(l);
	return NULL;
}

void
listener_enable(struct listener *l, bool on)
{
	l->on = on;
	event_del(l->resume);
	for (size_t i = 0; i < l->bound.n; i++) {
		if (on)
			event_add(l->ready[i], NULL);
		else
			event_del(l->ready[i]);
	}
}

void
listener_free(struct listener *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->bound.n; i++) {
		if (l->ready[i] != NULL)
			event_free(l->ready[i]);
	}
	bound_close(&l->bound);
	event_free(l->resume);
	free(l);
}
