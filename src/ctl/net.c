#include "ctl/net.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"

/* Waits for the connection; returns 0 or a positive errno. */
static int
finish(int fd)
{
	struct pollfd p = {fd, POLLOUT, 0};
	int num = 0;
	socklen_t len = sizeof(num);
	int n = poll(&p, 1, CONNECT_MS);

	if (n == 0)
		return ETIMEDOUT;
	if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &num, &len) < 0)
		return errno;
	return num;
}

/* Small questions and answers: waiting for full segments costs 40 ms each. And whoever follows a log says nothing for
 * days: that the server has vanished is noticed within two minutes. Losing an option costs only time. */
static void
set_socket(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
	    {IPPROTO_TCP, TCP_NODELAY, 1}, {SOL_SOCKET, SO_KEEPALIVE, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 60},
	    {IPPROTO_TCP, TCP_KEEPINTVL, 15}, {IPPROTO_TCP, TCP_KEEPCNT, 4},
	    {IPPROTO_TCP, TCP_USER_TIMEOUT, 120 * 1000}, /* milliseconds */
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

static int
connect_one(const struct addrinfo *ai, int *ret_fd)
{
	auto_close int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	int num;

	if (fd < 0)
		return errno;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
		num = errno == EINPROGRESS ? finish(fd) : errno;
		if (num != 0)
			return num;
	}
	set_socket(fd);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Addresses are taken as they are, without asking a name server. */
static int
lookup(const char *host, int port, struct addrinfo **ret_list)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	char service[8];
	int rc;

	snprintf(service, sizeof(service), "%d", port);
	rc = getaddrinfo(host, service, &hints, ret_list);
	if (rc == 0)
		return 0;
	hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
	return getaddrinfo(host, service, &hints, ret_list);
}

int
net_connect(const char *host, int port, struct err *err)
{
	struct addrinfo *list = NULL;
	int fd = -1;
	int num = ENOENT;
	int rc = lookup(host, port, &list);

	if (rc != 0)
		return err_set(err, ENOENT, "cannot find host %s: %s", host, gai_strerror(rc));
	for (const struct addrinfo *ai = list; ai != NULL && fd < 0; ai = ai->ai_next)
		num = connect_one(ai, &fd);
	freeaddrinfo(list);
	if (fd < 0)
		return err_set(err, num, "cannot connect to %s port %d: %s", host, port, strerror(num));
	return fd;
}
