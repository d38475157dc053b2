#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/str.h"

enum { PATH_TRIES = 16 }; /* openat2 says EAGAIN when a rename or mount raced with "..": try again, not for ever */

int
path_open_beneath(int dirfd, const char *rel, int flags, mode_t mode, struct err *err)
{
	struct open_how how = {0};
	auto_close int fd = -1;
	struct stat st;

	/* O_PATH with O_NOFOLLOW would return a trailing symbolic link instead of refusing it. */
	how.flags = (unsigned)((flags & ~O_NOFOLLOW) | O_CLOEXEC);
	how.mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0;
	how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
	if (rel[0] == '\0')
		rel = ".";
	for (int i = 0; i < PATH_TRIES && fd < 0; i++) {
		fd = (int)syscall(SYS_openat2, dirfd, rel, &how, sizeof(how));
		if (fd < 0 && errno != EAGAIN && errno != EINTR)
			break;
	}
	if (fd < 0)
		return err_errno(err, "cannot open %s", rel);
	if (fstat(fd, &st) < 0)
		return err_errno(err, "cannot stat %s", rel);
	if (S_ISLNK(st.st_mode))
		return err_set(err, ELOOP, "%s is a symbolic link", rel);
	return take_fd(&fd);
}

bool
path_is_clean(const char *path)
{
	if (path == NULL || path[0] != '/' || strlen(path) >= PATH_MAX)
		return false;
	if (path[1] == '\0')
		return true;
	for (const char *p = path; *p != '\0';) {
		size_t len = strcspn(++p, "/");

		if (len == 0 || (len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += len;
	}
	return true;
}

bool
path_is_beneath(const char *root, const char *path, const char **ret_rel)
{
	size_t len = strlen(root);

	if (!path_is_clean(root) || !path_is_clean(path))
		return false;
	if (len == 1) /* "/": everything lies beneath it */
		len = 0;
	if (strncmp(root, path, len) != 0 || (path[len] != '/' && path[len] != '\0'))
		return false;
	if (ret_rel != NULL)
		*ret_rel = path[len] == '/' ? path + len + 1 : path + len;
	return true;
}

char *
path_clean(const char *path)
{
	auto_free char *out = NULL;
	size_t at = 0;

	if (path[0] != '/')
		return NULL;
	out = str_dup(path);
	for (const char *p = path; *p != '\0';) {
		size_t len;

		p += strspn(p, "/");
		len = strcspn(p, "/");
		if (len == 2 && p[0] == '.' && p[1] == '.') {
			while (at > 0 && out[--at] != '/')
				;
		} else if (len > 1 || (len == 1 && p[0] != '.')) {
			out[at++] = '/';
			memmove(out + at, p, len);
			at += len;
		}
		p += len;
	}
	if (at == 0)
		out[at++] = '/';
	out[at] = '\0';
	return TAKE(out);
}
