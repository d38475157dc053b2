#include "core/receive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "core/app.h"
#include "core/client.h"
#include "core/job.h"
#include "core/push.h"
#include "core/service.h"

enum {
	READ_BYTES = 4096,
	ANSWER_ROOM = 4 * PUSHLINE_MAX, /* beyond what may be said: an answer always fits */
};

/* What the hooks may say next. */
enum wire_state {
	WIRE_ASK,      /* `ask` */
	WIRE_ASK_REFS, /* its refs */
	WIRE_ASKED,    /* nothing: push.c thinks */
	WIRE_DEPLOY,   /* `deploy` */
	WIRE_DEPLOY_REFS,
	WIRE_DEPLOYING, /* nothing */
	WIRE_OVER,	/* nothing any more */
};

struct wire {
	struct receive *r;
	int fd;
	enum wire_state state;
	bool told; /* push.c knows of it */
	struct event *readable;
	struct event *writable;
	struct buf in;
	struct buf out;
	size_t left_out; /* lines */
};

static void
close_wire(struct wire *w)
{
	if (w->readable != NULL)
		event_free(w->readable);
	if (w->writable != NULL)
		event_free(w->writable);
	w->readable = NULL;
	w->writable = NULL;
	auto_close_(&w->fd);
	w->fd = -1;
	w->state = WIRE_OVER;
}

/* --- to the hook --- */

static void
flush(struct wire *w)
{
	while (w->fd >= 0 && w->out.len > 0) {
		ssize_t n = send(w->fd, w->out.data, w->out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			event_add(w->writable, NULL);
			return;
		}
		if (n < 0) { /* the hook has gone: the job's end tells the rest */
			close_wire(w);
			return;
		}
		buf_drop(&w->out, (size_t)n);
	}
}

static void
tell_left_out(struct wire *w)
{
	auto_free char *text = NULL;

	if (w->left_out == 0)
		return;
	text = str_printf("       (%zu lines were left out: `logs deploy` has them)", w->left_out);
	w->left_out = 0;
	pushline_add(&w->out, PUSHLINE_SAY, text);
}

void
receive_say(struct receive *r, const char *line)
{
	struct wire *w = r->wire;

	if (w->fd < 0)
		return;
	if (w->out.len > RECEIVE_UNREAD_MAX) {
		w->left_out++;
		return;
	}
	tell_left_out(w);
	pushline_add(&w->out, PUSHLINE_SAY, line);
	flush(w);
}

void
receive_answer(struct receive *r, const char *no)
{
	struct wire *w = r->wire;

	if (w->state != WIRE_ASKED && w->state != WIRE_DEPLOYING)
		return;
	tell_left_out(w);
	pushline_add(&w->out, no == NULL ? PUSHLINE_OK : PUSHLINE_NO, no);
	w->state = w->state == WIRE_ASKED && no == NULL ? WIRE_DEPLOY : WIRE_OVER;
	flush(w);
}

/* --- from the hook --- */

void
receive_refuse(struct receive *r, const char *why)
{
	auto_free char *line = str_printf(" !     %s", why);

	log_info("push refused: %s service=%s by=\"%s\"", why, r->svc->conf->name, r->who);
	receive_say(r, line);
	receive_answer(r, why);
}

/* The question is complete. Judged at each, for it is another process that asks. */
static void
on_question(struct receive *r)
{
	struct wire *w = r->wire;
	bool deploys = w->state == WIRE_DEPLOY_REFS;
	struct err err = ERR_INIT;

	w->state = deploys ? WIRE_DEPLOYING : WIRE_ASKED;
	if (receive_judge_refs(r, &err) < 0) {
		receive_refuse(r, err.msg);
		return;
	}
	w->told = true;
	(deploys ? push_deploy : push_asked)(r);
}

static int
on_ref(struct receive *r, const struct pushline_ref *ref, struct err *err)
{
	if (r->nrefs == PUSH_REFS_MAX)
		return err_set(err, EBADMSG, "more than %d refs", PUSH_REFS_MAX);
	r->refs[r->nrefs++] = *ref;
	return 0;
}

static int
on_line(struct receive *r, const char *line, size_t len, struct err *err)
{
	struct wire *w = r->wire;
	struct pushline l;

	if (pushline_parse(line, len, &l, err) < 0)
		return -err->num;
	if ((w->state == WIRE_ASK && l.word == PUSHLINE_ASK) ||
	    (w->state == WIRE_DEPLOY && l.word == PUSHLINE_DEPLOY)) {
		r->nrefs = 0;
		w->state++;
		return 0;
	}
	if (w->state != WIRE_ASK_REFS && w->state != WIRE_DEPLOY_REFS)
		return err_set(err, EBADMSG, "a line out of turn");
	if (l.word == PUSHLINE_REF)
		return on_ref(r, &l.ref, err);
	if (l.word != PUSHLINE_END)
		return err_set(err, EBADMSG, "no ref and no end");
	on_question(r);
	return 0;
}

static int
take_lines(struct receive *r, struct err *err)
{
	struct wire *w = r->wire;
	const char *end;

	while (w->in.len > 0 && (end = memchr(w->in.data, '\n', w->in.len)) != NULL) {
		size_t len = (size_t)(end - w->in.data);

		if (on_line(r, w->in.data, len, err) < 0)
			return -err->num;
		buf_drop(&w->in, len + 1);
	}
	return w->in.len > PUSHLINE_MAX ? err_set(err, EBADMSG, "a line without end") : 0;
}

