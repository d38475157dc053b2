#include "ctl/run.h"

#include <errno.h>
#include <libssh/callbacks.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "ctl/escape.h"
#include "ctl/remote.h"
#include "ctl/terminal.h"

enum {
	/* POSIX: a pipe that poll calls writable takes this much without blocking. Our stdout may be shared, so it is
	 * not ours to make non-blocking; and while we hung in write, the server would take us for dead. */
	WRITE_BYTES = 4096,
	READ_BYTES = 32 * 1024,
	STREAM_MAX_BYTES = 64 * 1024 * 1024, /* libssh's window is 1.2 MiB; a server that ignores it is cut short */
	GOODBYE_MS = 500,		     /* after a signal: time to tell the server */
};

struct run {
	ssh_session session;
	ssh_channel channel;
	ssh_event event;
	int sigfd;
	const struct run_spec *spec;
	struct escape escape;
	bool stdin_open;
	bool closed; /* the server closed the channel */
	bool heard;  /* something came that libssh holds */
	bool over;
	struct buf wait[2]; /* what our stdout and stderr have not taken yet: at most a window */
	struct ssh_channel_callbacks_struct cb;
	struct run_result result;
	struct err *err;
};

/* Only with a terminal: its size changes; we are put into the background, and come back. */
static const int terminal_signals[] = {SIGWINCH, SIGTSTP, SIGCONT};

static const struct {
	int number;
	const char *name; /* as SSH calls it */
} signals[] = {
    {SIGINT, "INT"},
    {SIGTERM, "TERM"},
    {SIGHUP, "HUP"},
    {SIGQUIT, "QUIT"},
};

static void
on_status(ssh_session session, ssh_channel channel, int status, void *arg)
{
	struct run *r = arg;

	(void)session, (void)channel;
	r->result.have_status = true;
	r->result.status = (uint32_t)status;
}

static void
on_close(ssh_session session, ssh_channel channel, void *arg)
{
	struct run *r = arg;

	(void)session, (void)channel;
	r->closed = true;
}

/* Takes nothing: it stays with libssh until our streams have room. */
static int
on_data(ssh_session session, ssh_channel channel, void *data, uint32_t len, int is_stderr, void *arg)
{
	struct run *r = arg;

	(void)session, (void)channel, (void)data, (void)len, (void)is_stderr;
	r->heard = true;
	return 0;
}

static bool
write_pending(const struct run *r)
{
	return (ssh_get_poll_flags(r->session) & SSH_WRITE_PENDING) != 0;
}

/* Takes what libssh holds of a stream. */
static void
take_stream(struct run *r, int is_stderr)
{
	int n = ssh_channel_poll(r->channel, is_stderr);
	auto_free char *bytes = n > 0 ? malloc((size_t)n) : NULL;

	if (bytes == NULL)
		return;
	n = ssh_channel_read_nonblocking(r->channel, bytes, (uint32_t)n, is_stderr);
	if (n > 0)
		buf_add(&r->wait[is_stderr], bytes, (size_t)n);
}

static bool
all_written(const struct run *r)
{
	return r->wait[0].len == 0 && r->wait[1].len == 0;
}

static bool
takes_now(int fd)
{
	struct pollfd p = {fd, POLLOUT, 0};

	return poll(&p, 1, 0) == 1;
}

/* Passes on what the descriptor takes without blocking. */
static void
write_stream(struct run *r, int fd, struct buf *b)
{
	size_t done = 0;

	while (done < b->len && takes_now(fd)) {
		size_t n = b->len - done < WRITE_BYTES ? b->len - done : WRITE_BYTES;

		if (io_write_all(fd, b->data + done, n, NULL) < 0) {
			r->result.stdout_gone = true;
			r->over = true;
			return;
		}
		done += n;
	}
	buf_drop(b, done);
}

/* What the server sent goes to our streams. libssh is asked for more only when all before is written, and then for all
 * it has: it opens the window anew at each read, however much it still holds, so reading in pieces its buffer would
 * grow without end. */
static void
write_streams(struct run *r)
{
	if (all_written(r)) {
		take_stream(r, 0);
		take_stream(r, 1);
	}
	write_stream(r, STDOUT_FILENO, &r->wait[0]);
	write_stream(r, STDERR_FILENO, &r->wait[1]);
}

