#include "supervisor/deploykey.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/log.h"
#include "supervisor/dirs.h"
#include "supervisor/keyfile.h"

/* Two seconds in all: pgod and pgod --deploy-key may want to make the same key, which takes milliseconds. */
enum { LOCK_TRIES = 100, LOCK_TRY_MS = 20 };

#define KEYS ".ssh/deploy"
#define RETIRED "deploy_key"

/* Opens <dir>/.ssh/deploy; with make, it exists afterwards. */
static int
open_keys(const struct facts *f, bool make, struct err *err)
{
	int fd;

	if (make && mkdirat(f->dirfd, KEYS, 0700) < 0 && errno != EEXIST)
		return err_errno(err, "cannot make %s/" KEYS, f->dir);
	fd = openat(f->dirfd, KEYS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_errno(err, "cannot open %s/" KEYS, f->dir) : fd;
}

static int
lock(int dirfd, struct err *err)
{
	int rc = -1;

	for (int i = 0; i < LOCK_TRIES && (rc = flock(dirfd, LOCK_EX | LOCK_NB)) < 0 && errno == EWOULDBLOCK; i++)
		poll(NULL, 0, LOCK_TRY_MS);
	return rc < 0 ? err_errno(err, "cannot lock the deploy keys") : 0;
}

static int
load(const struct facts *f, int dirfd, const char *service, bool renew, struct key_pair *key, struct err *err)
{
	int rc = renew ? -ENOENT : key_pair_read(dirfd, service, key, err);

	if (rc != -ENOENT)
		return rc;
	rc = key_pair_make(f, key, err);
	if (rc >= 0)
		rc = key_pair_store(dirfd, service, key, err);
	if (rc >= 0)
		log_info("made a deploy key service=%s", service);
	return rc;
}

/* The comment tells whoever looks at the repository's keys where this one is used. */
static char *
make_line(const char *service, const char *public)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	char host[HOST_NAME_MAX + 1] = "";
	bool known = gethostname(host, sizeof(host) - 1) == 0 && host[0] != '\0' && host[strspn(host, plain)] == '\0';

	return str_printf("%s pgo-%s@%s", public, service, known ? host : "localhost");
}

int
deploykey_line(const struct facts *f, const char *service, bool renew, char **ret_line, struct err *err)
{
	auto_key_pair struct key_pair key = KEY_PAIR_INIT;
	auto_close int dirfd = -1;
	int rc;

	if (!str_is_service_name(service))
		return err_set(err, EINVAL, "\"%s\" is not the name of a service", service);
	dirfd = open_keys(f, true, err);
	if (dirfd < 0)
		return dirfd;
	rc = lock(dirfd, err);
	if (rc >= 0)
		rc = load(f, dirfd, service, renew, &key, err);
	if (rc >= 0 && key.public == NULL)
		rc = err_set(err, EINVAL, "%s has no line with the public half: remove it, or make it anew", service);
	if (rc < 0)
		return err_wrap(err, "%s/" KEYS, f->dir);
	*ret_line = make_line(service, key.public);
	return 0;
}

int
deploykey_private(const struct facts *f, const char *service, struct buf *ret, struct err *err)
{
	auto_key_pair struct key_pair key = KEY_PAIR_INIT;
	auto_close int dirfd = open_keys(f, false, err);
	int rc = dirfd < 0 ? dirfd : key_pair_read(dirfd, service, &key, err);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return err_wrap(err, "%s/" KEYS, f->dir);
	buf_add(ret, buf_str(&key.private), key.private.len);
	return 0;
}

int
deploykey_retire(const struct facts *f, const char *service, int to, struct err *err)
{
	auto_close int dirfd = open_keys(f, false, NULL);

	if (dirfd >= 0 && renameat(dirfd, service, to, RETIRED) < 0 && errno != ENOENT)
		return err_errno(err, "cannot move the deploy key of %s away", service);
	return 0;
}

static int
print_line(const struct facts *f, const char *service, struct err *err)
{
	auto_free char *line = NULL;
	int rc =
	    mkdirat(f->dirfd, ".ssh", 0700) < 0 && errno != EEXIST ? err_errno(err, "cannot make %s/.ssh", f->dir) : 0;

	if (rc >= 0)
		rc = deploykey_line(f, service, false, &line, err);
	if (rc >= 0 && (puts(line) < 0 || fflush(stdout) != 0))
		rc = err_errno(err, "cannot print it");
	return rc;
}

int
deploykey_print(const char *dir, const char *service)
{
	__attribute__((cleanup(facts_done))) struct facts f = {
	    .dirfd = -1, .datafd = -1, .dir = dir, .libexec = facts_libexec()};
	struct err err = ERR_INIT;
	int rc = geteuid() != 0 ? err_set(&err, EPERM, "only root may ask for a deploy key") : 0;

	if (rc >= 0)
		rc = account_find("_pgod-ssh", &f.ssh, &err);
	if (rc >= 0)
		rc = f.dirfd = dirs_open(dir, &err);
	if (rc >= 0)
		rc = print_line(&f, service, &err);
	if (rc >= 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "pgod: %s\n", err.msg);
	return EXIT_FAILURE;
}
