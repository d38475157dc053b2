#include "supervisor/session.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <sys/pidfd.h>

#include "base/auto.h"
#include "base/str.h"

/* Between reading the number and sending the signal the process may end and its number go to a stranger: the pidfd pins
 * it, and only then is its session looked at. */
static int
signal_member(pid_t pid, pid_t sid, int sig)
{
	auto_close int pidfd = -1;

	if (getsid(pid) != sid)
		return 0;
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0 || getsid(pid) != sid)
		return 0;
	return pidfd_send_signal(pidfd, sig, NULL, 0) == 0 ? 1 : 0;
}

int
session_signal(pid_t sid, int sig)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	if (d == NULL)
		return kill(-sid, sig) == 0 ? 1 : 0;
	while ((e = readdir(d)) != NULL) {
		int64_t pid = 0;

		if (str_to_int(e->d_name, 2, INT_MAX, &pid))
			n += signal_member((pid_t)pid, sid, sig);
	}
	closedir(d);
	return n;
}
