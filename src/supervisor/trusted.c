#include "supervisor/trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/str.h"

enum kind { TRUSTED_FILE, TRUSTED_DIR };

/* Only root can change what stands behind this name. In a sticky directory nobody can take root's own names away. */
static int
check_owner(const char *what, int fd, const char *path, bool file, bool last, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "%s: %s", what, path);
	if (file && !S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s: %s is not a regular file", what, path);
	if (st.st_uid != 0)
		return err_set(err, EPERM, "%s: %s does not belong to root", what, path);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (last || (st.st_mode & S_ISVTX) == 0))
		return err_set(err, EPERM, "%s: others than root can write to %s: chmod go-w", what, path);
	return 0;
}

/* From the root down. */
static int
walk(const char *what, const char *path, enum kind kind, struct err *err)
{
	auto_close int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *at = path;

	if (fd < 0 || !path_is_clean(path))
		return err_set(err, EINVAL, "%s: %s is not a clean absolute path", what, path);
	while (*at == '/' && at[1] != '\0') {
		size_t len = strcspn(at + 1, "/");
		bool last = at[1 + len] == '\0';
		bool file = last && kind == TRUSTED_FILE;
		auto_free char *name = str_printf("%.*s", (int)len, at + 1);
		auto_free char *so_far = str_printf("%.*s", (int)(at + 1 + len - path), path);
		int flags = file   ? O_RDONLY | O_NONBLOCK | O_NOCTTY
			    : last ? O_RDONLY | O_DIRECTORY
				   : O_PATH | O_DIRECTORY;
		auto_close int next = openat(fd, name, flags | O_NOFOLLOW | O_CLOEXEC);

		if (next < 0)
			return err_errno(err, "%s: cannot open %s", what, so_far);
		if (check_owner(what, next, so_far, file, last, err) < 0)
			return -err->num;
		close(fd);
		fd = take_fd(&next);
		at += 1 + len;
	}
	return take_fd(&fd);
}

int
trusted_open_file(const char *what, const char *path, struct err *err)
{
	return walk(what, path, TRUSTED_FILE, err);
}

int
trusted_open_parent(const char *what, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	auto_free char *parent = slash == NULL ? NULL : str_printf("%.*s", (int)(slash - path), path);

	/* The root directory itself would be "". */
	if (parent == NULL || parent[0] == '\0')
		return err_set(err, EINVAL, "%s: %s lies in no directory of its own", what, path);
	return walk(what, parent, TRUSTED_DIR, err);
}
