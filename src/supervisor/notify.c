#include "supervisor/notify.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/auto.h"
#include "base/str.h"

void
notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	auto_close int fd = -1;
	size_t len;

	if (path == NULL || (*path != '/' && *path != '@'))
		return;
	len = strlen(path);
	if (len >= sizeof(sa.sun_path))
		return;
	memcpy(sa.sun_path, path, len);
	if (*path == '@') /* an abstract socket: its name begins with a NUL */
		sa.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&sa,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

int
notify_watchdog_ms(void)
{
	const char *text = getenv("WATCHDOG_USEC");
	int64_t usec = 0;

	if (text == NULL || !str_to_int(text, 1000, INT64_MAX, &usec))
		return 0;
	return usec / 2000 > INT_MAX ? INT_MAX : (int)(usec / 2000);
}
