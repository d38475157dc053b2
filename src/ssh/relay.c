/* Bytes between the job's pipes and the channel. Each direction holds at most one chunk: a side that does not take its
 * bytes stops the reading on the other one, so memory stays flat however slow either is. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/auto.h"
#include "base/io.h"
#include "ssh/bounds.h"
#include "ssh/conn.h"

static void
shut(int *fd)
{
	auto_close int old = take_fd(fd);

	(void)old;
}

/* compose writes an order to clear the line in front of each line of a log, to files and pipes as well. */
static void
add_uncleared(struct outlet *o, const char *data, size_t len)
{
	static const char clear[] = "\x1b[2K";

	for (size_t i = 0; i < len; i++) {
		if (o->cleared >= 0 && clear[o->cleared] != '\0' && data[i] == clear[o->cleared]) {
			o->cleared++;
			continue;
		}
		if (o->cleared > 0 && clear[o->cleared] != '\0')
			buf_add(&o->wait, clear, (size_t)o->cleared); /* it was another one */
		buf_add(&o->wait, data + i, 1);
		o->cleared = data[i] == '\n' ? 0 : -1;
	}
}

/* A terminal was asked for: \n becomes \r\n, unless the job's own does that. */
static void
add_output(struct conn *c, struct outlet *o, const char *data, size_t len)
{
	if (c->logs && !c->pty) {
		add_uncleared(o, data, len);
		return;
	}
	if (!c->pty || c->term_fd >= 0) {
		buf_add(&o->wait, data, len);
		return;
	}
	while (len > 0) {
		const char *nl = memchr(data, '\n', len);
		size_t n = nl == NULL ? len : (size_t)(nl - data);

		buf_add(&o->wait, data, n);
		if (nl == NULL)
			return;
		buf_add(&o->wait, "\r\n", 2);
		data += n + 1;
		len -= n + 1;
	}
}

void
relay_text(struct conn *c, int stream, const char *text, size_t len)
{
	add_output(c, &c->out[stream == 2], text, len);
}

int
relay_open(struct conn *c, int take_in, int take_out, int take_err, struct err *err)
{
	c->in_fd = take_in;
	c->out[0].fd = take_out;
	c->out[1].fd = take_err;
	c->in_job = true;
	/* The child reads its stdin when it likes: never wait for it. */
	if (io_set_nonblock(take_in, true) < 0 || io_set_nonblock(take_out, true) < 0 ||
	    io_set_nonblock(take_err, true) < 0)
		return err_set(err, EINVAL, "the job's pipes cannot be used");
	return 0;
}

/* One descriptor for each direction, as with pipes, and one that stays until the job has ended: programs close their
 * streams a moment before they end, and who closed the terminal then would hang them up. */
int
relay_open_terminal(struct conn *c, int take_terminal, struct err *err)
{
	c->term_fd = take_terminal;
	c->in_job = true;
	if (io_set_nonblock(take_terminal, true) < 0)
		return err_set(err, EINVAL, "the job's terminal cannot be used");
	c->in_fd = fcntl(take_terminal, F_DUPFD_CLOEXEC, 0);
	c->out[0].fd = fcntl(take_terminal, F_DUPFD_CLOEXEC, 0);
	if (c->in_fd < 0 || c->out[0].fd < 0)
		return err_errno(err, "cannot duplicate the job's terminal");
	return 0;
}

void
relay_resize(struct conn *c)
{
	struct winsize size = {.ws_col = (unsigned short)c->cols, .ws_row = (unsigned short)c->rows};

	if (!c->resized || c->term_fd < 0)
		return;
	c->resized = false;
	(void)ioctl(c->term_fd, TIOCSWINSZ, &size); /* a terminal that nobody has open any more needs none */
}

void
relay_close_in(struct conn *c)
{
	shut(&c->in_fd);
	buf_reset(&c->in);
}

void
relay_job_ended(struct conn *c)
{
	relay_close_in(c);
	for (size_t i = 0; i < ARRAY_LEN(c->out); i++) {
		if (c->out[i].fd >= 0 && ioctl(c->out[i].fd, FIONREAD, &c->out[i].promised) < 0)
			c->out[i].promised = 0;
	}
}

