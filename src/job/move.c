#include "job/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"

/* The one name in the live tree that is ours: a crash leaves at most one, and the next copy replaces it. */
static const char temp_name[] = ".pgo-checkout.tmp";

enum { COPY_BYTES = 64 << 10 };

static int
copy_bytes(int in, int out, struct err *err)
{
	auto_free char *data = malloc(COPY_BYTES);

	if (!data)
		abort();
	for (;;) {
		ssize_t n = read(in, data, COPY_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read it");
		if (n == 0)
			return 0;
		if (io_write_all(out, data, (size_t)n, err) < 0)
			return -err->num;
	}
}

static int
copy_file(int fromfd, const char *name, int tofd, mode_t mode, struct err *err)
{
	auto_close int in = openat(fromfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_close int out = -1;

	if (in < 0)
		return err_errno(err, "cannot open it");
	out = openat(tofd, temp_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return err_errno(err, "cannot write beside it");
	if (copy_bytes(in, out, err) < 0)
		return -err->num;
	if (fchmod(out, mode & 0777) < 0 || fsync(out) < 0)
		return err_errno(err, "cannot write it");
	return 0;
}

static int
copy_link(int fromfd, const char *name, int tofd, struct err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(fromfd, name, target, sizeof(target) - 1);

	if (n < 0)
		return err_errno(err, "cannot read the link");
	target[n] = '\0';
	return symlinkat(target, tofd, temp_name) < 0 ? err_errno(err, "cannot make the link") : 0;
}

/* For a stage that lies on another file system than the live tree. */
static int
copy_across(int fromfd, const char *name, int tofd, struct err *err)
{
	struct stat st;
	int r;

	if (fstatat(fromfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "cannot look at it");
	if (unlinkat(tofd, temp_name, 0) < 0 && errno != ENOENT)
		return err_errno(err, "cannot remove %s", temp_name);
	r = S_ISLNK(st.st_mode) ? copy_link(fromfd, name, tofd, err) : copy_file(fromfd, name, tofd, st.st_mode, err);
	if (r < 0) {
		unlinkat(tofd, temp_name, 0);
		return r;
	}
	if (renameat(tofd, temp_name, tofd, name) < 0)
		return err_errno(err, "cannot put it in its place");
	return unlinkat(fromfd, name, 0) < 0 ? err_errno(err, "cannot remove it from the stage") : 0;
}

int
files_move(int from_rootfd, int to_rootfd, const char *rel, struct err *err)
{
	const char *from_base, *to_base;
	auto_close int from = files_open_parent(from_rootfd, rel, &from_base, err);
	auto_close int to = from < 0 ? -1 : files_open_parent(to_rootfd, rel, &to_base, err);

	if (from < 0 || to < 0)
		return err_wrap(err, "%s", rel);
	if (renameat(from, from_base, to, to_base) == 0)
		return 0;
	if (errno != EXDEV)
		return err_errno(err, "%s: cannot put it in its place", rel);
	if (copy_across(from, from_base, to, err) < 0)
		return err_wrap(err, "%s", rel);
	return 0;
}
