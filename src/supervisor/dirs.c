#include "supervisor/dirs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/apps.h"
#include "supervisor/deploykey.h"
#include "supervisor/lock.h"
#include "supervisor/share.h"

enum { OPEN_DIR = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

enum base_owner { OWNER_ROOT, OWNER_CORE };

static const struct {
	const char *name;
	mode_t mode;
	enum base_owner owner;
} base_dirs[] = {
    {".lock", 0755, OWNER_ROOT},
    {".repos", 0755, OWNER_ROOT},
    {".apps", 0700, OWNER_ROOT},
    {".stage", 0755, OWNER_ROOT},
    {".empty", 0755, OWNER_ROOT},
    {".private", 0755, OWNER_ROOT},
    {".ssh", 0700, OWNER_ROOT},
    {".removed", 0700, OWNER_ROOT},
    {".proxy", 0700, OWNER_ROOT},
    {".state", 0700, OWNER_CORE},
};

/* A service's directories in <dir>, and their places below .removed/<service>-<time>/ afterwards. */
static const struct {
	const char *before;
	const char *after;
	mode_t mode;
	const char *removed;
} service_dirs[] = {
    {"", "", 0755, "tree"},
    {".repos/", ".git", 0700, "repo.git"},
    {".stage/", "", 0700, "stage"},
};

static void
service_path(char *path, size_t size, size_t row, const char *service)
{
	snprintf(path, size, "%s%s%s", service_dirs[row].before, service, service_dirs[row].after);
}

/* mkdir -p. */
static int
make_path(const char *path, struct err *err)
{
	auto_free char *part = str_dup(path);

	for (char *p = part + 1; p != NULL; p++) {
		p = strchr(p, '/');
		if (p != NULL)
			*p = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return err_errno(err, "cannot make the directory %s", part);
		if (p == NULL)
			break;
		*p = '/';
	}
	return 0;
}

int
dirs_open(const char *dir, struct err *err)
{
	auto_close int fd = -1;
	struct stat st;
	int rc = make_path(dir, err);

	if (rc < 0)
		return rc;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "cannot open the directory %s", dir);
	/* Who can write here can put a symbolic link where root makes a directory. */
	if (st.st_uid != 0)
		return err_set(err, EPERM, "%s must belong to root: chown root: %s", dir, dir);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(err, EPERM, "others can write in %s: chmod go-w %s", dir, dir);
	return take_fd(&fd);
}

/* Two seconds in all: a child that is about to execute or to die needs milliseconds. */
enum { CLAIM_TRIES = 100, CLAIM_TRY_MS = 20 };

int
dirs_claim(int dirfd, const char *dir, struct err *err)
{
	auto_close int fd = -1;
	int rc = -1;

	if (mkdirat(dirfd, ".lock", 0755) < 0 && errno != EEXIST)
		return err_errno(err, "cannot make %s/.lock", dir);
	/* With a dot in front: a service may be called pgod, and its jobs lock .lock/pgod. */
	fd = openat(dirfd, ".lock/.pgod", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, "cannot open %s/.lock/.pgod", dir);
	/* A pgod that was killed while it forked leaves a child that holds the lock until it executes or dies. */
	for (int i = 0; i < CLAIM_TRIES && (rc = flock(fd, LOCK_EX | LOCK_NB)) < 0 && errno == EWOULDBLOCK; i++)
		poll(NULL, 0, CLAIM_TRY_MS);
	if (rc == 0)
		return take_fd(&fd);
	if (errno == EWOULDBLOCK || errno == EINTR)
		return err_set(err, EBUSY, "another pgod works on %s already", dir);
	return err_errno(err, "cannot lock %s/.lock/.pgod", dir);
}

static int
base_dir(int dirfd, const char *name, mode_t mode, const struct account *owner, struct err *err)
{
	auto_close int fd = -1;

	if (mkdirat(dirfd, name, mode) < 0 && errno != EEXIST)
		return err_errno(err, "cannot make the directory %s", name);
	fd = openat(dirfd, name, OPEN_DIR);
	if (fd < 0)
		return err_errno(err, "cannot open the directory %s", name);
	if (fchown(fd, owner == NULL ? 0 : owner->uid, owner == NULL ? 0 : owner->gid) < 0 || fchmod(fd, mode) < 0)
		return err_errno(err, "cannot give the directory %s its owner", name);
	return 0;
}