/* Nothing is left to write, here or in libssh. */
static bool
is_drained(const struct run *r)
{
	return all_written(r) && ssh_channel_poll(r->channel, 0) <= 0 && ssh_channel_poll(r->channel, 1) <= 0;
}

static void
send_input(struct run *r, const char *bytes, size_t n)
{
	if (n > 0 && ssh_channel_write(r->channel, bytes, (uint32_t)n) != (int)n)
		r->over = true; /* the window was there: only a dead session takes less */
}

/* What was typed. The terminal that has gone takes everything along, as a hangup does. */
static void
send_typed(struct run *r, const char *bytes, ssize_t n)
{
	auto_buf struct buf text = BUF_INIT(2 * READ_BYTES);

	if (n <= 0) {
		r->result.signal = SIGHUP;
		r->over = true;
		return;
	}
	if (escape_filter(&r->escape, bytes, (size_t)n, &text)) {
		r->result.left = true;
		r->over = true;
	}
	send_input(r, buf_str(&text), text.len);
}

static void
read_stdin(struct run *r)
{
	char bytes[READ_BYTES];
	uint32_t room = ssh_channel_window_size(r->channel);
	ssize_t n;

	if (room == 0 || write_pending(r))
		return;
	/* A tilde that was held back comes along with what follows. */
	room = room / 2 < sizeof(bytes) ? (room + 1) / 2 : sizeof(bytes);
	n = read(STDIN_FILENO, bytes, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (r->spec->on_terminal) {
		send_typed(r, bytes, n);
	} else if (n <= 0) {
		r->stdin_open = false;
		(void)ssh_channel_send_eof(r->channel);
	} else {
		send_input(r, bytes, (size_t)n);
	}
}

static void
tell_size(struct run *r)
{
	int cols, rows;

	terminal_size(STDIN_FILENO, &cols, &rows);
	(void)ssh_channel_change_pty_size(r->channel, cols, rows);
}

/* Ctrl-Z is the other side's; this is somebody's kill -TSTP, or a shell's. */
static void
rest(void)
{
	terminal_restore();
	raise(SIGSTOP);
}

static void
terminal_signal(struct run *r, int number)
{
	struct err err = ERR_INIT;

	if (number == SIGTSTP) {
		rest();
		return;
	}
	if (number == SIGCONT && terminal_raw(&err) < 0)
		r->over = true; /* it has gone while we rested */
	else
		tell_size(r);
}

/* Tells the server, then leaves: closing takes the operation along. */
static void
leave_for_signal(struct run *r, int number)
{
	long long until = io_now_ms() + GOODBYE_MS;

	r->result.signal = number;
	r->over = true;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		if (signals[i].number == r->result.signal)
			(void)ssh_channel_request_send_signal(r->channel, signals[i].name);
	}
	(void)ssh_channel_close(r->channel);
	while (write_pending(r) && io_now_ms() < until) {
		if (ssh_event_dopoll(r->event, GOODBYE_MS) == SSH_ERROR)
			return;
	}
}

