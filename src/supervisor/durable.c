#include "supervisor/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"

int
durable_write(int dirfd, const char *name, mode_t mode, const char *data, size_t len, struct err *err)
{
	auto_free char *tmp = str_printf(".%s.new", name);
	auto_close int fd = -1;
	int rc;

	if (unlinkat(dirfd, tmp, 0) < 0 && errno != ENOENT)
		return err_errno(err, "cannot write %s", name);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return err_errno(err, "cannot write %s", name);
	rc = io_write_all(fd, data, len, err);
	if (rc >= 0 && (fsync(fd) < 0 || renameat(dirfd, tmp, dirfd, name) < 0))
		rc = err_errno(err, "cannot write %s", name);
	if (rc < 0)
		unlinkat(dirfd, tmp, 0);
	return rc;
}
