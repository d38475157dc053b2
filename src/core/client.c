#include "core/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "core/app.h"
#include "core/host.h"
#include "core/job.h"
#include "core/naming.h"
#include "core/oneoff.h"
#include "core/op.h"
#include "core/receive.h"
#include "core/service.h"
#include "engine/engine.h"
#include "ipc/opname.h"

#define KILLED "pgod: git was ended on the server before it was done: try again\n"

enum { CLIENT_IDLE, CLIENT_BUSY, CLIENT_DONE };

enum { OUTPUT_CHUNK = 8 * 1024 }; /* escaped it is at most four times that: below MSG_MAX */

/* How much of it goes into one message: no character is cut in two, of which both halves would be escaped. */
static size_t
chunk(const char *data, size_t len)
{
	enum { CONTINUED_MAX = 3 };
	size_t n = OUTPUT_CHUNK;

	if (len <= OUTPUT_CHUNK)
		return len;
	while (n > OUTPUT_CHUNK - CONTINUED_MAX && ((unsigned char)data[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void
client_output(struct client *c, int stream, const char *data, size_t len)
{
	if (c->git)
		stream = 2;
	while (len > 0) {
		auto_buf struct buf text = BUF_INIT(5 * OUTPUT_CHUNK);
		size_t n = chunk(data, len);

		buf_vis(&text, data, n, true);
		channel_send(c->ch, msg_new("output", "siss", "stream", stream, "data", buf_str(&text)), NULL, 0);
		data += n;
		len -= n;
	}
}

void
client_exit(struct client *c, int status)
{
	c->answered = true;
	channel_state(c->ch, CLIENT_DONE);
	channel_send(c->ch, msg_new("exit", "si", "status", status), NULL, 0);
}

void
client_answer(struct client *c, int stream, int status, const char *fmt, ...)
{
	auto_buf struct buf text = BUF_INIT(64 * 1024);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	client_output(c, stream, buf_str(&text), text.len);
	client_exit(c, status);
}

json_t *
client_text_json(const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;
	auto_buf struct buf out = BUF_INIT(4 * len);

	if (len == 0)
		return json_null();
	buf_vis(&out, text, len, true);
	return json_string(buf_str(&out));
}

char *
client_document(const json_t *document)
{
	auto_free char *text = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(6));

	if (text == NULL)
		abort();
	return str_printf("%s\n", text);
}

void
client_answer_json(struct client *c, int status, const json_t *document)
{
	auto_free char *text = client_document(document);

	client_output(c, 1, text, strlen(text));
	client_exit(c, status);
}

/* As the output of a job that has ended: pgod-ssh reads it from where it is. */
void
client_answer_bytes(struct client *c, const char *data, size_t len)
{
	struct err err = ERR_INIT;
	auto_close int out = io_memfd("stdout", data, len, &err);
	auto_close int errs = io_memfd("stderr", "", 0, &err);
	auto_close int in = -1;
	int ends[2] = {-1, -1};

	if (out < 0 || errs < 0 || pipe2(ends, O_CLOEXEC) < 0) {
		client_answer(c, 2, 500, "pgod: cannot answer: %s\n", err.num != 0 ? err.msg : strerror(errno));
		return;
	}
	close(ends[0]);
	in = ends[1];
	channel_send(c->ch, msg_new("run", ""), (const int[]){in, out, errs}, 3);
	client_exit(c, 0);
}

/* Compose has removed the container; of one that was killed it is left. */
static void
end_oneoff(struct client *c)
{
	if (c->oneoff != NULL)
		oneoff_end(c->svc, c->oneoff);
	free(TAKE(c->oneoff));
}

static void
on_job_done(void *ctx, const struct job_result *r)
{
	struct client *c = ctx;

	c->job = NULL;
	receive_free(TAKE(c->receive)); /* its hooks have ended with it, and its service may */
	end_oneoff(c);
	/* git's client would only say that the other side has gone, and that it may not be allowed to come. */
	if (c->git && job_was_killed(r))
		client_output(c, 2, KILLED, strlen(KILLED));
	if (r->status < 0)
		client_answer(c, 2, 500, "pgod: %s\n", r->error);
	else
		client_exit(c, r->status);
}

/* The ends of three pipes: [0] for the job, [1] for the client. */
static int
make_pipes(int job_ends[3], int client_ends[3], struct err *err)
{
	for (int i = 0; i < 3; i++) {
		int fds[2];

		if (pipe2(fds, O_CLOEXEC) < 0)
			return err_errno(err, "cannot make a pipe");
		job_ends[i] = i == 0 ? fds[0] : fds[1];
		client_ends[i] = i == 0 ? fds[1] : fds[0];
	}
	return 0;
}

void
client_run_job(struct client *c, const char *kind, const struct strv *args)
{
	client_run_job_with(c, kind, args, -1);
}

void
client_run_job_with(struct client *c, const char *kind, const struct strv *args, int third)
{
	int job_ends[3] = {-1, -1, -1};
	int client_ends[3] = {-1, -1, -1};
	struct err err = ERR_INIT;

	if (make_pipes(job_ends, client_ends, &err) < 0) {
		client_answer(c, 2, 500, "pgod: %s\n", err.msg);
	} else {
		channel_send(c->ch, msg_new("run", ""), client_ends, 3);
		c->job = job_start(c->core, &(struct job_spec){
						.kind = kind,
						.service = c->svc->conf->name,
						.args = args,
						.pipes = job_ends,
						.third = third,
						.done = on_job_done,
						.ctx = c,
					    });
	}
	for (int i = 0; i < 3; i++) {
		if (job_ends[i] >= 0)
			close(job_ends[i]);
		if (client_ends[i] >= 0)
			close(client_ends[i]);
	}
}

static void
on_terminal(void *ctx, int terminal)
{
	struct client *c = ctx;

	channel_send(c->ch, msg_new("run", ""), &terminal, 1);
}

void
client_run_on_terminal(struct client *c, const char *kind, const struct strv *args, int third)
{
	c->job = job_start(c->core, &(struct job_spec){
					.kind = kind,
					.service = c->svc->conf->name,
					.args = args,
					.cols = c->cols,
					.rows = c->rows,
					.third = third,
					.started = on_terminal,
					.done = on_job_done,
					.ctx = c,
				    });
}

/* What pgod-ssh says of the client's terminal, which is less trusted: the type goes into a container's environment. */
static int
take_terminal(struct client *c, const struct msg *m, struct err *err)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+._-";
	const char *term = msg_str(m, "term");
	long long cols = msg_int(m, "cols");
	long long rows = msg_int(m, "rows");

	if (cols < 0 || cols > OP_TERMINAL_MAX || rows < 0 || rows > OP_TERMINAL_MAX || (cols == 0) != (rows == 0))
		return err_set(err, EBADMSG, "a terminal of %lld columns and %lld rows", cols, rows);
	if (strlen(term) > OP_TERM_MAX || term[strspn(term, ok)] != '\0')
		return err_set(err, EBADMSG, "a terminal of no known type");
	c->term = str_dup(term);
	c->cols = (int)cols;
	c->rows = (int)rows;
	return 0;
}

static void
answer_renamed(struct client *c, const struct service *svc)
{
	char former[APPNAME_MAX + 1];

	appname_of_service(c->line.service, former);
	client_answer(c, 2, 1, "Error: the app %s is called %s now: ask for it, and push to it, by that name%s\n",
	    former, svc->app->name, c->git ? " (git remote set-url)" : "");
}

static void
answer_stranger(struct client *c)
{
	auto_buf struct buf name = BUF_INIT(512);

	buf_vis(&name, c->line.service, strlen(c->line.service), false);
	op_hint_at_host(c);
	client_answer(
	    c, 1, 401, "Unauthorized: Key for user \"%s\" does not match any for name %s\n", c->user, buf_str(&name));
}

/* To an operator of all services it is no secret which there are. */
static void
answer_nothing(struct client *c)
{
	auto_buf struct buf name = BUF_INIT(512);
	auto_free char *hint = NULL;
	char app[APPNAME_MAX + 1];

	buf_vis(&name, c->line.service, strlen(c->line.service), false);
	op_hint_at_host(c);
	if (c->git && str_eq(c->line.op, "push") && c->core->conf->push != NULL && !c->core->conf->push->create) {
		appname_of_service(c->line.service, app);
		hint = str_printf(", and pushes make no apps here (create in [push]): `apps create %s` makes it", app);
	}
	client_answer(
	    c, 1, 404, "Not Found: No service found with name \"%s\"%s\n", buf_str(&name), hint != NULL ? hint : "");
}

/* What is asked for: by git, or by people. False after the client was told that it is neither. */
static bool
take_line(struct client *c, const char *line, size_t len)
{
	struct err err = ERR_INIT;
	int rc = gitline_parse(line, len, &c->wants, &err);

	if (rc > 0) {
		c->git = true;
		c->line.service = str_dup(c->wants.service);
		c->line.op = str_dup(gitline_op(c->wants.verb));
	} else if (rc < 0) {
		client_answer(c, 2, 400, "Bad Request: %s\n", err.msg);
	} else if (opline_parse(line, len, &c->line, &err) < 0) {
		client_answer(c, 1, 400, "Bad Request: No correct commands in connection for user \"%s\"\n", c->user);
		rc = -1;
	}
	return rc >= 0;
}

/* An app may be asked for as it is pushed to, with the dots of its name. */
static void
name_service(struct client *c)
{
	char service[APPNAME_MAX + 1];

	if (strchr(c->line.service, '.') == NULL || appname_check(c->line.service, NULL) < 0)
		return;
	appname_service(c->line.service, service);
	str_set(&c->line.service, service);
}

static int
on_op(void *ctx, struct msg *m, struct err *err)
{
	struct client *c = ctx;
	auto_buf struct buf user = BUF_INIT(256);
	size_t len = 0;
	auto_free char *line = str_unbase64(msg_str(m, "line"), &len);
	const struct service *renamed = NULL;

	channel_state(c->ch, CLIENT_BUSY);
	if (take_terminal(c, m, err) < 0)
		return -err->num;
	buf_vis(&user, msg_str(m, "user"), strlen(msg_str(m, "user")), false);
	c->user = buf_take(&user);
	if (line == NULL)
		return err_set(err, EBADMSG, "the operation line is not base64");
	if (!take_line(c, line, len))
		return 0;
	name_service(c);
	c->key = str_dup(msg_str(m, "key"));
	if (!client_authorise(c, &renamed)) {
		answer_stranger(c);
		return 0;
	}
	if (renamed != NULL)
		answer_renamed(c, renamed);
	else if (c->svc == NULL && c->git && receive_may_make(c))
		receive_make(c);
	else if (c->svc == NULL && !str_eq(c->line.service, OPNAME_HOST_SERVICE))
		answer_nothing(c);
	else if (c->svc != NULL && c->svc->ending)
		client_answer(c, 2, 1, "Error: the app %s is being destroyed\n", c->svc->app->name);
	else
		op_run(c);
	return 0;
}

static int
on_signal(void *ctx, struct msg *m, struct err *err)
{
	static const char *const known[] = {"INT", "TERM", "QUIT", "HUP"};
	struct client *c = ctx;

	(void)err;
	for (size_t i = 0; c->job != NULL && i < ARRAY_LEN(known); i++) {
		if (str_eq(known[i], msg_str(m, "name")))
			job_signal(c->job, known[i]);
	}
	return 0;
}

static int
on_eof(void *ctx, struct msg *m, struct err *err)
{
	(void)m;
	(void)err;
	client_stdin_eof(ctx);
	return 0;
}

static const struct channel_rule rules[] = {
    {"op", 1u << CLIENT_IDLE, on_op},
    {"eof", 1u << CLIENT_BUSY | 1u << CLIENT_DONE, on_eof},
    {"signal", 1u << CLIENT_BUSY | 1u << CLIENT_DONE, on_signal},
};

static void
on_closed(void *ctx, const struct err *err)
{
	struct client *c = ctx;

	if (err->num != 0)
		log_warn("connection dropped: %s peer=%s", err->msg, c->peer);
	client_free(c);
}

void
client_new(struct core *core, int64_t id, const char *peer, int take_fd)
{
	auto_free char *name = str_printf("ssh %lld", (long long)id);
	struct client *c;

	if (core->nclients >= CORE_CLIENTS_MAX) {
		log_warn("too many connections peer=%s", peer);
		close(take_fd);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		abort();
	c->core = core;
	c->id = id;
	c->peer = str_dup(peer);
	c->user = str_dup("");
	c->ch = channel_new(core->base, take_fd,
	    &(struct channel_spec){
		.name = name,
		.recv = SSH_TO_CORE,
		.send = CORE_TO_SSH,
		.rules = rules,
		.nrules = ARRAY_LEN(rules),
		.closed = on_closed,
		.ctx = c,
	    });
	TAILQ_INSERT_TAIL(&core->clients, c, entry);
	core->nclients++;
}

/* All that was to answer it, and what it had going. Deploys belong to pgod and go on. */
static void
drop_work(struct client *c)
{
	if (c->job != NULL) {
		job_signal(c->job, "TERM");
		job_abandon(TAKE(c->job));
	}
	end_oneoff(c);
	client_stdin_free(c->in);
	host_upload_free(TAKE(c->upload));
	naming_forget(TAKE(c->naming));
	receive_free(TAKE(c->receive));
	app_create_forget(c->core, c);
	engine_cancel(TAKE(c->req));
	journal_unfollow(&c->follower);
	svclog_unfollow(&c->reader);
	c->hold = 0;
	c->deploy_key = 0;
	if (c->svc != NULL)
		service_forget_client(c->svc, c);
	c->svc = NULL;
}

void
client_turn_away(struct client *c, const char *text)
{
	drop_work(c);
	if (!c->answered)
		client_answer(c, 2, 1, "%s\n", text);
}

/* A client that leaves takes its logs and exec along. */
void
client_free(struct client *c)
{
	drop_work(c);
	channel_free(c->ch);
	TAILQ_REMOVE(&c->core->clients, c, entry);
	c->core->nclients--;
	opline_done(&c->line);
	free(c->peer);
	free(c->user);
	free(c->key);
	access_done(&c->access);
	free(c->term);
	free(c);
}
