#include "supervisor/pin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/path.h"
#include "supervisor/dirs.h"
#include "supervisor/pin_link.h"

enum {
	OPEN_DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	OPEN_PATH = O_PATH | O_NOFOLLOW | O_CLOEXEC,
};

/* A pin is made under this name, and takes its own when it is complete: no start of a container sees half of it. */
static const char scratch[] = ".new";

char *
pin_dir(const char *run, const char *dir)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.";
	auto_buf struct buf b = BUF_INIT(4 * PATH_MAX);

	buf_printf(&b, "%s/pins/", run);
	for (const char *p = dir + 1; *p != '\0'; p++) {
		if (strchr(plain, *p) != NULL)
			buf_add(&b, p, 1);
		else if (*p == '/')
			buf_add(&b, "-", 1);
		else
			buf_printf(&b, "_%02x", (unsigned char)*p);
	}
	return buf_take(&b);
}

/* --- <run>/pins --- */

/* Is it the tmpfs, and not the directory below it? */
static int
is_our_tmpfs(int fd, struct err *err)
{
	struct statfs fs;
	struct statx st;

	if (fstatfs(fd, &fs) < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) < 0)
		return err_errno(err, "cannot look at it");
	return fs.f_type == TMPFS_MAGIC && (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static int
mount_tmpfs(const char *path, struct err *err)
{
	if (mount("pgo-pins", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700,size=4m,nr_inodes=200k") < 0)
		return err_errno(err, "cannot mount a tmpfs");
	/* Namespaces that are made from ours later get what is pinned afterwards; those made before do, when <run> is
	 * shared as systemd makes it. */
	if (mount(NULL, path, NULL, MS_SHARED, NULL) < 0)
		return err_errno(err, "cannot share its mounts");
	return 0;
}

/* Opens <run>/pins, mounted. */
static int
open_tmpfs(const char *run, struct err *err)
{
	auto_free char *path = str_printf("%s/pins", run);
	auto_close int lock = dirs_open(run, err);
	auto_close int fd = -1;
	int rc;

	if (lock < 0)
		return lock;
	/* Another pgod, with another directory, may be about to do the same. */
	if (flock(lock, LOCK_EX) < 0 || (mkdirat(lock, "pins", 0700) < 0 && errno != EEXIST))
		return err_errno(err, "cannot make %s", path);
	fd = openat(lock, "pins", OPEN_DIR);
	rc = fd < 0 ? err_errno(err, "cannot open it") : is_our_tmpfs(fd, err);
	if (rc == 0) {
		rc = mount_tmpfs(path, err);
		close(fd);
		fd = openat(lock, "pins", OPEN_DIR);
		if (rc >= 0 && fd < 0)
			rc = err_errno(err, "cannot open it");
	}
	return rc < 0 ? err_wrap(err, "%s", path) : take_fd(&fd);
}

static int
open_made(int dirfd, const char *name, struct err *err)
{
	auto_close int fd = -1;

	if (mkdirat(dirfd, name, 0700) < 0 && errno != EEXIST)
		return err_errno(err, "cannot make the directory of pins %s", name);
	fd = openat(dirfd, name, OPEN_DIR);
	return fd < 0 ? err_errno(err, "cannot open the directory of pins %s", name) : take_fd(&fd);
}

/* --- one pin, in the working directory --- */

static int
drop_pin(const char *name, struct err *err)
{
	char src[NAME_MAX + 8];

	snprintf(src, sizeof(src), "%s/src", name);
	/* Detached: containers have mounts of their own. Once for what is there, and again for what lay below. */
	while (umount2(src, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		continue;
	if ((unlink(src) < 0 && errno == EISDIR && rmdir(src) < 0) || (rmdir(name) < 0 && errno != ENOENT))
		return err_errno(err, "cannot take the pin %s away", name);
	return 0;
}

/* Where the mount comes: a file for what is no directory. */
static int
make_point(bool is_dir, struct err *err)
{
	auto_free char *src = str_printf("%s/src", scratch);
	auto_close int fd = -1;

	if (mkdir(scratch, 0700) < 0)
		return err_errno(err, "cannot make a place for the pin");
	if (is_dir)
		return mkdir(src, 0700) < 0 ? err_errno(err, "cannot make a place for the pin") : 0;
	fd = open(src, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? err_errno(err, "cannot make a place for the pin") : 0;
}

/* The inode with the mounts below it, such as a share that the administrator mounted in the data directory. As a slave
 * of what it is taken from: later mounts there come here too, but the end of the pin is not the end of them. */
static int
attach(int source, struct err *err)
{
	struct mount_attr attr = {.propagation = MS_SLAVE};
	auto_free char *src = str_printf("%s/src", scratch);
	auto_close int tree = open_tree(source, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0)
		return err_errno(err, "cannot take it as a mount");
	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return err_errno(err, "cannot make its mounts slaves");
	if (move_mount(tree, "", AT_FDCWD, src, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_errno(err, "cannot mount it");
	return 0;
}

/* Takes the place of a pin of that name, at one moment. */
static int
give_name(const char *name, struct err *err)
{
	if (renameat2(AT_FDCWD, scratch, AT_FDCWD, name, RENAME_EXCHANGE) == 0)
		return drop_pin(scratch, err);
	if (errno != ENOENT || rename(scratch, name) < 0)
		return err_errno(err, "cannot name the pin %s", name);
	return 0;
}

/* Has it lost the name that it was opened by? The kernel tells by the text of the link alone: a file that another took
 * the place of may have further names, and so a count of links. */
static bool
is_deleted(int fd)
{
	char link[64], text[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, text, sizeof(text) - 1);
	if (n < 0)
		return false;
	text[n] = '\0';
	return str_ends(text, "/src (deleted)");
}

/* Does the pin hold this inode? With source NULL: any. A pin without its mount holds nothing; one of what was deleted
 * or replaced neither: such a thing the kernel does not mount a second time. */
static bool
pin_holds(const char *name, const struct statx *source)
{
	auto_free char *src = str_printf("%s/src", name);
	auto_close int fd = open(src, OPEN_PATH);
	struct statx st;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO, &st) < 0 ||
	    (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0 || is_deleted(fd))
		return false;
	return source == NULL || (st.stx_ino == source->stx_ino && st.stx_dev_major == source->stx_dev_major &&
				     st.stx_dev_minor == source->stx_dev_minor);
}

/* Opens what is to be pinned, O_PATH, and never through a symbolic link: the account, or a container that writes there,
 * may have put one in the way at any moment, and the engine would follow it as root. */
static int
open_source(const struct pin_order *o, const char *source, const char **ret_root, struct err *err)
{
	const char *const roots[] = {o->dir, o->datadir};

	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		auto_free char *own = str_printf("%s/%s", roots[i], o->service);
		auto_close int root = -1;
		const char *rel = NULL;
		int rc;

		if (!path_is_beneath(own, source, NULL) || !path_is_beneath(roots[i], source, &rel))
			continue;
		root = open(roots[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root < 0)
			return err_errno(err, "cannot open %s", roots[i]);
		*ret_root = roots[i];
		rc = path_open_beneath(root, rel, OPEN_PATH, 0, err);
		return rc == -ELOOP ? err_set(err, ELOOP, "it is a symbolic link, or one leads there") : rc;
	}
	return err_set(err, EPERM, "it is in none of the service's directories");
}

static int
pin_anew(const struct pin_order *o, const char *name, const char *source, struct err *err)
{
	auto_close int fd = -1;
	auto_close int link = -1;
	const char *root = NULL;
	struct statx st;
	int rc;

	fd = open_source(o, source, &root, err);
	if (fd < 0)
		return fd;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO, &st) < 0)
		return err_errno(err, "cannot look at it");
	if (pin_holds(name, &st))
		return 0;
	if (!S_ISDIR(st.stx_mode))
		link = pin_link(root, o->service, name, fd, &st);
	rc = make_point(S_ISDIR(st.stx_mode), err);
	/* Without a name of ours it is mounted by that which others can take from it: then it must be pinned anew. */
	if (rc >= 0)
		rc = attach(link >= 0 ? link : fd, err);
	return rc < 0 ? rc : give_name(name, err);
}

static int
pin_one(const struct pin_order *o, const char *name, const char *source, struct err *err)
{
	struct err why = ERR_INIT;
	bool held = !o->fresh && pin_holds(name, NULL);
	int rc;

	if (held && !pin_link_is_last(o->dir, o->service, name) && !pin_link_is_last(o->datadir, o->service, name))
		return 0;
	rc = pin_anew(o, name, source, &why);
	/* Nothing that may be mounted has taken its place: what was verified is still there. */
	if (rc < 0 && held)
		return drop_pin(scratch, err);
	if (rc < 0)
		*err = why;
	return rc;
}

/* --- all of a service --- */

/* Drops every pin that is not in the set, and what an interrupted order left. */
static int
drop_others(const struct pin_set *keep, struct err *err)
{
	DIR *d = opendir(".");
	struct dirent *e;
	int rc = 0;

	if (d == NULL)
		return err_errno(err, "cannot list the pins");
	while (rc >= 0 && (e = readdir(d)) != NULL) {
		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, "..") && !strv_has(&keep->names, e->d_name))
			rc = drop_pin(e->d_name, err);
	}
	closedir(d);
	return rc;
}

static int
pin_all(const struct pin_order *o, struct err *err)
{
	int rc = drop_pin(scratch, err);

	for (size_t i = 0; rc >= 0 && i < o->pins->names.n; i++) {
		rc = pin_one(o, o->pins->names.v[i], o->pins->sources.v[i], err);
		if (rc < 0)
			err_wrap(err, "cannot pin %s", o->pins->sources.v[i]);
	}
	return rc >= 0 && o->exact ? drop_others(o->pins, err) : rc;
}

int
pin_apply(const struct pin_order *o, struct err *err)
{
	auto_free char *path = pin_dir(o->run, o->dir);
	auto_close int tmpfs = open_tmpfs(o->run, err);
	auto_close int dir = tmpfs < 0 ? tmpfs : open_made(tmpfs, strrchr(path, '/') + 1, err);
	auto_close int own = dir < 0 ? dir : open_made(dir, o->service, err);
	int rc;

	if (own < 0)
		return own;
	if (flock(own, LOCK_EX) < 0 || fchdir(own) < 0)
		return err_errno(err, "cannot enter the directory of pins %s", o->service);
	rc = pin_all(o, err);
	pin_link_sweep(o->dir, o->service);
	pin_link_sweep(o->datadir, o->service);
	if (rc >= 0 && o->exact && o->pins->names.n == 0 && unlinkat(dir, o->service, AT_REMOVEDIR) < 0)
		return err_errno(err, "cannot remove the directory of pins %s", o->service);
	return rc;
}
