/* Is an app ready? Its port accepts connections, and a page of it is answered well where one is named. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"
#include "job/job.h"

enum {
	TRY_MS = 3000,	    /* one connection, and one answer */
	PAUSE_MIN_MS = 20,  /* between two tries: doubles */
	PAUSE_MAX_MS = 500, /* who is ready is kept waiting no longer than that */
	STATUS_MAX = 64,    /* bytes of an answer that are looked at */
	PORT_MAX = 65535,
	DEADLINE_MAX_MS = 3600 * 1000,
};

struct probe {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	int64_t port;
	const char *path; /* NULL: a connection is enough */
	long long end_ms;
	int64_t whole_ms;
};

static int
parse(struct probe *p, char *const *operands, struct err *err)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&p->addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&p->addr;

	if (!str_to_int(operands[1], 1, PORT_MAX, &p->port) ||
	    !str_to_int(operands[2], 1, DEADLINE_MAX_MS, &p->whole_ms))
		return err_set(err, EINVAL, "a port and milliseconds are wanted");
	p->path = operands[3];
	p->end_ms = io_now_ms() + p->whole_ms;
	if (inet_pton(AF_INET, operands[0], &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)p->port);
		p->addr_len = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, operands[0], &v6->sin6_addr) != 1)
		return err_set(err, EINVAL, "%s is no address", operands[0]);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)p->port);
	p->addr_len = sizeof(*v6);
	return 0;
}

/* Waits for the socket, TRY_MS at most and not beyond the end. */
static int
await(const struct probe *p, int fd, short events, struct err *err)
{
	struct pollfd pfd = {.fd = fd, .events = events};
	long long left = p->end_ms - io_now_ms();
	int n = poll(&pfd, 1, (int)(left < 0 ? 0 : left < TRY_MS ? left : TRY_MS));

	if (n < 0)
		return err_errno(err, "cannot wait");
	return n > 0 ? 0 : err_set(err, ETIMEDOUT, "%s", strerror(ETIMEDOUT));
}

static int
connect_to(const struct probe *p, int *ret_fd, struct err *err)
{
	auto_close int fd = socket(p->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int failure = 0, r = 0;
	socklen_t len = sizeof(failure);

	if (fd < 0)
		return err_errno(err, "cannot make a socket");
	if (connect(fd, (const struct sockaddr *)&p->addr, p->addr_len) < 0) {
		if (errno != EINPROGRESS)
			return err_set(err, errno, "%s", strerror(errno));
		r = await(p, fd, POLLOUT, err);
	}
	if (r < 0)
		return r;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) < 0 || failure != 0)
		return err_set(err, failure != 0 ? failure : EIO, "%s", strerror(failure != 0 ? failure : EIO));
	*ret_fd = take_fd(&fd);
	return 0;
}

/* "HTTP/1.1 200 OK": every status of 2xx and 3xx is well. */
static int
judge_answer(const char *answer, struct err *err)
{
	int64_t status;
	char digits[4] = "";

	if (!str_starts(answer, "HTTP/1.") || strlen(answer) < strlen("HTTP/1.1 200"))
		return err_set(err, EPROTO, "what answers does not speak HTTP");
	memcpy(digits, answer + strlen("HTTP/1.1 "), 3);
	if (!str_to_int(digits, 100, 599, &status))
		return err_set(err, EPROTO, "what answers does not speak HTTP");
	return status >= 200 && status < 400 ? 0 : err_set(err, EPROTO, "it answers with status %s", digits);
}

static int
ask_page(const struct probe *p, int fd, struct err *err)
{
	auto_free char *request = str_printf(
	    "GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: pgo\r\nAccept: */*\r\nConnection: close\r\n\r\n",
	    p->path);
	char answer[STATUS_MAX + 1] = "";
	size_t n = 0;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
		return err_set(err, EIO, "it takes no request");
	while (n < STATUS_MAX && memchr(answer, '\n', n) == NULL) {
		ssize_t got;

		if (await(p, fd, POLLIN, err) < 0)
			return -err->num;
		got = read(fd, answer + n, STATUS_MAX - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return judge_answer(answer, err);
}

static int
try_once(const struct probe *p, struct err *err)
{
	auto_close int fd = -1;
	int r = connect_to(p, &fd, err);

	return r < 0 || p->path == NULL ? r : ask_page(p, fd, err);
}

/* Pauses; true when nobody hears any more what comes of it. */
static bool
is_abandoned(int pause_ms)
{
	struct pollfd listener = {.fd = STDERR_FILENO};

	return poll(&listener, 1, pause_ms) > 0;
}

int
verb_probe(const struct job *job, char *const *operands, struct err *err)
{
	struct probe p = {0};
	int pause_ms = PAUSE_MIN_MS;
	int r = parse(&p, operands, err);

	(void)job;
	if (r < 0)
		return r;
	while (try_once(&p, err) < 0) {
		if (io_now_ms() + pause_ms >= p.end_ms) {
			job_say("%s%s on port %lld of its container within %lld.%lld s: %s",
			    p.path != NULL ? "no good answer to GET " : "nothing accepts connections",
			    p.path != NULL ? p.path : "", (long long)p.port, (long long)p.whole_ms / 1000,
			    (long long)p.whole_ms % 1000 / 100, err->msg);
			return JOB_REFUSED;
		}
		if (is_abandoned(pause_ms))
			return JOB_FAILED;
		pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
	}
	return JOB_OK;
}
