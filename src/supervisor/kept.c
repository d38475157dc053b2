#include "supervisor/kept.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"
#include "supervisor/notify.h"

enum { LISTEN_FIRST = 3 }; /* SD_LISTEN_FDS_START */

/* How many were passed; none when the variables are those of a parent (LISTEN_PID) or make no sense. */
static int
passed(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");
	int64_t n = 0;

	if (pid == NULL || fds == NULL || !str_to_int(pid, getpid(), getpid(), &n))
		return 0;
	return str_to_int(fds, 0, KEPT_MAX, &n) ? (int)n : 0;
}

/* The next word of a list with colons, cut to what fits: longer names are none of ours. */
static void
next_name(const char **list, char name[KEPT_NAME_MAX])
{
	size_t len = strcspn(*list, ":");
	size_t fits = len < KEPT_NAME_MAX ? len : KEPT_NAME_MAX - 1;

	memcpy(name, *list, fits);
	name[fits] = '\0';
	*list += len + ((*list)[len] == ':');
}

int
kept_take(struct kept *ret_k, int floor, struct err *err)
{
	const int above = floor > LISTEN_FIRST + KEPT_MAX ? floor : LISTEN_FIRST + KEPT_MAX;
	const int n = passed();
	const char *names = getenv("LISTEN_FDNAMES");
	struct kept k = {0};

	if (names == NULL)
		names = "";
	if (close_range(LISTEN_FIRST + (unsigned)n, ~0U, 0) < 0)
		return err_errno(err, "cannot close inherited descriptors");
	for (int i = 0; i < n; i++) {
		struct kept_socket *s = &k.sockets[k.n];

		next_name(&names, s->name);
		s->fd = fcntl(LISTEN_FIRST + i, F_DUPFD_CLOEXEC, above);
		if (s->fd >= 0)
			k.n++;
	}
	if (n > 0)
		close_range(LISTEN_FIRST, LISTEN_FIRST + (unsigned)n - 1, 0);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	*ret_k = k;
	return 0;
}

static int
option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, name, &value, &len) < 0 ? -1 : value;
}

/* Is it what a bind to this address would make? Port 0 is any port. A socket for :: that takes IPv4 as well is another
 * one than one that does not. */
static bool
listens_at(int fd, const struct sockaddr *sa)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} at = {0};
	const struct sockaddr_in *want4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *want6 = (const struct sockaddr_in6 *)sa;
	socklen_t len = sizeof(at);

	if (getsockname(fd, &at.sa, &len) < 0 || at.sa.sa_family != sa->sa_family)
		return false;
	if (option_of(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM || option_of(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1)
		return false;
	if (want4->sin_port != 0 && at.in4.sin_port != want4->sin_port) /* at the same place for both families */
		return false;
	if (sa->sa_family == AF_INET)
		return at.in4.sin_addr.s_addr == want4->sin_addr.s_addr;
	return sa->sa_family == AF_INET6 && IN6_ARE_ADDR_EQUAL(&at.in6.sin6_addr, &want6->sin6_addr) &&
	       option_of(fd, IPPROTO_IPV6, IPV6_V6ONLY) == !IN6_IS_ADDR_UNSPECIFIED(&want6->sin6_addr);
}

/* Takes it off the list. */
static int
drop(struct kept *k, size_t i)
{
	int fd = k->sockets[i].fd;

	k->sockets[i] = k->sockets[--k->n];
	return fd;
}

int
kept_claim(struct kept *k, const char *name, const struct sockaddr *sa)
{
	for (size_t i = 0; i < k->n; i++) {
		if (str_eq(k->sockets[i].name, name) && listens_at(k->sockets[i].fd, sa))
			return drop(k, i);
	}
	return -1;
}

/* Closes those of this name, here and there. systemd forgets by name alone. */
static void
forget(struct kept *k, const char *name)
{
	auto_free char *state = str_printf("FDSTOREREMOVE=1\nFDNAME=%s", name);
	bool any = false;

	for (size_t i = 0; i < k->n;) {
		if (!str_eq(k->sockets[i].name, name)) {
			i++;
			continue;
		}
		close(drop(k, i));
		any = true;
	}
	if (any)
		notify(state);
}

void
kept_replace(struct kept *k, const char *name, const int *fds, size_t n)
{
	auto_free char *state = str_printf("FDSTORE=1\nFDNAME=%s", name);

	forget(k, name);
	for (size_t i = 0; i < n; i++)
		notify_fd(state, fds[i]); /* one that it has already it does not take twice */
}

void
kept_done(struct kept *k)
{
	while (k->n > 0) {
		char name[KEPT_NAME_MAX];

		memcpy(name, k->sockets[0].name, sizeof(name));
		forget(k, name);
	}
}