int
dirs_base(struct facts *f, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(base_dirs); i++) {
		const struct account *owner = base_dirs[i].owner == OWNER_CORE ? &f->core : NULL;
		int rc = base_dir(f->dirfd, base_dirs[i].name, base_dirs[i].mode, owner, err);

		if (rc < 0)
			return err_wrap(err, "%s", f->dir);
	}
	if (make_path(f->datadir, err) < 0)
		return -err->num;
	f->datafd = open(f->datadir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->datafd < 0)
		return err_errno(err, "cannot open the directory %s", f->datadir);
	return 0;
}

static bool
is_empty(int fd)
{
	int copy = openat(fd, ".", OPEN_DIR);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	bool empty = d != NULL;
	struct dirent *e;

	if (d == NULL) {
		auto_close_(&copy);
		return false;
	}
	while (empty && (e = readdir(d)) != NULL)
		empty = str_eq(e->d_name, ".") || str_eq(e->d_name, "..");
	closedir(d);
	return empty;
}

/* Makes or opens a directory for an account. Returns 0, -EPERM when it holds someone else's files, another error. */
static int
give_dir(int parent, const char *path, mode_t mode, const struct account *a, struct err *err)
{
	auto_close int fd = -1;
	struct stat st;

	if (mkdirat(parent, path, 0700) < 0 && errno != EEXIST)
		return err_errno(err, "cannot make the directory %s", path);
	fd = openat(parent, path, OPEN_DIR);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return err_set(err, ENOTDIR, "%s must be a directory, and not a symbolic link", path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "cannot open the directory %s", path);
	if (st.st_uid == a->uid && !(a->uid == 0 && is_empty(fd)))
		return 0;
	/* Root's and empty: this or an earlier start made it just now. Anything else may be someone's data. */
	if (st.st_uid != 0 || !is_empty(fd))
		return err_set(err, EPERM, "%s belongs to uid %u", path, st.st_uid);
	if (fchmod(fd, mode) < 0 || fchown(fd, a->uid, a->gid) < 0)
		return err_errno(err, "cannot give the directory %s to %s", path, a->name);
	return 0;
}

static void
hand_over_advice(const struct facts *f, const struct conf_service *s, struct buf *problem)
{
	const char *n = s->name;

	buf_printf(problem,
	    "%s/%s does not belong to %s, the account of the service. To hand it over: chown -R --no-dereference %s: "
	    "%s/%s "
	    "%s/.repos/%s.git %s/.stage/%s and then: kill -HUP the pgod. Until then the containers stay as they are",
	    f->dir, n, s->user, s->user, f->dir, n, f->dir, n, f->dir, n);
}

static void
data_dir(const struct facts *f, const struct conf_service *s, const struct account *a, struct buf *problem)
{
	struct err err = ERR_INIT;
	int rc;

	/* The share's directory is the server's, which may not answer: this is pgod itself, that waits for nobody. */
	if (s->mount != NULL && share_is_mounted(f->datadir, s->name))
		return;
	rc = give_dir(f->datafd, s->name, 0755, a, &err);

	if (rc ==
	    -EPERM) /* a share that another machine exports, for instance: its owner is the administrator's business */
		log_warn(
		    "the data directory %s/%s does not belong to %s service=%s", f->datadir, s->name, s->user, s->name);
	else if (rc < 0)
		buf_printf(problem, "%s: %s", f->datadir, err.msg);
}

