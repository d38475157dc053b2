#include "core/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "core/lines.h"
#include "core/masks.h"
#include "core/service.h"

enum {
	READ_BYTES = 8192,
	LINE_MAX_BYTES = 64 * 1024, /* a longer one is cut, and with it a secret that lies there */
};

struct job_pipe {
	struct job *job;
	int stream;
	int fd;
	struct event *ev;
	struct buf text;
	struct buf line;    /* what has come of a line, while its secrets cannot be hidden yet */
	struct lines lines; /* for who follows */
};

struct job {
	TAILQ_ENTRY(job) entry;
	struct core *core;
	int64_t id;
	char *kind;
	char *service;
	struct job_pipe out, err;
	struct event *timer; /* drains, or tells of a failed start */
	bool exited;
	bool ended; /* somebody wanted it to end, or does not care any more: no failure of the command */
	int status;
	char *error;
	int cols, rows;
	void (*started)(void *ctx, int terminal);
	void (*piece)(void *ctx, int stream, const char *data, size_t len);
	void (*done)(void *ctx, const struct job_result *result);
	void *ctx;
};

static void
pipe_close(struct job_pipe *p)
{
	if (p->ev != NULL)
		event_free(p->ev);
	p->ev = NULL;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static void
job_free(struct job *job)
{
	pipe_close(&job->out);
	pipe_close(&job->err);
	lines_done(&job->out.lines);
	lines_done(&job->err.lines);
	buf_done(&job->out.text);
	buf_done(&job->out.line);
	buf_done(&job->err.line);
	buf_done(&job->err.text);
	if (job->timer != NULL)
		event_free(job->timer);
	free(job->kind);
	free(job->service);
	free(job->error);
	TAILQ_REMOVE(&job->core->jobs, job, entry);
	job->core->njobs--;
	free(job);
}

/* The end of stderr as it may be shown: escaped, without blank ends. Of a job that somebody follows the last line:
 * before it stands compose's progress, which he has seen. */
static char *
make_tail(const struct buf *text, bool followed)
{
	auto_buf struct buf out = BUF_INIT(4 * JOB_TAIL_MAX);
	size_t len = text->len, begin = 0;

	while (len > 0 && (text->data[len - 1] == '\n' || text->data[len - 1] == ' '))
		len--;
	for (size_t i = 0; followed && i < len; i++) {
		if (text->data[i] == '\n')
			begin = i + 1;
	}
	buf_vis(&out, buf_str(text) + begin, len - begin, true);
	return buf_take(&out);
}

static void
job_finish(struct job *job)
{
	auto_free char *tail = make_tail(&job->err.text, job->piece != NULL);
	struct core *core = job->core;
	struct job_result r = {
	    .status = job->status,
	    .error = job->error != NULL ? job->error : "",
	    .out = buf_str(&job->out.text),
	    .out_len = job->out.text.len,
	    .tail = tail,
	};

	log_debug("job ended kind=%s service=%s job=%lld status=%d", job->kind, job->service, (long long)job->id,
	    job->status);
	if (r.status == 0 && job->out.text.full) {
		r.status = -1;
		r.error = "it printed more than is read";
	}
	if (r.status != 0 && !job->ended)
		metrics_command_failed(core, job->service, job->kind);
	if (job->done != NULL)
		job->done(job->ctx, &r);
	job_free(job);
	core_kick(core);
	core_maybe_exit(core);
}

static void
job_maybe_finish(struct job *job)
{
	static const struct timeval drain = {JOB_DRAIN_MS / 1000, JOB_DRAIN_MS % 1000 * 1000};

	if (!job->exited)
		return;
	if (job->out.fd < 0 && job->err.fd < 0)
		event_active(job->timer, 0, 0);
	else
		event_add(job->timer, &drain);
}

/* stderr keeps its end, stdout its whole up to its limit. */
static void
keep(struct job_pipe *p, const char *data, size_t len)
{
	if (p->stream == 2 && p->text.len + len > JOB_TAIL_MAX) {
		size_t over = p->text.len + len - JOB_TAIL_MAX;

		buf_drop(&p->text, over < p->text.len ? over : p->text.len);
		if (len > JOB_TAIL_MAX) {
			data += len - JOB_TAIL_MAX;
			len = JOB_TAIL_MAX;
		}
	}
	buf_add(&p->text, data, len);
}

static void
add_line(void *ctx, const char *text, size_t len)
{
	buf_add(ctx, text, len);
}

/* All lines that came at once are told at once: each time is a message to the client, of which only so many can wait.
 */
static void
follow(struct job_pipe *p, const char *data, size_t len)
{
	auto_buf struct buf whole = BUF_INIT(2 * (LINES_MAX + 2 * LINE_MAX_BYTES));

	if (p->job->piece == NULL)
		return;
	if (len > 0)
		lines_add(&p->lines, data, len, add_line, &whole);
	else
		lines_end(&p->lines, add_line, &whole);
	if (whole.len > 0)
		p->job->piece(p->job->ctx, p->stream, buf_str(&whole), whole.len);
}

/* A piece that holds no secret any more. */
static void
take(struct job_pipe *p, const char *data, size_t len)
{
	if (p->stream == 2)
		keep(p, data, len);
	if (len > 0)
		follow(p, data, len);
}

static void
take_line(struct job_pipe *p, const struct masks *masks, size_t len)
{
	auto_buf struct buf text = BUF_INIT(2 * LINE_MAX_BYTES);

	buf_add(&text, buf_str(&p->line), len);
	buf_drop(&p->line, len);
	masks_hide(masks, &text);
	take(p, buf_str(&text), text.len);
}

static const struct masks *
masks_of(const struct job *job)
{
	const struct service *svc = core_service(job->core, job->service);

	return svc == NULL ? NULL : svc->masks;
}

/* In whole lines, so that no secret is cut in two. */
static void
feed(struct job_pipe *p, const struct masks *masks, const char *data, size_t len)
{
	while (len > 0) {
		const char *end = memrchr(data, '\n', len);
		size_t n = end != NULL ? (size_t)(end - data) + 1 : len;

		if (n > LINE_MAX_BYTES - p->line.len)
			n = LINE_MAX_BYTES - p->line.len;
		buf_add(&p->line, data, n);
		data += n;
		len -= n;
		if (end != NULL || p->line.len == LINE_MAX_BYTES)
			take_line(p, masks, p->line.len);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct job_pipe *p = ctx;
	const struct masks *masks = masks_of(p->job);
	char data[READ_BYTES];
	ssize_t n = read(fd, data, sizeof(data));

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		/* What is collected of stdout is data: a model. */
		if (p->stream == 1)
			keep(p, data, (size_t)n);
		if (masks == NULL)
			take(p, data, (size_t)n);
		else if (p->stream == 2 || p->job->piece != NULL)
			feed(p, masks, data, (size_t)n);
		return;
	}
	take_line(p, masks, p->line.len);
	follow(p, NULL, 0);
	pipe_close(p);
	job_maybe_finish(p->job);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct job *job = ctx;

	(void)fd;
	(void)what;
	/* Of what a grandchild still writes. */
	take_line(&job->out, masks_of(job), job->out.line.len);
	take_line(&job->err, masks_of(job), job->err.line.len);
	job_finish(job);
}

/* Makes a pipe whose read end core watches; the write end is for the job. */
static int
pipe_open(struct job_pipe *p, int *ret_write, struct err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, "cannot make a pipe");
	io_set_nonblock(fds[0], true);
	p->fd = fds[0];
	p->ev = event_new(p->job->core->base, p->fd, EV_READ | EV_PERSIST, on_readable, p);
	event_add(p->ev, NULL);
	*ret_write = fds[1];
	return 0;
}

