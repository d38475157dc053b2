#include "supervisor/pin_link.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "ipc/pins.h"

enum {
	OPEN_DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	OPEN_PATH = O_PATH | O_NOFOLLOW | O_CLOEXEC,
};

/* Root's alone, or nothing: who may write in <datadir> could have made it before. */
static int
open_private(int dirfd, const char *name, bool make)
{
	auto_close int fd = -1;
	struct stat st;

	if (make && mkdirat(dirfd, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(dirfd, name, OPEN_DIR);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return st.st_uid != 0 || (st.st_mode & 077) != 0 ? -EPERM : take_fd(&fd);
}

/* <root>/.pins, and in it the service's. */
static int
open_links(const char *root, const char *service, bool make, int *ret_all)
{
	auto_close int top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int all = top < 0 ? -errno : open_private(top, ".pins", make);
	int own = all < 0 ? all : open_private(all, service, make);

	if (own >= 0)
		*ret_all = take_fd(&all);
	return own;
}

static bool
same_file(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor;
}

/* Files that take each other's place have links beside each other until the first is swept away. */
static char *
link_name(const char *name, const struct statx *st)
{
	return str_printf("%s-%llx", name, (unsigned long long)st->stx_ino);
}

int
pin_link(const char *root, const char *service, const char *name, int source, const struct statx *st)
{
	auto_free char *link = link_name(name, st);
	auto_close int all = -1;
	auto_close int own = open_links(root, service, true, &all);
	auto_close int fd = -1;
	struct statx linked;

	if (own < 0)
		return own;
	if (linkat(source, "", own, link, AT_EMPTY_PATH) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(own, link, OPEN_PATH);
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO, &linked) < 0)
		return -errno;
	return same_file(&linked, st) ? take_fd(&fd) : -EEXIST;
}

/* The file that a pin in the working directory holds. */
static bool
look_at_pin(const char *name, struct statx *ret)
{
	char src[PIN_NAME_LEN + sizeof("/src")];

	snprintf(src, sizeof(src), "%.*s/src", PIN_NAME_LEN, name);
	return statx(AT_FDCWD, src, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_NLINK | STATX_INO, ret) == 0 &&
	       (ret->stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static bool
is_link_of(int dirfd, const char *link, const struct statx *pin)
{
	struct statx st;

	return statx(dirfd, link, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_INO, &st) == 0 && same_file(pin, &st);
}

bool
pin_link_is_last(const char *root, const char *service, const char *name)
{
	auto_close int all = -1;
	auto_close int own = open_links(root, service, false, &all);
	auto_free char *link = NULL;
	struct statx pin;

	if (own < 0 || !look_at_pin(name, &pin))
		return false;
	link = link_name(name, &pin);
	return pin.stx_nlink == 1 && is_link_of(own, link, &pin);
}

/* Does the pin that the link was made for hold it? */
static bool
is_mounted(int dirfd, const char *link)
{
	struct statx pin;

	return strlen(link) > PIN_NAME_LEN && look_at_pin(link, &pin) && is_link_of(dirfd, link, &pin);
}

void
pin_link_sweep(const char *root, const char *service)
{
	auto_close int all = -1;
	auto_close int own = open_links(root, service, false, &all);
	int dirfd = own < 0 ? -1 : dup(own);
	DIR *d = dirfd < 0 ? NULL : fdopendir(dirfd);
	struct dirent *e;

	if (d == NULL) {
		if (dirfd >= 0)
			close(dirfd);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, "..") && !is_mounted(own, e->d_name))
			(void)unlinkat(own, e->d_name, 0);
	}
	closedir(d);
	/* The last of them is gone: so is the directory. */
	(void)unlinkat(all, service, AT_REMOVEDIR);
}