/* What a hook says wrong ends the push: whoever speaks has the account, and may have been anybody. */
static void
on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct receive *r = ctx;
	struct wire *w = r->wire;
	char data[READ_BYTES];
	struct err err = ERR_INIT;
	ssize_t n = read(fd, data, sizeof(data));

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { /* all that held it have ended */
		close_wire(w);
		return;
	}
	buf_add(&w->in, data, (size_t)n);
	if (take_lines(r, &err) < 0) {
		log_warn("a hook is not understood: %s service=%s by=\"%s\"", err.msg, r->svc->conf->name, r->who);
		close_wire(w);
	}
}

static void
on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct receive *r = ctx;

	(void)fd;
	(void)what;
	flush(r->wire);
}

/* --- its life --- */

void
receive_free(struct receive *r)
{
	if (r == NULL)
		return;
	if (r->wire->told)
		push_forget(r);
	close_wire(r->wire);
	buf_done(&r->wire->in);
	buf_done(&r->wire->out);
	free(r->wire);
	free(r);
}

static struct receive *
receive_new(struct client *c, int take_fd)
{
	struct receive *r = calloc(1, sizeof(*r));
	struct wire *w = calloc(1, sizeof(*w));

	if (r == NULL || w == NULL)
		abort();
	*w = (struct wire){.r = r,
	    .fd = take_fd,
	    .in = BUF_INIT(PUSHLINE_MAX + 1 + READ_BYTES),
	    .out = BUF_INIT(RECEIVE_UNREAD_MAX + PUSHLINE_MAX + ANSWER_ROOM)};
	r->core = c->core;
	r->client = c;
	r->svc = c->svc;
	r->wire = w;
	snprintf(r->who, sizeof(r->who), "%s", c->who);
	io_set_nonblock(take_fd, true);
	w->readable = event_new(c->core->base, take_fd, EV_READ | EV_PERSIST, on_readable, r);
	w->writable = event_new(c->core->base, take_fd, EV_WRITE, on_writable, r);
	event_add(w->readable, NULL);
	return r;
}

void
receive_quit(struct client *c)
{
	if (c->receive != NULL && c->job != NULL && c->receive->wire->state < WIRE_DEPLOYING)
		job_signal(c->job, "TERM");
}

/* Those whom git serves of the service at the moment: who pushes, or who fetches. */
static size_t
count_served(const struct service *svc, bool pushes)
{
	const struct client *c;
	size_t n = 0;

	TAILQ_FOREACH(c, &svc->core->clients, entry)
	n += c->git && c->svc == svc && c->job != NULL && (c->wants.verb == GITLINE_RECEIVE) == pushes;
	return n;
}

/* False after the client was told that there is no room. */
static bool
has_room(struct client *c, bool pushes)
{
	size_t most = pushes ? RECEIVE_SERVICE_MAX : RECEIVE_FETCHES_MAX;

	if (count_served(c->svc, pushes) < most)
		return true;
	client_answer(c, 2, 1, "%zu %s %s are at work already: try again when they have ended\n", most,
	    pushes ? "pushes to" : "fetches from", c->svc->app->name);
	return false;
}

static void
receive(struct client *c)
{
	auto_close int theirs = -1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		client_answer(c, 2, 500, "pgod: cannot make a socket: %s\n", strerror(errno));
		return;
	}
	theirs = pair[1];
	c->receive = receive_new(c, pair[0]);
	client_run_job_with(c, gitline_job(GITLINE_RECEIVE), NULL, theirs);
}

/* Why git's client cannot be served here; NULL when it can. The caller frees. */
static char *
why_not(const struct service *svc, enum gitline_verb verb)
{
	const char *name = svc->name;

	if (svc->app == NULL && verb == GITLINE_RECEIVE)
		return str_printf("%s is not pushed to: it follows %s of %s, so push there", name, svc->conf->branch,
		    svc->conf->repository);
	if (svc->app == NULL)
		return str_printf("%s has no repository here: it follows %s", name, svc->conf->repository);
	if (svc->core->conf->push == NULL)
		return str_dup("pushes are switched off: pgo.toml has no table [push]");
	if (!svc->ready)
		return str_printf("%s is not ready: %s", name,
		    svc->problem[0] != '\0' ? svc->problem : "pgod is still starting: try again in a moment");
	if (app_is_branch(svc))
		return str_printf("%s is the branch %s of %s: its repository is %s", svc->app->name,
		    svc->app->row.branch, app_main(svc), app_main(svc));
	return NULL;
}

void
receive_run(struct client *c)
{
	enum gitline_verb verb = c->wants.verb;
	auto_free char *no = why_not(c->svc, verb);

	if (no != NULL)
		client_answer(c, 2, 1, "%s\n", no);
	else if (!has_room(c, verb == GITLINE_RECEIVE))
		return;
	else if (verb == GITLINE_RECEIVE)
		receive(c);
	else
		client_run_job(c, gitline_job(verb), NULL);
}

bool
receive_may_make(const struct client *c)
{
	const struct conf_push *push = c->core->conf->push;

	return c->wants.verb == GITLINE_RECEIVE && push != NULL && push->create &&
	       access_may(&c->access, gitline_op(GITLINE_RECEIVE));
}

static void
on_made(void *ctx, struct service *svc, const char *error)
{
	struct client *c = ctx;

	if (svc == NULL) {
		client_answer(c, 2, 1, "%s\n", error);
		return;
	}
	c->svc = svc;
	receive_run(c);
}

void
receive_make(struct client *c)
{
	log_info("the first push makes the app app=%s key=\"%s\" peer=%s", c->wants.name, c->who, c->peer);
	app_create(c->core, &(struct app_spec){.name = c->wants.name, .maker = c->who}, on_made, c);
}
