#include "supervisor/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/str.h"

enum {
	LISTEN_MAX = 2,	   /* sockets: localhost has two addresses */
	BACKLOG = 512,	   /* connections that the kernel holds while core restarts */
	ACCEPT_BURST = 32, /* of one turn of the loop, so that nothing else starves */
	PAUSE_MS = 100,	   /* after running out of descriptors or memory */
};

struct socket {
	int fd;
	struct event *ev;
};

struct listener {
	struct listener_handler handler;
	struct event *resume;
	bool on;
	size_t n;
	struct socket sockets[LISTEN_MAX];
};

int
listen_split(const char *address, char *host, size_t size, int *ret_port, struct err *err)
{
	const char *colon = strrchr(address, ':');
	const char *from = address;
	int64_t port = 0;
	size_t len;

	if (colon == NULL || !str_to_int(colon + 1, 0, 65535, &port))
		return err_set(err, EINVAL, "--ssh: \"%s\" does not end in a colon and a port", address);
	len = (size_t)(colon - address);
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		from++;
		len -= 2;
	} else if (memchr(address, ':', len) != NULL) {
		return err_set(err, EINVAL, "--ssh: \"%s\": an IPv6 address stands in brackets", address);
	}
	if (len >= size)
		return err_set(err, EINVAL, "--ssh: \"%s\" is too long", address);
	memcpy(host, from, len);
	host[len] = '\0';
	*ret_port = (int)port;
	return 0;
}

static int
bind_one(struct listener *l, const struct sockaddr *sa, socklen_t len, struct err *err)
{
	auto_close int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
	int on = 1;
	int only6 = sa->sa_family == AF_INET6 && !IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);

	if (fd < 0)
		return err_errno(err, "cannot make a socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sa->sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof(only6)) < 0)
		return err_errno(err, "cannot prepare a socket");
	if (bind(fd, sa, len) < 0 || listen(fd, BACKLOG) < 0)
		return err_errno(err, "cannot listen");
	l->sockets[l->n++].fd = take_fd(&fd);
	return 0;
}

static int
bind4(struct listener *l, const char *host, int port, struct err *err)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	if (inet_pton(AF_INET, host, &sa.sin_addr) != 1)
		return err_set(err, EINVAL, "\"%s\" is not an address (names are not looked up)", host);
	return bind_one(l, (struct sockaddr *)&sa, sizeof(sa), err);
}

static int
bind6(struct listener *l, const char *host, int port, struct err *err)
{
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

	if (inet_pton(AF_INET6, host, &sa.sin6_addr) != 1)
		return err_set(err, EINVAL, "\"%s\" is not an IPv6 address", host);
	return bind_one(l, (struct sockaddr *)&sa, sizeof(sa), err);
}

static bool
no_ipv6(int rc)
{
	return rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL;
}

static int
bind_host(struct listener *l, const char *host, int port, struct err *err)
{
	int rc;

	if (*host == '\0') {
		rc = bind6(l, "::", port, err); /* takes IPv4 as well */
		return no_ipv6(rc) ? bind4(l, "0.0.0.0", port, err) : rc;
	}
	if (str_eq(host, "localhost")) {
		rc = bind4(l, "127.0.0.1", port, err);
		if (rc < 0)
			return rc;
		rc = bind6(l, "::1", port, err);
		return no_ipv6(rc) ? 0 : rc;
	}
	return strchr(host, ':') != NULL ? bind6(l, host, port, err) : bind4(l, host, port, err);
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	if (l->on)
		listener_enable(l, true);
}

/* Out of descriptors: the connection stays in the queue and would wake us for ever. */
static void
pause_accepting(struct listener *l)
{
	struct timeval tv = {0, PAUSE_MS * 1000};

	log_warn("cannot accept a connection: %s", strerror(errno));
	for (size_t i = 0; i < l->n; i++)
		event_del(l->sockets[i].ev);
	event_add(l->resume, &tv);
}

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)what;
	for (int i = 0; i < ACCEPT_BURST; i++) {
		struct sockaddr_storage peer = {0};
		socklen_t len = sizeof(peer);
		int c = accept4(fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (c >= 0) {
			l->handler.accepted(l->handler.ctx, c, &peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			pause_accepting(l);
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

static int
log_port(const struct socket *s, const char *address, struct err *err)
{
	struct sockaddr_in6 sa = {0}; /* large enough for both families */
	socklen_t len = sizeof(sa);

	if (getsockname(s->fd, (struct sockaddr *)&sa, &len) < 0)
		return err_errno(err, "cannot look at a socket");
	/* The port stands at the same place for both families. */
	log_info("listening for SSH address=%s port=%d", address, ntohs(sa.sin6_port));
	return 0;
}

struct listener *
listener_new(struct event_base *base, const char *address, const struct listener_handler *h, struct err *err)
{
	struct listener *l = calloc(1, sizeof(*l));
	char host[64] = "";
	int port = 0;
	int rc = listen_split(address, host, sizeof(host), &port, err);

	if (l == NULL)
		abort();
	l->handler = *h;
	l->resume = evtimer_new(base, on_resume, l);
	if (rc >= 0 && bind_host(l, host, port, err) < 0)
		rc = err_wrap(err, "--ssh %s", address);
	for (size_t i = 0; rc >= 0 && i < l->n; i++) {
		l->sockets[i].ev = event_new(base, l->sockets[i].fd, EV_READ | EV_PERSIST, on_accept, l);
		rc = log_port(&l->sockets[i], address, err);
	}
	if (rc >= 0)
		return l;
	listener_free(l);
	return NULL;
}

void
listener_enable(struct listener *l, bool on)
{
	l->on = on;
	event_del(l->resume);
	for (size_t i = 0; i < l->n; i++) {
		if (on)
			event_add(l->sockets[i].ev, NULL);
		else
			event_del(l->sockets[i].ev);
	}
}

void
listener_free(struct listener *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++) {
		if (l->sockets[i].ev != NULL)
			event_free(l->sockets[i].ev);
		close(l->sockets[i].fd);
	}
	event_free(l->resume);
	free(l);
}