static void
take_signal(struct run *r)
{
	struct signalfd_siginfo info;

	if (read(r->sigfd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	for (size_t i = 0; i < ARRAY_LEN(terminal_signals); i++) {
		if ((int)info.ssi_signo == terminal_signals[i]) {
			terminal_signal(r, terminal_signals[i]);
			return;
		}
	}
	leave_for_signal(r, (int)info.ssi_signo);
}

enum { AT_SOCK, AT_SIGNAL, AT_STDIN, AT_STDOUT, AT_STDERR, AT_N };

static int
wait_for_something(struct run *r, struct pollfd p[AT_N])
{
	bool want_stdin;
	bool nothing_new;

	/* Asking libssh what it holds makes it read the socket, which then is silent about what came: its answer about
	 * one stream may be old when it answers about the other, and what is waited for depends on what came. */
	r->heard = false;
	nothing_new = is_drained(r) && !r->heard && !r->closed;
	want_stdin = r->stdin_open && !write_pending(r) && ssh_channel_window_size(r->channel) > 0;
	p[AT_SOCK] = (struct pollfd){ssh_get_fd(r->session), (short)(write_pending(r) ? POLLIN | POLLOUT : POLLIN), 0};
	p[AT_SIGNAL] = (struct pollfd){r->sigfd, POLLIN, 0};
	p[AT_STDIN] = (struct pollfd){want_stdin ? STDIN_FILENO : -1, POLLIN, 0};
	p[AT_STDOUT] = (struct pollfd){r->wait[0].len > 0 ? STDOUT_FILENO : -1, POLLOUT, 0};
	p[AT_STDERR] = (struct pollfd){r->wait[1].len > 0 ? STDERR_FILENO : -1, POLLOUT, 0};
	return poll(p, AT_N, all_written(r) && !nothing_new ? 0 : -1);
}

static void
turn(struct run *r)
{
	struct pollfd p[AT_N];

	if (wait_for_something(r, p) < 0)
		return; /* EINTR: nothing was reported */
	if (p[AT_SOCK].revents != 0 && ssh_event_dopoll(r->event, 0) == SSH_ERROR)
		r->over = true;
	write_streams(r);
	if (!r->over && p[AT_STDIN].revents != 0)
		read_stdin(r);
	if (p[AT_SIGNAL].revents != 0)
		take_signal(r);
	if ((r->closed || (ssh_get_status(r->session) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0) && is_drained(r))
		r->over = true;
}

static int
catch_signals(bool on_terminal)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaddset(&set, signals[i].number);
	for (size_t i = 0; on_terminal && i < ARRAY_LEN(terminal_signals); i++)
		sigaddset(&set, terminal_signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Told before the command, so that it starts with the right size. */
static int
ask_terminal(struct run *r)
{
	int cols, rows;

	if (r->spec->term == NULL)
		return SSH_OK;
	terminal_size(r->spec->on_terminal ? STDIN_FILENO : STDOUT_FILENO, &cols, &rows);
	return ssh_channel_request_pty_size(r->channel, r->spec->term, cols, rows);
}

static int
start(struct run *r)
{
	r->channel = ssh_channel_new(r->session);
	r->event = ssh_event_new();
	if (r->channel == NULL || r->event == NULL)
		return err_set(r->err, ENOMEM, "no memory");
	r->cb = (struct ssh_channel_callbacks_struct){
	    .userdata = r,
	    .channel_data_function = on_data,
	    .channel_close_function = on_close,
	    .channel_exit_status_function = on_status,
	};
	ssh_callbacks_init(&r->cb);
	if (ssh_channel_open_session(r->channel) != SSH_OK || ssh_set_channel_callbacks(r->channel, &r->cb) != SSH_OK ||
	    ask_terminal(r) != SSH_OK || ssh_channel_request_exec(r->channel, r->spec->line) != SSH_OK)
		return remote_error(r->session, EPROTO, "the server refuses the operation", r->err);
	if (!r->stdin_open)
		(void)ssh_channel_send_eof(r->channel);
	ssh_set_blocking(r->session, 0);
	if (ssh_event_add_session(r->event, r->session) != SSH_OK)
		return remote_error(r->session, EIO, "cannot watch the session", r->err);
	return r->spec->on_terminal ? terminal_raw(r->err) : 0;
}

int
run_operation(ssh_session session, const struct run_spec *spec, struct run_result *ret_result, struct err *err)
{
	auto_close int sigfd = catch_signals(spec->on_terminal);
	struct run r = {.session = session,
	    .sigfd = sigfd,
	    .spec = spec,
	    .stdin_open = spec->input,
	    .err = err,
	    .wait = {BUF_INIT(STREAM_MAX_BYTES), BUF_INIT(STREAM_MAX_BYTES)}};
	int rc;

	if (sigfd < 0)
		return err_errno(err, "cannot catch signals");
	rc = start(&r);
	while (rc == 0 && !r.over)
		turn(&r);
	terminal_restore();
	if (rc == 0 && !r.result.have_status && r.result.signal == 0 && !r.result.stdout_gone && !r.result.left)
		rc = remote_error(session, ECONNRESET, "the connection ended before the operation", err);
	if (rc == 0)
		*ret_result = r.result;
	buf_done(&r.wait[0]);
	buf_done(&r.wait[1]);
	if (r.channel != NULL)
		ssh_channel_free(r.channel);
	if (r.event != NULL) {
		(void)ssh_event_remove_session(r.event, session);
		ssh_event_free(r.event);
	}
	return rc;
}
