#include "ipc/channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"

enum {
	CHANNEL_BATCH = 16,  /* messages taken in one round, so that no peer starves the others */
	CHANNEL_STATES = 32, /* bits of channel_rule.states */
};

struct waiting {
	STAILQ_ENTRY(waiting) next;
	char *text;
	int fds[MSG_FDS];
	size_t nfds;
};

struct channel {
	struct channel_spec spec;
	int fd;
	unsigned state;
	struct event *readable, *writable, *ending;
	STAILQ_HEAD(, waiting) queue;
	size_t queued, queued_bytes;
	bool mute; /* the peer has gone: nothing is sent any more, what it said before is still heard */
	bool dead; /* `closed` is on its way */
	struct err why;
	bool *freed; /* set by channel_free while a handler of ours is on the stack */
};

static void
free_waiting(struct waiting *w)
{
	for (size_t i = 0; i < w->nfds; i++)
		close(w->fds[i]);
	free(w->text);
	free(w);
}

static void
drop_queue(struct channel *ch)
{
	while (!STAILQ_EMPTY(&ch->queue)) {
		struct waiting *w = STAILQ_FIRST(&ch->queue);

		STAILQ_REMOVE_HEAD(&ch->queue, next);
		free_waiting(w);
	}
	ch->queued = 0;
	ch->queued_bytes = 0;
}

/* The end: nothing is read or sent any more, and `closed` is called from the loop, also when we stand in a caller's
 * code now. */
static void
fail(struct channel *ch, const struct err *err)
{
	if (ch->dead)
		return;
	ch->dead = true;
	ch->why = *err;
	event_del(ch->readable);
	event_del(ch->writable);
	drop_queue(ch);
	event_active(ch->ending, EV_TIMEOUT, 0);
}

static void
on_ending(evutil_socket_t fd, short what, void *arg)
{
	struct channel *ch = arg;
	struct err why = ch->why; /* the callee frees the channel */

	(void)fd;
	(void)what;
	ch->spec.closed(ch->spec.ctx, &why);
}

static const struct channel_rule *
find_rule(const struct channel *ch, const char *type)
{
	for (size_t i = 0; i < ch->spec.nrules; i++) {
		const struct channel_rule *rule = &ch->spec.rules[i];

		if (str_eq(rule->type, type) && (rule->states & (1U << ch->state)) != 0)
			return rule;
	}
	return NULL;
}

static int
dispatch(struct channel *ch, struct msg *m, struct err *err)
{
	const struct channel_rule *rule = find_rule(ch, m->spec->type);
	int r;

	if (rule == NULL)
		return err_set(err, EBADMSG, "unexpected message %s in state %u", m->spec->type, ch->state);
	r = rule->handle(ch->spec.ctx, m, err);
	if (r < 0 && err->num == 0)
		return err_set(err, -r, "message %s failed", m->spec->type);
	return r;
}

/* One message. Returns 1, 0 when there is nothing more to do now (the channel may be dead or even freed). */
static int
receive_one(struct channel *ch)
{
	auto_msg struct msg m = MSG_INIT;
	struct err err = ERR_INIT;
	bool freed = false;
	int r;

	r = msg_recv(ch->fd, ch->spec.recv, &m, &err);
	if (r == -EAGAIN && !ch->mute)
		return 0;
	if (r == -EAGAIN)
		err_set(&err, EPIPE, "the peer has gone");
	if (r <= 0) {
		fail(ch, &err);
		return 0;
	}
	ch->freed = &freed;
	r = dispatch(ch, &m, &err);
	if (freed)
		return 0;
	ch->freed = NULL;
	if (r < 0)
		fail(ch, &err);
	return !ch->dead;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *ch = arg;

	(void)fd;
	(void)what;
	for (int i = 0; i < CHANNEL_BATCH; i++) {
		if (!receive_one(ch))
			return;
	}
	/* Nothing need be readable any more, and yet somebody must find that out. */
	if (ch->mute)
		event_active(ch->readable, EV_READ, 0);
}

/* A failed send. The peer's last words may still wait to be read: its end of file, or an empty socket, then ends the
 * channel. */
