#include "engine/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"

enum { REQUEST_MAX = 8 * 1024, READ_SIZE = 16 * 1024 };

struct conn {
	struct conn_spec spec;
	int fd;
	struct event *readable;
	struct event *writable;
	struct event *idle;
	struct buf out;
	struct http http;
	bool busy;
	bool answered; /* bytes of the current response came */
	bool head_told;
	bool broken; /* must not carry another request */
	unsigned served;
};

static void
idle_begin(struct conn *c)
{
	struct timeval tv = {c->spec.idle_ms / 1000, (c->spec.idle_ms % 1000) * 1000L};

	if (c->spec.idle_ms > 0)
		evtimer_add(c->idle, &tv);
}

/* The response ended one way or the other. The last thing to do in a callback: the connection may be gone behind it. */
static void
finish(struct conn *c, const struct err *err)
{
	event_del(c->writable);
	buf_reset(&c->out);
	c->busy = false;
	c->served++;
	if (err->num != 0 || !c->http.keep_alive)
		c->broken = true;
	if (!c->broken)
		idle_begin(c);
	c->spec.done(c->spec.ctx, c, &c->http, err);
}

/* Bytes that nobody asked for, or the end. */
static void
on_idle_read(struct conn *c)
{
	c->broken = true;
	c->spec.idle(c->spec.ctx, c, true);
}

static void
on_bytes(struct conn *c, const char *data, size_t len)
{
	struct err err = ERR_INIT;
	size_t used = 0;
	int r;

	c->answered = true;
	r = http_feed(&c->http, data, len, &used, &err);
	if (r >= 0 && c->http.head_done && !c->head_told) {
		c->head_told = true;
		if (c->spec.head != NULL)
			c->spec.head(c->spec.ctx, c->http.status);
	}
	if (r == 0)
		return;
	/* More than the response was asked for: whatever it is, it is not the next answer. */
	if (r > 0 && used < len)
		c->broken = true;
	finish(c, &err);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	struct err err = ERR_INIT;
	char data[READ_SIZE];
	ssize_t n;

	(void)what;
	n = recv(fd, data, sizeof(data), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (!c->busy) {
		on_idle_read(c);
		return;
	}
	if (n > 0) {
		on_bytes(c, data, (size_t)n);
		return;
	}
	if (n < 0)
		err_errno(&err, "cannot read from the engine");
	else
		(void)http_eof(&c->http, &err);
	c->broken = true;
	finish(c, &err);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	struct err err = ERR_INIT;
	ssize_t n = send(fd, c->out.data, c->out.len, MSG_NOSIGNAL);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		err_errno(&err, "cannot write to the engine");
		finish(c, &err);
		return;
	}
	buf_drop(&c->out, (size_t)n);
	if (c->out.len == 0)
		event_del(c->writable);
}

static void
on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	c->broken = true;
	c->spec.idle(c->spec.ctx, c, false);
}

struct conn *
conn_new(struct event_base *base, int take_fd, const struct conn_spec *spec)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	(void)evutil_make_socket_nonblocking(take_fd);
	c->spec = *spec;
	c->fd = take_fd;
	c->out = (struct buf)BUF_INIT(REQUEST_MAX);
	c->readable = event_new(base, take_fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(base, take_fd, EV_WRITE | EV_PERSIST, on_writable, c);
	c->idle = evtimer_new(base, on_idle, c);
	if (c->readable == NULL || c->writable == NULL || c->idle == NULL || event_add(c->readable, NULL) < 0)
		abort();
	idle_begin(c);
	return c;
}

void
conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	event_free(c->readable);
	event_free(c->writable);
	event_free(c->idle);
	close(c->fd);
	buf_done(&c->out);
	http_done(&c->http);
	free(c);
}

void
conn_request(struct conn *c, const char *text, size_t len, const struct http_spec *http)
{
	if (c->busy || c->broken)
		abort();
	evtimer_del(c->idle);
	http_done(&c->http);
	http_init(&c->http, http);
	c->busy = true;
	c->answered = false;
	c->head_told = false;
	buf_add(&c->out, text, len);
	event_add(c->writable, NULL);
}

bool
conn_busy(const struct conn *c)
{
	return c->busy;
}

bool
conn_reusable(const struct conn *c)
{
	return !c->busy && !c->broken;
}

bool
conn_unused(const struct conn *c)
{
	return !c->busy && c->served == 0;
}

bool
conn_was_stale(const struct conn *c)
{
	return c->served > 1 && !c->answered;
}