static void
send_job(struct job *job, const struct strv *args, const int *fds, size_t nfds, const char *stdio)
{
	static const struct strv none = {NULL, 0};
	auto_free char *packed = strv_pack(args != NULL ? args : &none);

	channel_send(job->core->pgod,
	    msg_new("job", "sIsssssssssisi", "id", (json_int_t)job->id, "kind", job->kind, "service", job->service,
		"args", packed, "stdio", stdio, "cols", job->cols, "rows", job->rows),
	    fds, nfds);
}

static int
start_collected(struct job *job, const struct job_spec *spec, struct err *err)
{
	auto_close int in = -1;
	auto_close int out = -1;
	auto_close int errfd = -1;
	int given = spec->in_fd;
	int taken = spec->out_fd;
	int rc = pipe_open(&job->err, &errfd, err);

	if (rc >= 0 && spec->in != NULL) {
		in = io_memfd("stdin", spec->in, spec->in_len, err);
		given = in;
		rc = in;
	}
	if (rc >= 0 && taken <= 0)
		rc = pipe_open(&job->out, &out, err);
	if (rc < 0)
		return rc;
	if (taken <= 0)
		taken = out;
	if (given > 0)
		send_job(job, spec->args, (int[]){given, taken, errfd}, 3, "012");
	else
		send_job(job, spec->args, (int[]){taken, errfd}, 2, "12");
	return 0;
}

