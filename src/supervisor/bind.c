#include "supervisor/bind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"

enum { BACKLOG = 512 }; /* connections that the kernel holds while core, or pgod, restarts */

/* Where the sockets of one listener come from and go to. */
struct binding {
	struct kept *kept;
	const char *name;
	struct bound bound;
};

int
bind_split(const char *address, char *host, size_t size, int *ret_port, struct err *err)
{
	const char *colon = strrchr(address, ':');
	const char *from = address;
	int64_t port = 0;
	size_t len;

	if (colon == NULL || !str_to_int(colon + 1, 0, 65535, &port))
		return err_set(err, EINVAL, "\"%s\" does not end in a colon and a port", address);
	len = (size_t)(colon - address);
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		from++;
		len -= 2;
	} else if (memchr(address, ':', len) != NULL) {
		return err_set(err, EINVAL, "\"%s\": an IPv6 address stands in brackets", address);
	}
	if (len >= size)
		return err_set(err, EINVAL, "\"%s\" is too long", address);
	memcpy(host, from, len);
	host[len] = '\0';
	*ret_port = (int)port;
	return 0;
}

int
bind_check(const char *address, struct err *err)
{
	struct in6_addr any;
	char host[64] = "";
	int port = 0;
	int rc = bind_split(address, host, sizeof(host), &port, err);

	if (rc < 0 || host[0] == '\0' || str_eq(host, "localhost") ||
	    inet_pton(strchr(host, ':') != NULL ? AF_INET6 : AF_INET, host, &any) == 1)
		return rc;
	if (strchr(host, ':') != NULL)
		return err_set(err, EINVAL, "\"%s\" is not an IPv6 address", host);
	return err_set(err, EINVAL, "\"%s\" is not an address (names are not looked up)", host);
}

static int
make_socket(const struct sockaddr *sa, socklen_t len, int *ret_fd, struct err *err)
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
	*ret_fd = take_fd(&fd);
	return 0;
}

static int
bind_one(struct binding *b, const struct sockaddr *sa, socklen_t len, struct err *err)
{
	int fd = kept_claim(b->kept, b->name, sa);

	if (fd < 0) {
		int rc = make_socket(sa, len, &fd, err);

		if (rc < 0)
			return rc;
	}
	b->bound.fds[b->bound.n++] = fd;
	return 0;
}

static int
bind4(struct binding *b, const char *host, int port, struct err *err)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	if (inet_pton(AF_INET, host, &sa.sin_addr) != 1)
		return err_set(err, EINVAL, "\"%s\" is not an address (names are not looked up)", host);
	return bind_one(b, (struct sockaddr *)&sa, sizeof(sa), err);
}

static int
bind6(struct binding *b, const char *host, int port, struct err *err)
{
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

	if (inet_pton(AF_INET6, host, &sa.sin6_addr) != 1)
		return err_set(err, EINVAL, "\"%s\" is not an IPv6 address", host);
	return bind_one(b, (struct sockaddr *)&sa, sizeof(sa), err);
}

static bool
no_ipv6(int rc)
{
	return rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL;
}

static int
bind_host(struct binding *b, const char *host, int port, struct err *err)
{
	int rc;

	if (*host == '\0') {
		rc = bind6(b, "::", port, err); /* takes IPv4 as well */
		return no_ipv6(rc) ? bind4(b, "0.0.0.0", port, err) : rc;
	}
	if (str_eq(host, "localhost")) {
		rc = bind4(b, "127.0.0.1", port, err);
		if (rc < 0)
			return rc;
		rc = bind6(b, "::1", port, err);
		return no_ipv6(rc) ? 0 : rc;
	}
	return strchr(host, ':') != NULL ? bind6(b, host, port, err) : bind4(b, host, port, err);
}

int
bind_address(const char *address, struct kept *k, const char *name, struct bound *ret_b, struct err *err)
{
	struct binding b = {.kept = k, .name = name};
	char host[64] = "";
	int port = 0;
	int rc = bind_split(address, host, sizeof(host), &port, err);

	if (rc >= 0)
		rc = bind_host(&b, host, port, err);
	if (rc < 0) {
		bound_close(&b.bound);
		return rc;
	}
	kept_replace(k, name, b.bound.fds, b.bound.n);
	*ret_b = b.bound;
	return 0;
}

int
bind_port(int fd, struct err *err)
{
	struct sockaddr_in6 sa = {0}; /* large enough for both families */
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return err_errno(err, "cannot look at a socket");
	return ntohs(sa.sin6_port); /* stands at the same place for both */
}

void
bound_close(struct bound *b)
{
	while (b->n > 0)
		close(b->fds[--b->n]);
}