int
dirs_again(const struct facts *f, const char *service, const struct account *a, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(service_dirs); i++) {
		char path[NAME_MAX + 16];
		int rc;

		service_path(path, sizeof(path), i, service);
		if (str_eq(path, service) || faccessat(f->dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		log_warn("%s/%s is missing; making it again service=%s", f->dir, path, service);
		rc = give_dir(f->dirfd, path, service_dirs[i].mode, a, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void
dirs_service(const struct facts *f, const struct conf_service *s, struct buf *problem)
{
	const struct account *a = facts_account(f, s->name);

	for (size_t i = 0; i < ARRAY_LEN(service_dirs); i++) {
		struct err err = ERR_INIT;
		char path[NAME_MAX + 16];
		int rc;

		service_path(path, sizeof(path), i, s->name);
		rc = give_dir(f->dirfd, path, service_dirs[i].mode, a, &err);
		if (rc == -EPERM)
			hand_over_advice(f, s, problem);
		else if (rc < 0)
			buf_printf(problem, "%s: %s", f->dir, err.msg);
		if (rc < 0)
			return;
	}
	data_dir(f, s, a, problem);
}

enum { REMOVED_TRIES = 100, REMOVED_PATH_MAX = NAME_MAX + 64 };

/* .removed/<service>-<time>, from the second try on with its number behind it. */
static void
removed_path(char path[REMOVED_PATH_MAX], const char *service, int try)
{
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;
	int n;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	n = snprintf(path, REMOVED_PATH_MAX, ".removed/%s-%s", service, stamp);
	if (try > 1)
		snprintf(path + n, REMOVED_PATH_MAX - (size_t)n, "-%d", try);
}

/* Makes it. Returns its descriptor. */
static int
make_removed(const struct facts *f, const char *service, struct err *err)
{
	for (int i = 1; i < REMOVED_TRIES; i++) {
		char path[REMOVED_PATH_MAX];

		removed_path(path, service, i);
		if (mkdirat(f->dirfd, path, 0700) == 0) {
			int fd = openat(f->dirfd, path, OPEN_DIR);

			return fd < 0 ? err_errno(err, "cannot open %s/%s", f->dir, path) : fd;
		}
		if (errno != EEXIST)
			break;
	}
	return err_errno(err, "cannot make a directory for %s in %s/.removed", service, f->dir);
}

static int
retire_into(const struct facts *f, const char *service, int to, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(service_dirs); i++) {
		char path[NAME_MAX + 16];

		service_path(path, sizeof(path), i, service);
		if (renameat(f->dirfd, path, to, service_dirs[i].removed) < 0 && errno != ENOENT)
			return err_errno(err, "cannot move %s/%s away", f->dir, path);
	}
	return deploykey_retire(f, service, to, err);
}

/* The next app of this name has another account, which could not write there. What is empty goes. */
static int
retire_data(const struct facts *f, const char *service, struct err *err)
{
	if (unlinkat(f->datafd, service, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (mkdirat(f->datafd, ".removed", 0700) < 0 && errno != EEXIST)
		return err_errno(err, "cannot make %s/.removed", f->datadir);
	for (int i = 1; i < REMOVED_TRIES; i++) {
		char path[REMOVED_PATH_MAX];

		removed_path(path, service, i);
		if (renameat2(f->datafd, service, f->datafd, path, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return err_errno(err, "cannot move %s/%s away", f->datadir, service);
}

/* What is pgod's of an app goes before the rest: a directory that a kill leaves behind is that of a service which is
 * not there, and the next core has it put away. */
static int
erase_app(const struct facts *f, const char *service, struct err *err)
{
	char path[NAME_MAX + 8];

	snprintf(path, sizeof(path), "%s.stop", service);
	if (unlinkat(f->dirfd, path, 0) < 0 && errno != ENOENT)
		return err_errno(err, "cannot remove %s/%s", f->dir, path);
	return apps_erase(f->apps, service, err);
}

int
dirs_retire(const struct facts *f, const char *service, struct err *err)
{
	const struct conf_service *s = conf_find(f->conf, service);
	auto_close int lock = -1;
	auto_close int to = -1;

	if (!str_is_service_name(service))
		return err_set(err, EINVAL, "not the name of a service");
	if (s != NULL && !s->made)
		return err_set(err, EBUSY, "the service %s is configured", service);
	lock = lock_take(f->dirfd, service, err);
	if (lock < 0)
		return err_wrap(err, "the directories of %s stay for now", service);
	if (s != NULL && (retire_data(f, service, err) < 0 || erase_app(f, service, err) < 0))
		return -err->num;
	to = make_removed(f, service, err);
	if (to < 0)
		return to;
	return retire_into(f, service, to, err);
}
