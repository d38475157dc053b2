#include "job/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/path.h"
#include "base/str.h"

enum { COMPARE_BYTES = 64 << 10, MARK_MAX_BYTES = 256 };

int
files_open_root(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_errno(err, "cannot open %s", path) : fd;
}

int
files_enter_dir(int dirfd, const char *name, bool make, struct err *err)
{
	auto_close int fd = -1;
	struct stat st;

	if (make && mkdirat(dirfd, name, 0755) < 0 && errno != EEXIST)
		return err_errno(err, "cannot make the directory %s", name);
	fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "cannot open %s", name);
	/* O_PATH | O_NOFOLLOW returns a symbolic link itself. */
	if (S_ISLNK(st.st_mode))
		return err_set(err, ELOOP, "%s is a symbolic link", name);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "%s is not a directory", name);
	return take_fd(&fd);
}

int
files_open_parent(int rootfd, const char *rel, const char **ret_base, struct err *err)
{
	const char *slash = strrchr(rel, '/');
	auto_free char *dir = slash ? str_printf("%.*s", (int)(slash - rel), rel) : str_dup(".");
	int fd = path_open_beneath(rootfd, dir, O_PATH | O_DIRECTORY, 0, err);

	if (fd >= 0)
		*ret_base = slash ? slash + 1 : rel;
	return fd;
}

int
files_make_parent(int rootfd, const char *rel, const char **ret_base, struct err *err)
{
	auto_close int fd = path_open_beneath(rootfd, ".", O_PATH | O_DIRECTORY, 0, err);
	const char *at = rel;

	if (fd < 0)
		return fd;
	for (const char *slash = strchr(at, '/'); slash; slash = strchr(at, '/')) {
		auto_free char *name = str_printf("%.*s", (int)(slash - at), at);
		int next = files_enter_dir(fd, name, true, err);

		if (next < 0)
			return err_wrap(err, "%.*s", (int)(slash - rel), rel);
		close(fd);
		fd = next;
		at = slash + 1;
	}
	*ret_base = at;
	return take_fd(&fd);
}

static int
read_link(int dirfd, const char *name, char *target, size_t size)
{
	ssize_t n = readlinkat(dirfd, name, target, size);

	if (n < 0)
		return -errno;
	return (size_t)n < size ? (int)n : -ENAMETOOLONG;
}

static bool
same_links(int afd, const char *a, int bfd, const char *b)
{
	char at[PATH_MAX], bt[PATH_MAX];
	int an = read_link(afd, a, at, sizeof(at));
	int bn = read_link(bfd, b, bt, sizeof(bt));

	return an >= 0 && an == bn && memcmp(at, bt, (size_t)an) == 0;
}

/* Fills the buffer unless the file ends before. Returns the bytes or -1. */
static ssize_t
read_full(int fd, char *data, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t n = read(fd, data + have, size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

static bool
same_bytes(int afd, const char *a, int bfd, const char *b)
{
	/* O_NONBLOCK: a FIFO that was put in the file's place must not hold us up. */
	auto_close int ain = openat(afd, a, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	auto_close int bin = openat(bfd, b, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	auto_free char *data = malloc(2 * (size_t)COMPARE_BYTES);

	if (!data)
		abort();
	if (ain < 0 || bin < 0)
		return false;
	for (;;) {
		ssize_t an = read_full(ain, data, COMPARE_BYTES);
		ssize_t bn = read_full(bin, data + COMPARE_BYTES, COMPARE_BYTES);

		if (an < 0 || an != bn || memcmp(data, data + COMPARE_BYTES, (size_t)an) != 0)
			return false;
		if (an < COMPARE_BYTES)
			return true;
	}
}

enum files_same
files_compare(int afd, const char *a, int bfd, const char *b)
{
	struct err err;
	const char *an, *bn;
	auto_close int ap = files_open_parent(afd, a, &an, &err);
	auto_close int bp = files_open_parent(bfd, b, &bn, &err);
	struct stat as, bs;

	if (ap < 0 || bp < 0 || fstatat(ap, an, &as, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(bp, bn, &bs, AT_SYMLINK_NOFOLLOW) < 0 || (as.st_mode & S_IFMT) != (bs.st_mode & S_IFMT))
		return FILES_DIFFER;
	if (S_ISLNK(as.st_mode))
		return same_links(ap, an, bp, bn) ? FILES_SAME : FILES_DIFFER;
	if (!S_ISREG(as.st_mode) || as.st_size != bs.st_size || !same_bytes(ap, an, bp, bn))
		return FILES_DIFFER;
	return (as.st_mode & 0100) == (bs.st_mode & 0100) ? FILES_SAME : FILES_SAME_CONTENT;
}

int
files_write_mark(const char *dir, const char *name, const char *text, struct err *err)
{
	auto_free char *file = str_printf("%s/%s", dir, name);
	auto_free char *temp = str_printf("%s.new", file);
	auto_close int fd = -1;

	if (!text) {
		if (unlink(file) < 0 && errno != ENOENT)
			return err_errno(err, "cannot remove %s", file);
		return 0;
	}
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(err, "cannot write %s", temp);
	if (io_write_all(fd, text, strlen(text), err) < 0)
		return err_wrap(err, "%s", temp);
	if (fsync(fd) < 0 || rename(temp, file) < 0)
		return err_errno(err, "cannot write %s", file);
	return 0;
}

char *
files_read_mark(const char *dir, const char *name)
{
	auto_free char *file = str_printf("%s/%s", dir, name);
	auto_buf struct buf b = BUF_INIT(MARK_MAX_BYTES);
	struct err err;

	return io_read_file(AT_FDCWD, file, &b, &err) >= 0 ? buf_take(&b) : NULL;
}

bool
files_mark_is(const char *dir, const char *name, const char *text)
{
	auto_free char *mark = files_read_mark(dir, name);

	return mark && str_eq(mark, text);
}
