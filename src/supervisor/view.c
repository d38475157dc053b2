#include "supervisor/view.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/sanitized.h"
#include "base/str.h"
#include "supervisor/secrets.h"

enum seal_flag {
	SEAL_RDONLY = 1 << 0,
	SEAL_DEVICE = 1 << 1,	/* device files work below it */
	SEAL_OPTIONAL = 1 << 2, /* the host may not have it */
};

/* All that the sealed root shows of the host, besides the programs and the stage. A symbolic link is copied as one. */
static const struct {
	const char *path;
	int flags;
} sealed[] = {
    {"/usr", SEAL_RDONLY},
    {"/bin", SEAL_RDONLY | SEAL_OPTIONAL},
    {"/sbin", SEAL_RDONLY | SEAL_OPTIONAL},
    {"/lib", SEAL_RDONLY | SEAL_OPTIONAL},
    {"/lib32", SEAL_RDONLY | SEAL_OPTIONAL},
    {"/lib64", SEAL_RDONLY | SEAL_OPTIONAL},
    {"/libx32", SEAL_RDONLY | SEAL_OPTIONAL},
    {"/etc/ld.so.cache", SEAL_RDONLY | SEAL_OPTIONAL},
#if PGO_SANITIZED
    {"/proc", SEAL_RDONLY},
#endif
    {"/dev/null", SEAL_DEVICE},
    {"/dev/zero", SEAL_DEVICE},
    {"/dev/urandom", SEAL_DEVICE},
    {"/dev/random", SEAL_DEVICE},
};

/* Nothing that the job mounts gets out. With MS_SLAVE the host's own mounts and unmounts get in: a job of an hour holds
 * no share that the administrator takes away. With MS_PRIVATE nothing gets in either. */
static int
own_mounts(int flags, unsigned long propagation, struct err *err)
{
	if (unshare(flags) < 0)
		return err_errno(err, "cannot make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | propagation, NULL) < 0)
		return err_errno(err, "cannot make the mounts private");
	return 0;
}

static int
enter_plain(const struct view *v, struct err *err)
{
	int rc = own_mounts(CLONE_NEWNS, MS_SLAVE, err);

	return rc < 0 ? rc : secrets_mount(v->secrets, v->private_dir, v->uid, v->gid, err);
}

static int
enter_staged(const struct view *v, struct err *err)
{
	int rc = v->secrets != NULL ? enter_plain(v, err) : own_mounts(CLONE_NEWNS, MS_SLAVE, err);

	if (rc < 0)
		return rc;
	/* Both names stand in directories of root's: the account cannot put a link in their place. */
	if (mount(v->stage, v->live, NULL, MS_BIND, NULL) < 0)
		return err_errno(err, "cannot lay %s over %s", v->stage, v->live);
	return 0;
}

/* Makes the directories above root/path. */
static int
make_parents(const char *root, const char *path, struct err *err)
{
	auto_free char *full = str_printf("%s%s", root, path);

	for (char *p = strchr(full + strlen(root) + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(full, 0755) < 0 && errno != EEXIST)
			return err_errno(err, "cannot make %s in the sealed root", full);
		*p = '/';
	}
	return 0;
}

static int
copy_link(const char *from, const char *to, struct err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlink(from, target, sizeof(target) - 1);

	if (n < 0)
		return err_errno(err, "cannot read the link %s", from);
	target[n] = '\0';
	if (symlink(target, to) < 0)
		return err_errno(err, "cannot make the link %s", to);
	return 0;
}

static int
make_point(const char *to, bool is_dir, struct err *err)
{
	auto_close int fd = -1;

	if (is_dir)
		return mkdir(to, 0755) < 0 && errno != EEXIST ? err_errno(err, "cannot make %s", to) : 0;
	fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	return fd < 0 ? err_errno(err, "cannot make %s", to) : 0;
}

static int
bind(const char *from, const char *to, int flags, struct err *err)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID};

	if ((flags & SEAL_RDONLY) != 0)
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	if ((flags & SEAL_DEVICE) == 0)
		attr.attr_set |= MOUNT_ATTR_NODEV;
	if (mount(from, to, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_errno(err, "cannot show %s in the sealed root", from);
	if (mount_setattr(AT_FDCWD, to, AT_RECURSIVE | AT_SYMLINK_NOFOLLOW, &attr, sizeof(attr)) < 0)
		return err_errno(err, "cannot restrict %s in the sealed root", from);
	return 0;
}

/* Shows one path of the host below root, at path, as a bind or as the same symbolic link. */
static int
show(const char *root, const char *from, const char *path, int flags, struct err *err)
{
	auto_free char *to = str_printf("%s%s", root, path);
	struct stat st;
	int rc;

	if (lstat(from, &st) < 0) {
		if (errno == ENOENT && (flags & SEAL_OPTIONAL) != 0)
			return 0;
		return err_errno(err, "cannot look at %s", from);
	}
	rc = make_parents(root, path, err);
	if (rc < 0)
		return rc;
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, err);
	rc = make_point(to, S_ISDIR(st.st_mode), err);
	return rc < 0 ? rc : bind(from, to, flags, err);
}

static int
make_root(const char *root, struct err *err)
{
	auto_free char *tmp = str_printf("%s/tmp", root);

	if (mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m,nr_inodes=256") < 0)
		return err_errno(err, "cannot make the sealed root");
	if (mkdir(tmp, 0755) < 0)
		return err_errno(err, "cannot make %s", tmp);
	/* The one place to write in: small, as nothing there outlives the job. */
	if (mount("tmpfs", tmp, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=16m,nr_inodes=4096") < 0)
		return err_errno(err, "cannot make %s", tmp);
	return 0;
}

static int
fill_root(const struct view *v, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < ARRAY_LEN(sealed); i++)
		rc = show(v->scratch, sealed[i].path, sealed[i].path, sealed[i].flags, err);
	for (size_t i = 0; rc >= 0 && i < VIEW_PROGRAMS; i++) {
		if (v->programs[i] != NULL && !path_is_beneath("/usr", v->programs[i], NULL))
			rc = show(v->scratch, v->programs[i], v->programs[i], SEAL_RDONLY, err);
	}
	return rc < 0 ? rc : show(v->scratch, v->stage, v->live, SEAL_RDONLY, err);
}

static int
change_root(const char *root, struct err *err)
{
	if (chdir(root) < 0)
		return err_errno(err, "cannot enter the sealed root");
	/* The new root over the old one, then the old one gone: after this the host's files have no name here. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_errno(err, "cannot change to the sealed root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_errno(err, "cannot leave the host's root");
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
		return err_errno(err, "cannot make the sealed root read-only");
	return chdir("/") < 0 ? err_errno(err, "cannot enter the sealed root") : 0;
}

static int
enter_sealed(const struct view *v, struct err *err)
{
	int rc = own_mounts(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC, MS_PRIVATE, err);

	if (rc >= 0)
		rc = make_root(v->scratch, err);
	if (rc >= 0)
		rc = fill_root(v, err);
	return rc < 0 ? rc : change_root(v->scratch, err);
}

bool
view_is_needed(const struct view *v)
{
	return v->kind != VIEW_PLAIN || v->secrets != NULL;
}

int
view_enter(void *arg, struct err *err)
{
	const struct view *v = arg;

	umask(022);
	switch (v->kind) {
	case VIEW_STAGED:
		return enter_staged(v, err);
	case VIEW_SEALED:
		return enter_sealed(v, err);
	case VIEW_PLAIN:
		return enter_plain(v, err);
	}
	return 0;
}
