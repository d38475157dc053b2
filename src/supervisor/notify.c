#include "supervisor/notify.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/auto.h"
#include "base/str.h"

/* The address in $NOTIFY_SOCKET; 0 when there is none. */
static socklen_t
find_systemd(struct sockaddr_un *ret_sa)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t len;

	if (path == NULL || (*path != '/' && *path != '@'))
		return 0;
	len = strlen(path);
	if (len >= sizeof(sa.sun_path))
		return 0;
	memcpy(sa.sun_path, path, len);
	if (*path == '@') /* an abstract socket: its name begins with a NUL */
		sa.sun_path[0] = '\0';
	*ret_sa = sa;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static void
attach(struct msghdr *m, void *control, size_t size, int fd)
{
	struct cmsghdr *c;

	m->msg_control = control;
	m->msg_controllen = size;
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

void
notify_fd(const char *state, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(fd))] = {0};
	struct sockaddr_un sa = {0};
	struct iovec text = {.iov_base = (void *)state, .iov_len = strlen(state)};
	struct msghdr m = {.msg_name = &sa, .msg_namelen = find_systemd(&sa), .msg_iov = &text, .msg_iovlen = 1};
	auto_close int sock = -1;

	if (m.msg_namelen == 0)
		return;
	if (fd >= 0)
		attach(&m, control, sizeof(control), fd);
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock >= 0)
		sendmsg(sock, &m, MSG_NOSIGNAL);
}

void
notify(const char *state)
{
	notify_fd(state, -1);
}

static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	notify("WATCHDOG=1");
}

struct event *
notify_watchdog(struct event_base *base)
{
	const char *text = getenv("WATCHDOG_USEC");
	int64_t usec = 0;
	struct event *ev;

	if (text == NULL || !str_to_int(text, 1000, INT64_MAX, &usec))
		return NULL;
	usec /= 2; /* as sd_watchdog_enabled(3) recommends */
	ev = event_new(base, -1, EV_PERSIST, on_watchdog, NULL);
	if (ev == NULL)
		abort();
	event_add(ev, &(struct timeval){usec / 1000000, usec % 1000000});
	return ev;
}