struct job *
job_start(struct core *core, const struct job_spec *spec)
{
	struct job *job = calloc(1, sizeof(*job));
	struct err err = ERR_INIT;
	int rc = 0;

	if (job == NULL)
		abort();
	job->core = core;
	job->id = ++core->last_job_id;
	job->kind = str_dup(spec->kind);
	job->service = str_dup(spec->service);
	job->out = (struct job_pipe){.job = job,
	    .stream = 1,
	    .fd = -1,
	    .text = BUF_INIT(JOB_OUT_MAX),
	    .line = BUF_INIT(LINE_MAX_BYTES),
	    .lines = LINES_INIT};
	job->err = (struct job_pipe){.job = job,
	    .stream = 2,
	    .fd = -1,
	    .text = BUF_INIT(JOB_TAIL_MAX),
	    .line = BUF_INIT(LINE_MAX_BYTES),
	    .lines = LINES_INIT};
	job->cols = spec->cols;
	job->rows = spec->rows;
	job->started = spec->started;
	job->piece = spec->piece;
	job->done = spec->done;
	job->ctx = spec->ctx;
	job->timer = event_new(core->base, -1, 0, on_timer, job);
	TAILQ_INSERT_TAIL(&core->jobs, job, entry);
	core->njobs++;
	metrics_command(core, spec->service, spec->kind);
	log_debug("job kind=%s service=%s job=%lld", spec->kind, spec->service, (long long)job->id);
	if (spec->pipes != NULL && spec->third > 0)
		send_job(
		    job, spec->args, (int[]){spec->pipes[0], spec->pipes[1], spec->pipes[2], spec->third}, 4, "0123");
	else if (spec->pipes != NULL)
		send_job(job, spec->args, spec->pipes, 3, "012");
	else if (spec->cols > 0 && spec->third > 0)
		send_job(job, spec->args, &spec->third, 1, "3");
	else if (spec->cols > 0)
		send_job(job, spec->args, NULL, 0, "");
	else
		rc = start_collected(job, spec, &err);
	if (rc < 0)
		job_on_exited(core, job->id, -1, err.msg);
	return job;
}

void
job_signal(struct job *job, const char *signal)
{
	job->ended = true;
	channel_send(job->core->pgod, msg_new("kill", "sIss", "id", (json_int_t)job->id, "signal", signal), NULL, 0);
}

void
job_abandon(struct job *job)
{
	if (job == NULL)
		return;
	job->done = NULL;
	job->piece = NULL;
	job->ended = true;
	job->started = NULL;
}

bool
job_end_all(struct core *core, const char *service)
{
	struct job *job;
	bool some = false;

	TAILQ_FOREACH(job, &core->jobs, entry)
	{
		if (!str_eq(job->service, service))
			continue;
		some = true;
		if (!job->ended)
			job_signal(job, "TERM");
	}
	return some;
}

static struct job *
job_find(struct core *core, int64_t id)
{
	struct job *job;

	TAILQ_FOREACH(job, &core->jobs, entry)
	{
		if (job->id == id)
			return job;
	}
	return NULL;
}

void
job_on_waiting(struct core *core, int64_t id, int64_t pid)
{
	struct job *job = job_find(core, id);

	if (job != NULL)
		log_info("waiting for an earlier job to end service=%s kind=%s pid=%lld", job->service, job->kind,
		    (long long)pid);
}

void
job_on_started(struct core *core, int64_t id, int terminal)
{
	const struct job *job = job_find(core, id);

	if (job != NULL && job->started != NULL)
		job->started(job->ctx, terminal);
}

void
job_on_exited(struct core *core, int64_t id, int status, const char *error)
{
	struct job *job = job_find(core, id);

	if (job == NULL || job->exited)
		return;
	job->exited = true;
	job->status = status;
	job->error = str_dup(error);
	job_maybe_finish(job);
}

bool
job_was_killed(const struct job_result *r)
{
	return r->status == 128 + SIGKILL || r->status == 128 + SIGTERM;
}

const char *
job_reason(const struct job_result *r, char *buf, size_t size)
{
	const char *text = r->error[0] != '\0' ? r->error : r->tail;

	if (text[0] != '\0')
		snprintf(buf, size, "%s", text);
	else if (r->status > 128)
		snprintf(buf, size, "ended by signal %d", r->status - 128);
	else
		snprintf(buf, size, "exit status %d", r->status);
	return buf;
}