static void
send_failed(struct channel *ch, int r, const struct err *err)
{
	if (r != -EPIPE) {
		fail(ch, err);
		return;
	}
	ch->mute = true;
	event_del(ch->writable);
	drop_queue(ch);
	event_active(ch->readable, EV_READ, 0);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *ch = arg;

	(void)fd;
	(void)what;
	while (!STAILQ_EMPTY(&ch->queue)) {
		struct waiting *w = STAILQ_FIRST(&ch->queue);
		struct err err = ERR_INIT;
		int r = msg_send_text(ch->fd, w->text, w->fds, w->nfds, &err);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			send_failed(ch, r, &err);
			return;
		}
		STAILQ_REMOVE_HEAD(&ch->queue, next);
		ch->queued--;
		ch->queued_bytes -= strlen(w->text);
		free_waiting(w);
	}
	event_del(ch->writable);
}

/* The caller closes its descriptors when we return, so the queue has its own. */
static int
dup_fds(struct waiting *w, const int *fds, size_t nfds, struct err *err)
{
	for (size_t i = 0; i < nfds; i++) {
		int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);

		if (fd < 0)
			return err_errno(err, "cannot duplicate a descriptor");
		w->fds[w->nfds++] = fd;
	}
	return 0;
}

static int
enqueue(struct channel *ch, char *take_text, const int *fds, size_t nfds, struct err *err)
{
	struct waiting *w = calloc(1, sizeof(*w));
	int r;

	if (w == NULL)
		abort();
	w->text = take_text;
	if (ch->queued >= CHANNEL_QUEUE_MAX || ch->queued_bytes + strlen(w->text) > CHANNEL_QUEUE_BYTES)
		r = err_set(err, ENOBUFS, "the peer does not read: %zu messages wait", ch->queued);
	else
		r = dup_fds(w, fds, nfds, err);
	if (r < 0) {
		free_waiting(w);
		return r;
	}
	STAILQ_INSERT_TAIL(&ch->queue, w, next);
	ch->queued++;
	ch->queued_bytes += strlen(w->text);
	if (event_add(ch->writable, NULL) < 0)
		abort();
	return 0;
}

void
channel_send(struct channel *ch, json_t *take_body, const int *fds, size_t nfds)
{
	auto_free char *text = NULL;
	struct err err = ERR_INIT;
	int r = -EAGAIN;

	text = msg_encode(ch->spec.send, take_body, nfds, &err);
	json_decref(take_body);
	if (ch->dead || ch->mute)
		return;
	if (text == NULL) {
		fail(ch, &err);
		return;
	}
	if (ch->queued == 0)
		r = msg_send_text(ch->fd, text, fds, nfds, &err);
	if (r == -EAGAIN)
		r = enqueue(ch, TAKE(text), fds, nfds, &err);
	if (r < 0)
		send_failed(ch, r, &err);
}

static struct event *
must_event(struct event_base *base, int fd, short what, event_callback_fn fn, struct channel *ch)
{
	struct event *ev = event_new(base, fd, what, fn, ch);

	if (ev == NULL)
		abort();
	return ev;
}

struct channel *
channel_new(struct event_base *base, int take_fd, const struct channel_spec *spec)
{
	struct channel *ch = calloc(1, sizeof(*ch));

	if (ch == NULL || io_set_nonblock(take_fd, true) < 0)
		abort();
	ch->spec = *spec;
	ch->fd = take_fd;
	STAILQ_INIT(&ch->queue);
	ch->readable = must_event(base, take_fd, EV_READ | EV_PERSIST, on_readable, ch);
	ch->writable = must_event(base, take_fd, EV_WRITE | EV_PERSIST, on_writable, ch);
	ch->ending = must_event(base, -1, 0, on_ending, ch);
	if (event_add(ch->readable, NULL) < 0)
		abort();
	return ch;
}

void
channel_free(struct channel *ch)
{
	if (ch == NULL)
		return;
	if (ch->freed != NULL)
		*ch->freed = true;
	event_free(ch->readable);
	event_free(ch->writable);
	event_free(ch->ending);
	drop_queue(ch);
	close(ch->fd);
	free(ch);
}

void
channel_state(struct channel *ch, unsigned state)
{
	assert(state < CHANNEL_STATES);
	ch->state = state;
}

size_t
channel_queued(const struct channel *ch)
{
	return ch->queued;
}
