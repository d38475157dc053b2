#include "supervisor/signers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/path.h"
#include "base/str.h"

/* Only root can change what stands behind this name. */
static int
check_owner(int fd, const char *path, bool last, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "signers: %s", path);
	if (last && !S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "signers: %s is not a regular file", path);
	if (st.st_uid != 0)
		return err_set(err, EPERM, "signers: %s does not belong to root", path);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (last || (st.st_mode & S_ISVTX) == 0))
		return err_set(err, EPERM, "signers: others than root can write to %s: chmod go-w", path);
	return 0;
}

/* From the root down; a FIFO or a device does not hold us up. */
static int
open_checked(const char *path, struct err *err)
{
	auto_close int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *at = path;

	if (fd < 0 || !path_is_clean(path))
		return err_set(err, EINVAL, "signers: %s is not a clean absolute path", path);
	while (*at == '/') {
		size_t len = strcspn(at + 1, "/");
		bool last = at[1 + len] == '\0';
		auto_free char *name = str_printf("%.*s", (int)len, at + 1);
		auto_free char *so_far = str_printf("%.*s", (int)(at + 1 + len - path), path);
		int flags = last ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH | O_DIRECTORY;
		auto_close int next = openat(fd, name, flags | O_NOFOLLOW | O_CLOEXEC);

		if (next < 0)
			return err_errno(err, "signers: cannot open %s", so_far);
		if (check_owner(next, so_far, last, err) < 0)
			return -err->num;
		close(fd);
		fd = take_fd(&next);
		at += 1 + len;
	}
	return take_fd(&fd);
}

int
signers_open(const char *path, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(SIGNERS_MAX_BYTES);
	auto_close int fd = open_checked(path, err);

	if (fd < 0)
		return fd;
	if (io_read_all(fd, &text, err) < 0)
		return err_wrap(err, "signers: %s", path);
	return io_memfd("signers", buf_str(&text), text.len, err);
}
