/* Linked into a pgod for tests: its monotonic clock runs ten times as fast, and it sleeps a tenth of the time. */
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SPEED = 10 };

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, ts);
	long long ns;

	if (rc < 0 || (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE))
		return rc;
	ns = ((long long)ts->tv_sec * 1000000000 + ts->tv_nsec) * SPEED;
	ts->tv_sec = (time_t)(ns / 1000000000);
	ts->tv_nsec = (long)(ns % 1000000000);
	return 0;
}

int
epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
	return epoll_pwait(epfd, events, max, timeout <= 0 ? timeout : (timeout + SPEED - 1) / SPEED, NULL);
}
