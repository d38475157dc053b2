#include "supervisor/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <time.h>

#include "base/auto.h"
#include "base/str.h"

static long long
boot_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
open_lock(int dirfd, const char *service, struct err *err)
{
	char path[NAME_MAX + 16];
	int fd;

	snprintf(path, sizeof(path), ".lock/%s", service);
	fd = openat(dirfd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? err_errno(err, "cannot open %s", path) : fd;
}

int
lock_take(int dirfd, const char *service, struct err *err)
{
	auto_close int fd = open_lock(dirfd, service, err);

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return err_set(err, EBUSY, "a job of %s still runs", service);
		return err_errno(err, "cannot lock %s", service);
	}
	/* What the last holder wrote is not true of the next one. */
	if (ftruncate(fd, 0) < 0)
		return err_errno(err, "cannot empty the lock of %s", service);
	return take_fd(&fd);
}

void
lock_write(int fd, pid_t pid, const char *kind)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%d %s %lld\n", (int)pid, kind, boot_ms());

	if (pwrite(fd, line, (size_t)n, 0) != n)
		return; /* only a note for people and for the next pgod, which does without */
}

void
lock_read(int dirfd, const char *service, struct lock_note *ret_n)
{
	auto_close int fd = open_lock(dirfd, service, NULL);
	struct lock_note n = {0};
	char line[128] = "";
	long long started = 0;
	int pid = 0;

	*ret_n = n;
	if (fd < 0 || pread(fd, line, sizeof(line) - 1, 0) <= 0)
		return;
	if (sscanf(line, "%d %31[a-z-] %lld", &pid, n.kind, &started) != 3)
		return;
	n.pid = pid;
	n.age_ms = boot_ms() - started;
	*ret_n = n;
}

static bool
holds(const char *pid, const char *lockpath)
{
	auto_free char *dirname = str_printf("/proc/%s/fd", pid);
	DIR *d = opendir(dirname);
	bool found = false;
	struct dirent *e;

	if (d == NULL)
		return false;
	while (!found && (e = readdir(d)) != NULL) {
		char target[PATH_MAX];
		/* The link's text, not the file behind it: a file on a dead network share would hold pgod up. */
		ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);

		target[n < 0 ? 0 : n] = '\0';
		found = n > 0 && str_eq(target, lockpath);
	}
	closedir(d);
	return found;
}

/* The pid may be another process by now: pin it, look again, and only then send the signal. */
static int
signal_holder(const char *name, const char *lockpath, int sig)
{
	auto_close int pidfd = -1;
	int64_t pid = 0;

	if (!str_to_int(name, 2, INT_MAX, &pid) || pid == getpid() || !holds(name, lockpath))
		return 0;
	pidfd = pidfd_open((pid_t)pid, 0);
	if (pidfd < 0 || !holds(name, lockpath))
		return 0;
	pidfd_send_signal(pidfd, sig, NULL, 0);
	return 1;
}

int
lock_signal_holders(int dirfd, const char *service, int sig)
{
	auto_free char *self = str_printf("/proc/self/fd/%d", dirfd);
	auto_free char *dir = realpath(self, NULL); /* as the kernel names it: <dir> may have symbolic links above it */
	auto_free char *lockpath = str_printf("%s/.lock/%s", dir == NULL ? "" : dir, service);
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL)
		n += signal_holder(e->d_name, lockpath, sig);
	closedir(d);
	return n;
}
