/* What a client sends along with an operation: a key, the value of a variable, a file of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "core/client.h"

enum {
	STDIN_CHUNK = 32 * 1024,
	STDIN_S = 300, /* enough to type it, and not for ever */
};

struct client_stdin {
	struct client *client;
	const char *what;
	void (*cb)(struct client *c, const struct buf *bytes);
	struct buf bytes;
	struct event *readable, *late;
	int fd;
	bool all, closed; /* pgod-ssh says that it was all; the pipe was closed */
};

void
client_stdin_free(struct client_stdin *in)
{
	if (in == NULL)
		return;
	in->client->in = NULL;
	if (in->readable != NULL)
		event_free(in->readable);
	if (in->late != NULL)
		event_free(in->late);
	if (in->fd >= 0)
		close(in->fd);
	buf_wipe(&in->bytes);
	free(in);
}

/* A pipe that was closed by a pgod-ssh that died, or whose client did, holds no more than a part. */
static void
check_end(struct client_stdin *in)
{
	struct client *c = in->client;

	if (!in->all || !in->closed)
		return;
	c->in = NULL; /* the callback answers, by which the client may go */
	in->cb(c, &in->bytes);
	client_stdin_free(in);
}

void
client_stdin_eof(struct client *c)
{
	if (c->in == NULL)
		return;
	c->in->all = true;
	check_end(c->in);
}

static void
on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct client_stdin *in = ctx;
	char chunk[STDIN_CHUNK];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		buf_add(&in->bytes, chunk, (size_t)n);
	explicit_bzero(chunk, sizeof(chunk));
	if (in->bytes.full) {
		client_answer(in->client, 2, 1, "%s has more than %zu bytes\n", in->what, in->bytes.limit);
		client_stdin_free(in);
	} else if (n <= 0) {
		event_del(in->readable);
		in->closed = true;
		check_end(in);
	}
}

static void
on_late(evutil_socket_t fd, short what, void *ctx)
{
	struct client_stdin *in = ctx;

	(void)fd;
	(void)what;
	client_answer(
	    in->client, 2, 1, "%s is read from standard input, which has not ended within %d s\n", in->what, STDIN_S);
	client_stdin_free(in);
}

/* The client's end of its stdout and stderr ends at once: core's own words go another way. */
static int
open_pipes(struct client *c, int *ret_fd)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return -errno;
	}
	close(out[1]);
	channel_send(c->ch, msg_new("run", ""), (const int[]){in[1], out[0], out[0]}, 3);
	close(in[1]);
	close(out[0]);
	*ret_fd = in[0];
	return 0;
}

void
client_read_stdin(struct client *c, size_t max, const char *what, void (*cb)(struct client *c, const struct buf *bytes))
{
	struct client_stdin *in = calloc(1, sizeof(*in));
	int rc;

	if (in == NULL)
		abort();
	*in = (struct client_stdin){.client = c, .what = what, .cb = cb, .bytes = BUF_INIT(max), .fd = -1};
	c->in = in;
	rc = open_pipes(c, &in->fd);
	if (rc < 0) {
		client_answer(c, 2, 500, "pgod: cannot make a pipe: %s\n", strerror(-rc));
		client_stdin_free(in);
		return;
	}
	in->readable = event_new(c->core->base, in->fd, EV_READ | EV_PERSIST, on_readable, in);
	in->late = event_new(c->core->base, -1, 0, on_late, in);
	if (in->readable == NULL || in->late == NULL || event_add(in->readable, NULL) < 0 ||
	    event_add(in->late, &(struct timeval){.tv_sec = STDIN_S}) < 0)
		abort();
}
