#include "supervisor/web.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "base/proc.h"
#include "supervisor/bind.h"
#include "supervisor/role.h"

enum {
	AGAIN_MIN_MS = 500, /* until the port is asked for again, or the process may be started again: doubles up to */
	AGAIN_MAX_MS = 30 * 1000,
	CALM_MS = 60 * 1000, /* a process that lived so long starts over at the minimum */
};

struct web {
	struct event_base *base;
	struct children *children;
	const struct facts *facts;
	const char *address;
	struct kept *kept;
	struct bound bound;	       /* n 0: the port is not ours yet */
	struct event *knock[BIND_MAX]; /* somebody connects, and it does not run */
	struct channel *core;
	struct child child;
	bool runs;
	int arrival; /* the way for its channels to core; -1 while it does not run */
	bool closing;
	bool told; /* that the port cannot be had */
	int again_ms;
	long long started_ms;
	struct event *timer; /* the next attempt */
};

static void
try_later(struct web *w)
{
	struct timeval tv = {w->again_ms / 1000, w->again_ms % 1000 * 1000};

	if (w->closing)
		return;
	event_add(w->timer, &tv);
	w->again_ms = w->again_ms * 2 > AGAIN_MAX_MS ? AGAIN_MAX_MS : w->again_ms * 2;
}

/* One end for core, the other for pgod-web. One that has died meanwhile is started again, and gets another. */
static void
join(struct web *w)
{
	struct err err = ERR_INIT;
	int pair[2];

	if (w->arrival < 0 || w->core == NULL)
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		log_err("cannot make a channel: %s", strerror(errno));
		return;
	}
	if (io_send_fd(w->arrival, pair[1], &err) < 0)
		log_debug("pgod-web: %s", err.msg);
	else
		channel_send(w->core, msg_new("web", ""), &pair[0], 1);
	close(pair[0]);
	close(pair[1]);
}

static void
on_ended(void *ctx, int wstatus)
{
	struct web *w = ctx;
	char text[64];

	w->runs = false;
	close(take_fd(&w->arrival));
	if (w->closing)
		return;
	if (io_now_ms() - w->started_ms >= CALM_MS)
		w->again_ms = AGAIN_MIN_MS;
	log_err("pgod-web ended (%s); it may be started again in %d ms", proc_status_text(wstatus, text, sizeof(text)),
	    w->again_ms);
	try_later(w);
}

static int
start(struct web *w, struct err *err)
{
	int fds[ROLE_FD_MAX] = {-1};
	int pair[2];
	pid_t pid = 0;
	int rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "cannot make a channel");
	w->arrival = pair[0];
	io_set_nonblock(w->arrival, true); /* who does not read must not hold pgod up */
	join(w);			   /* before it runs: whoever has knocked must not be answered without core */
	fds[0] = pair[1];
	for (size_t i = 0; i < w->bound.n; i++)
		fds[i + 1] = w->bound.fds[i];
	rc = role_spawn(w->facts,
	    &(struct role){.program = "pgod-web", .account = &w->facts->web, .fds = fds, .nfds = 1 + w->bound.n}, &pid,
	    err);
	close(pair[1]);
	if (rc < 0) {
		close(take_fd(&w->arrival));
		return rc;
	}
	w->runs = true;
	w->started_ms = io_now_ms();
	children_add(w->children, &w->child, pid, on_ended, w);
	return 0;
}

/* It weighs as much as half of the others together: it is not started before somebody wants something of it. */
static void
wait_for_knock(struct web *w)
{
	for (size_t i = 0; i < w->bound.n; i++)
		event_add(w->knock[i], NULL);
}

static void
on_knock(evutil_socket_t fd, short what, void *arg)
{
	struct web *w = arg;
	struct err err = ERR_INIT;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < w->bound.n; i++)
		event_del(w->knock[i]);
	if (w->runs || w->closing || start(w, &err) >= 0)
		return;
	log_err("%s", err.msg);
	try_later(w);
}

static int
take_port(struct web *w, struct err *err)
{
	int rc = bind_address(w->address, w->kept, "metrics", &w->bound, err);

	if (rc < 0)
		return err_wrap(err, "--metric %s", w->address);
	for (size_t i = 0; i < w->bound.n; i++) {
		w->knock[i] = event_new(w->base, w->bound.fds[i], EV_READ, on_knock, w);
		if (w->knock[i] == NULL)
			abort();
	}
	log_info("serving metrics address=%s port=%d", w->address, bind_port(w->bound.fds[0], NULL));
	w->again_ms = AGAIN_MIN_MS;
	return 0;
}

static void
attempt(struct web *w)
{
	struct err err = ERR_INIT;

	if (w->bound.n > 0 || take_port(w, &err) >= 0) {
		wait_for_knock(w);
		return;
	}
	if (!w->told)
		log_warn("metrics are not served yet, the address is tried again: %s", err.msg);
	w->told = true;
	try_later(w);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	attempt(arg);
}

struct web *
web_new(struct event_base *base, struct children *children, const struct facts *facts, const char *address,
    struct kept *kept)
{
	struct web *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	w->base = base;
	w->children = children;
	w->facts = facts;
	w->address = address;
	w->arrival = -1;
	w->again_ms = AGAIN_MIN_MS;
	w->timer = evtimer_new(base, on_timer, w);
	if (w->timer == NULL)
		abort();
	w->kept = kept;
	if (facts->web.name != NULL && address[0] != '\0')
		attempt(w);
	return w;
}

void
web_set_core(struct web *w, struct channel *core)
{
	w->core = core;
	join(w);
}

void
web_signal(struct web *w, int sig)
{
	w->closing = true;
	event_del(w->timer);
	for (size_t i = 0; i < w->bound.n; i++)
		event_del(w->knock[i]);
	if (w->runs)
		kill(w->child.pid, sig);
}

void
web_free(struct web *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->bound.n; i++)
		event_free(w->knock[i]);
	bound_close(&w->bound);
	auto_close_(&w->arrival);
	event_free(w->timer);
	free(w);
}