void
relay_close(struct conn *c)
{
	relay_close_in(c);
	for (size_t i = 0; i < ARRAY_LEN(c->out); i++)
		shut(&c->out[i].fd);
	shut(&c->term_fd);
}

void
relay_read(struct conn *c, struct outlet *o)
{
	static char chunk[CHUNK_BYTES];
	ssize_t n;

	if (o->fd < 0 || o->wait.len > 0)
		return;
	n = read(o->fd, chunk, sizeof(chunk));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		shut(&o->fd);
		o->promised = 0;
		return;
	}
	o->promised = n < o->promised ? o->promised - (int)n : 0;
	add_output(c, o, chunk, (size_t)n);
}

static void
push_out(struct conn *c, struct outlet *o, bool is_stderr)
{
	uint32_t room = session_room(c);
	uint32_t len = o->wait.len < room ? (uint32_t)o->wait.len : room;
	int n;

	if (len == 0)
		return;
	n = is_stderr ? ssh_channel_write_stderr(c->channel, o->wait.data, len)
		      : ssh_channel_write(c->channel, o->wait.data, len);
	if (n < 0)
		c->over = true;
	else
		buf_drop(&o->wait, (size_t)n);
}

/* A terminal's input has no end: it is typed, as Ctrl-D. */
static void
type_eof(struct conn *c)
{
	if (!c->eof_typed && c->in_fd >= 0)
		buf_add(&c->in, (char[]){CTRL_D}, 1);
	c->eof_typed = true;
}

/* Takes all of the client's stdin that libssh holds, once the job has taken the last of what we hold. All, because
 * libssh opens the window anew at each read, however much it still holds: reading it in pieces, its buffer would grow
 * without end. At the end of it, the job's stdin ends as well. */
static void
fill_in(struct conn *c)
{
	auto_free char *bytes = NULL;
	int n;

	if (c->channel == NULL || c->channel_closed || c->in.len > 0)
		return;
	n = ssh_channel_poll(c->channel, 0);
	if (n == SSH_EOF && c->term_fd >= 0) {
		type_eof(c);
	} else if (n == SSH_EOF && c->in_fd >= 0) {
		shut(&c->in_fd);
		op_eof(c);
	}
	if (n == 0 || n == SSH_EOF)
		return;
	bytes = n > 0 ? malloc((size_t)n) : NULL;
	n = bytes == NULL ? SSH_ERROR : ssh_channel_read_nonblocking(c->channel, bytes, (uint32_t)n, 0);
	if (n < 0)
		c->over = true;
	else if (c->in_fd >= 0)
		buf_add(&c->in, bytes, (size_t)n);
}

static void
push_in(struct conn *c)
{
	ssize_t n;

	if (c->in_fd < 0 || c->in.len == 0)
		return;
	n = write(c->in_fd, c->in.data, c->in.len);
	if (n >= 0) {
		buf_drop(&c->in, (size_t)n);
	} else if (errno != EAGAIN && errno != EINTR) {
		relay_close_in(c); /* EPIPE: the job has closed its stdin, and may */
	}
}

void
relay_push(struct conn *c)
{
	for (size_t i = 0; i < ARRAY_LEN(c->out); i++)
		push_out(c, &c->out[i], i == 1);
	push_in(c);
	if (c->in_job) {
		fill_in(c);
		push_in(c);
		/* What libssh holds already makes no noise again: all of it waits for the pipe, or the poll would not
		 * end. */
		fill_in(c);
	}
}

bool
relay_idle(const struct conn *c)
{
	return c->out[0].wait.len == 0 && c->out[1].wait.len == 0;
}

bool
relay_drained(const struct conn *c, long long now_ms)
{
	if (!relay_idle(c))
		return false;
	if (c->out[0].fd < 0 && c->out[1].fd < 0)
		return true;
	return c->out[0].promised == 0 && c->out[1].promised == 0 && now_ms - c->exit_ms >= LINGER_MS;
}
