/* The operation: what the client asked for goes to core, and what core answers comes back. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "base/str.h"
#include "ipc/gitline.h"
#include "ipc/msg.h"
#include "ipc/opline.h"
#include "ssh/bounds.h"
#include "ssh/conn.h"

/* For who came without a word of ours. */
#define WHAT_TO_SAY \
	"write what you want, as in `ssh -p PORT HOST SERVICE//help`, or push: `git push ssh://HOST:PORT/APP BRANCH`"

enum { STATUS_BAD_REQUEST = 400, STATUS_INTERNAL = 500 };

static volatile sig_atomic_t pushes; /* the operation is a push: who waits for it is told how it ends */
static volatile sig_atomic_t leaving;

static void
on_term(int sig)
{
	if (!pushes)
		_exit(128 + sig);
	leaving = true;
}

void
op_catch_term(void)
{
	const struct sigaction once = {.sa_handler = on_term, .sa_flags = SA_RESETHAND};

	sigaction(SIGTERM, &once, NULL);
}

bool
op_leaving(void)
{
	return leaving != 0;
}

void
op_answer(struct conn *c, int stream, uint32_t status, const char *fmt, ...)
{
	auto_buf struct buf text = BUF_INIT(1024);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	buf_str_add(&text, "\n");
	relay_close(c);
	relay_text(c, stream, buf_str(&text), text.len);
	c->status = status;
	c->exit_ms = io_now_ms();
	conn_phase(c, PHASE_DRAIN);
}

static void
core_failed(struct conn *c, const char *why)
{
	log_err("core: %s", why);
	c->core_open = false;
	op_answer(c, 2, STATUS_INTERNAL, "pgod: internal error, try again");
}

static int
send_op(struct conn *c)
{
	auto_free char *line = str_base64(c->line, strlen(c->line));
	json_t *body = msg_new("op", "sssssssssisi", "user", c->user, "key", c->key, "line", line, "term", c->term,
	    "cols", c->cols, "rows", c->rows);
	struct err err = ERR_INIT;
	int rc;

	rc = msg_send(c->core, SSH_TO_CORE, body, NULL, 0, &err);
	json_decref(body);
	if (rc < 0)
		core_failed(c, err.msg);
	return rc;
}

void
op_start(struct conn *c)
{
	auto_opline struct opline ol = OPLINE_INIT;
	struct gitline git;
	struct err err = ERR_INIT;
	size_t len = strlen(c->line);
	int is_git = gitline_parse(c->line, len, &git, &err);
	int rc = len > OPLINE_MAX ? -E2BIG : is_git != 0 ? 0 : opline_parse(c->line, len, &ol, &err);

	if (is_git < 0) {
		/* git takes stdout for its own protocol */
		op_answer(c, 2, STATUS_BAD_REQUEST, "Bad Request: %s", err.msg);
	} else if (rc == -ENODATA) {
		op_answer(c, 1, STATUS_BAD_REQUEST,
		    "Bad Request: No commands in connection for user \"%s\"\nYour key is %s. There is no shell here: " WHAT_TO_SAY,
		    c->user, c->fingerprint);
	} else if (rc == -E2BIG) {
		op_answer(c, 1, STATUS_BAD_REQUEST,
		    "Bad Request: Command is longer than %d bytes or %d words in connection for user \"%s\"",
		    OPLINE_MAX, OPLINE_ARGS_MAX, c->user);
	} else if (rc < 0) {
		op_answer(c, 1, STATUS_BAD_REQUEST,
		    "Bad Request: No correct commands in connection for user \"%s\"\nThis is none: " WHAT_TO_SAY,
		    c->user);
	} else if (send_op(c) >= 0) {
		c->logs = ol.op != NULL && str_eq(ol.op, "logs");
		pushes = is_git > 0 && git.verb == GITLINE_RECEIVE;
		conn_phase(c, PHASE_RUN);
	}
	free(TAKE(c->line));
}

void
op_signal(struct conn *c, const char *name)
{
	static const char *const known[] = {"INT", "TERM", "QUIT", "HUP"};

	for (size_t i = 0; c->phase == PHASE_RUN && i < ARRAY_LEN(known); i++) {
		json_t *body;

		if (!str_eq(name, known[i]))
			continue;
		body = msg_new("signal", "ss", "name", name);
		/* A full channel drops it: the client can send it again, and leaving ends the job anyway. */
		(void)msg_send(c->core, SSH_TO_CORE, body, NULL, 0, NULL);
		json_decref(body);
	}
}

/* What waits for it would wait for ever: without it the operation ends by core's deadline. */
void
op_eof(struct conn *c)
{
	json_t *body = msg_new("eof", "");

	(void)msg_send(c->core, SSH_TO_CORE, body, NULL, 0, NULL);
	json_decref(body);
}

static int
on_output(struct conn *c, struct msg *m, struct err *err)
{
	long long stream = msg_int(m, "stream");
	const char *data = msg_str(m, "data");

	if (stream != 1 && stream != 2)
		return err_set(err, EBADMSG, "output: stream %lld", stream);
	relay_text(c, (int)stream, data, strlen(data));
	return 0;
}

static int
on_run(struct conn *c, struct msg *m, struct err *err)
{
	int in, out, errs;

	if (c->in_job)
		return err_set(err, EBADMSG, "run: a second job");
	if (m->nfds == 1)
		return relay_open_terminal(c, msg_take_fd(m, 0), err);
	if (m->nfds != 3)
		return err_set(err, EBADMSG, "run: %zu descriptors", m->nfds);
	in = msg_take_fd(m, 0);
	out = msg_take_fd(m, 1);
	errs = msg_take_fd(m, 2);
	return relay_open(c, in, out, errs, err);
}

static int
on_exit_msg(struct conn *c, struct msg *m, struct err *err)
{
	long long status = msg_int(m, "status");

	if (status < 0 || status > UINT32_MAX)
		return err_set(err, EBADMSG, "exit: status %lld", status);
	c->status = (uint32_t)status;
	c->exit_ms = io_now_ms();
	relay_job_ended(c);
	conn_phase(c, PHASE_DRAIN);
	return 0;
}

/* What core may say, and that only while an operation runs. */
static const struct {
	const char *type;
	int (*handle)(struct conn *c, struct msg *m, struct err *err);
} rules[] = {
    {"output", on_output},
    {"run", on_run},
    {"exit", on_exit_msg},
};

static int
dispatch(struct conn *c, struct msg *m, struct err *err)
{
	if (c->phase != PHASE_RUN)
		return err_set(err, EBADMSG, "message %s before an operation", m->spec->type);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (str_eq(m->spec->type, rules[i].type))
			return rules[i].handle(c, m, err);
	}
	return err_set(err, EBADMSG, "message %s", m->spec->type);
}

void
op_core_readable(struct conn *c)
{
	auto_msg struct msg m = MSG_INIT;
	struct err err = ERR_INIT;
	int rc = msg_recv(c->core, CORE_TO_SSH, &m, &err);

	if (rc == -EAGAIN || rc == -EINTR)
		return;
	if (rc == 0)
		err_set(&err, EPIPE, "the channel was closed");
	else if (rc > 0)
		rc = dispatch(c, &m, &err) < 0 ? -1 : 1;
	if (rc > 0)
		return;
	if (c->phase == PHASE_RUN)
		core_failed(c, err.msg);
	else
		c->over = true;
}
