/* proc_run: a child from its start to its end, with its output collected. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/proc.h"

enum {
	RUN_GRACE_MS = 2000, /* between TERM and KILL, and between KILL and giving up */
	RUN_CHUNK = 16 * 1024,
	RUN_REST_MAX = 1024 * 1024, /* what a pipe may still hold when the child has ended: the largest pipe there is */
};

/* One collected stream. A tail keeps the last bytes; a whole that exceeds its limit fails the run. */
struct stream {
	struct buf *buf;
	int fd;
	bool tail;
};

struct run {
	pid_t pid;
	int pidfd;
	bool session;
	struct stream streams[2];
	long long term_ms, kill_ms; /* CLOCK_MONOTONIC; when to send what */
	int signals;		    /* how many were sent */
	int failed;		    /* errno of the reason to end it early */
};

static int
open_stream(struct stream *s, struct buf *buf, bool tail, int *ret_write_fd, struct err *err)
{
	int pipefd[2];

	*s = (struct stream){.buf = buf, .fd = -1, .tail = tail};
	if (buf == NULL)
		return 0;
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return err_errno(err, "cannot make a pipe");
	s->fd = pipefd[0];
	*ret_write_fd = pipefd[1];
	return io_set_nonblock(s->fd, true);
}

static void
close_stream(struct stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* Adds bytes; false when a whole overflows. */
static bool
collect(struct stream *s, const char *data, size_t len)
{
	if (!s->tail) {
		buf_add(s->buf, data, len);
		return !s->buf->full;
	}
	if (len > s->buf->limit) {
		data += len - s->buf->limit;
		len = s->buf->limit;
	}
	if (s->buf->len + len > s->buf->limit)
		buf_drop(s->buf, s->buf->len + len - s->buf->limit);
	buf_add(s->buf, data, len);
	return true;
}

/* Reads what is there, at most max bytes; closes at the end of the file. Returns -EFBIG on overflow. */
static int
read_stream(struct stream *s, size_t max)
{
	char chunk[RUN_CHUNK];

	for (size_t got = 0; s->fd >= 0 && got < max;) {
		ssize_t n = read(s->fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0) {
			close_stream(s);
			return 0;
		}
		if (!collect(s, chunk, (size_t)n))
			return -EFBIG;
		got += (size_t)n;
	}
	return 0;
}

static void
send_signal(const struct run *run, int sig)
{
	/* Not reaped yet, so the numbers are still the child's. */
	if (!run->session || kill(-run->pid, sig) < 0)
		kill(run->pid, sig);
}

/* TERM at once when failed, else at the deadline; KILL after the grace. Returns the milliseconds until there is more to
 * do. */
static int
press(struct run *run)
{
	long long now_ms = io_now_ms();
	long long due_ms = run->signals == 0 ? run->term_ms : run->kill_ms;

	if (run->signals < 2 && now_ms >= due_ms) {
		send_signal(run, run->signals == 0 ? SIGTERM : SIGKILL);
		if (run->failed == 0)
			run->failed = ETIMEDOUT;
		run->signals++;
		run->kill_ms = now_ms + RUN_GRACE_MS;
		due_ms = run->kill_ms;
	}
	return due_ms > now_ms ? (int)(due_ms - now_ms) : RUN_GRACE_MS;
}

static void
fail(struct run *run, int num)
{
	if (run->failed == 0) {
		run->failed = num;
		run->term_ms = io_now_ms();
	}
}

/* KILL did not help either (a process inside a dead file system): it is left behind rather than waited for. */
static bool
is_stuck(const struct run *run)
{
	return run->signals == 2 && io_now_ms() >= run->kill_ms;
}

/* Collects until the child itself has ended; what its own children keep open or write later does not count. */
static void
pump(struct run *run)
{
	struct pollfd pfds[3];

	do {
		int wait_ms = press(run);

		pfds[0] = (struct pollfd){.fd = run->pidfd, .events = POLLIN};
		for (int i = 0; i < 2; i++)
			pfds[i + 1] = (struct pollfd){.fd = run->streams[i].fd, .events = POLLIN};
		if (poll(pfds, ARRAY_LEN(pfds), wait_ms) < 0)
			continue;
		for (int i = 0; i < 2; i++) {
			if (pfds[i + 1].revents != 0 && read_stream(&run->streams[i], RUN_CHUNK) < 0) {
				close_stream(&run->streams[i]);
				fail(run, EFBIG);
			}
		}
	} while (pfds[0].revents == 0 && !is_stuck(run));
	for (int i = 0; i < 2; i++) {
		if (read_stream(&run->streams[i], RUN_REST_MAX) < 0)
			fail(run, EFBIG);
	}
}

static int
finish(struct run *run, const char *path, int deadline_ms, struct err *err)
{
	int wstatus = 0;

	while (waitpid(run->pid, &wstatus, is_stuck(run) ? WNOHANG : 0) < 0) {
		if (errno != EINTR)
			return err_errno(err, "cannot wait for %s", path);
	}
	if (run->failed == ETIMEDOUT)
		return err_set(err, ETIMEDOUT, "%s did not end within %d ms", path, deadline_ms);
	if (run->failed != 0)
		return err_set(err, run->failed, "%s wrote more than %zu bytes", path, run->streams[0].buf->limit);
	return WIFSIGNALED(wstatus) ? 128 + WTERMSIG(wstatus) : WEXITSTATUS(wstatus);
}

/* Starts the child with its own stdio. stdin is a sealed memory file: it cannot fill up while we wait for output. */
static int
start(
    struct run *run, const struct proc_spec *spec, const void *in, size_t in_len, struct buf *bufs[2], struct err *err)
{
	struct proc_spec own = *spec;
	auto_close int in_fd = -1;
	auto_close int out_fd = -1;
	auto_close int err_fd = -1;
	int r;

	if (in != NULL) {
		in_fd = io_memfd("stdin", in, in_len, err);
		if (in_fd < 0)
			return in_fd;
		own.stdio[0] = in_fd;
	}
	r = open_stream(&run->streams[0], bufs[0], false, &out_fd, err);
	if (r < 0)
		return r;
	r = open_stream(&run->streams[1], bufs[1], true, &err_fd, err);
	if (r < 0)
		return r;
	if (out_fd >= 0)
		own.stdio[1] = out_fd;
	if (err_fd >= 0)
		own.stdio[2] = err_fd;
	return proc_spawn(&own, &run->pid, &run->pidfd, err);
}

int
proc_run(const struct proc_spec *spec, const void *in, size_t in_len, struct buf *out, struct buf *errtail,
    int deadline_ms, struct err *err)
{
	struct run run = {.pid = -1, .pidfd = -1, .session = spec->new_session, .streams = {{.fd = -1}, {.fd = -1}}};
	int r;

	r = start(&run, spec, in, in_len, (struct buf *[]){out, errtail}, err);
	if (r >= 0) {
		run.term_ms = io_now_ms() + deadline_ms;
		pump(&run);
		r = finish(&run, spec->path, deadline_ms, err);
		close(run.pidfd);
	}
	close_stream(&run.streams[0]);
	close_stream(&run.streams[1]);
	return r;
}
