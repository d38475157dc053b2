#include "job/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/str.h"

enum { DEPTH_MAX = 64 }; /* descriptors in use at a time */

static void
close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}
#define auto_dir __attribute__((cleanup(close_dir)))

struct removal {
	int topfd;
	unsigned moved; /* deep directories that now wait at the top */
};

/* Opens a directory below dirfd for reading, and makes it ours to change first. Never through a symbolic link: what is
 * opened is the very inode that was looked at. */
static int
open_for_removal(int dirfd, const char *name, struct err *err)
{
	auto_close int pathfd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	char proc[64];
	struct stat st;
	int fd;

	if (pathfd < 0 || fstat(pathfd, &st) < 0)
		return err_errno(err, "cannot open %s", name);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", pathfd);
	if ((st.st_mode & 0700) != 0700 && chmod(proc, 0700) < 0)
		return err_errno(err, "cannot make %s writable", name);
	fd = openat(pathfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, "cannot open %s", name) : fd;
}

static int empty_level(struct removal *rm, int dirfd, int depth, struct err *err);

static int
remove_subdir(struct removal *rm, int dirfd, const char *name, int depth, struct err *err)
{
	auto_close int fd = -1;
	int r;

	if (depth >= DEPTH_MAX) {
		/* Bring it up instead of going down: neither descriptors nor the stack depend on what lies there. */
		auto_free char *up = str_printf(".pgo-removed-%d-%u", (int)getpid(), rm->moved++);

		return renameat(dirfd, name, rm->topfd, up) < 0 ? err_errno(err, "cannot move %s", name) : 0;
	}
	fd = open_for_removal(dirfd, name, err);
	if (fd < 0)
		return fd;
	r = empty_level(rm, fd, depth + 1, err);
	if (r < 0)
		return r;
	return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 ? err_errno(err, "cannot remove %s", name) : 0;
}

static int
remove_one(struct removal *rm, int dirfd, const char *name, int depth, struct err *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_errno(err, "cannot look at %s", name);
	if (S_ISDIR(st.st_mode))
		return remove_subdir(rm, dirfd, name, depth, err);
	if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
		return err_errno(err, "cannot remove %s", name);
	return 0;
}

static int
empty_level(struct removal *rm, int dirfd, int depth, struct err *err)
{
	auto_close int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *dir = copy < 0 ? NULL : fdopendir(copy);

	if (!dir)
		return err_errno(err, "cannot list a directory");
	take_fd(&copy);
	for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
		int r;

		if (str_eq(d->d_name, ".") || str_eq(d->d_name, ".."))
			continue;
		r = remove_one(rm, dirfd, d->d_name, depth, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int
files_empty(int dirfd, struct err *err)
{
	struct removal rm = {.topfd = dirfd};
	unsigned before;

	do {
		int r;

		before = rm.moved;
		r = empty_level(&rm, dirfd, 0, err);
		if (r < 0)
			return r;
	} while (rm.moved > before);
	return 0;
}

int
files_remove_dir(int dirfd, const char *name, struct err *err)
{
	auto_close int fd = open_for_removal(dirfd, name, err);
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = files_empty(fd, err);
	if (r < 0)
		return r;
	return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 ? err_errno(err, "cannot remove %s", name) : 0;
}
