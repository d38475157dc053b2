#include "supervisor/apps.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "base/str.h"
#include "ipc/appname.h"
#include "supervisor/durable.h"

enum { RECORD_MAX = 32, GROUP_ENTRY_MAX = 64 * 1024 };

/* The lowest user id that no app has ever had. No name of an app begins with a dot. */
#define NEXT ".next"

struct app_account {
	const struct conf_service *conf;
	struct account account;
};

struct apps {
	struct conf *conf;
	struct app_account *v;
	size_t n;
	uid_t next;
	int dirfd; /* <dir>/.apps */
};

/* A file with one number. -ENOENT without. */
static int
read_number(int dirfd, const char *name, uid_t *ret, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(RECORD_MAX);
	struct stat st;
	int64_t n = 0;
	int rc;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "cannot look at .apps/%s", name);
	if (!S_ISREG(st.st_mode) || st.st_uid != 0)
		return err_set(err, EPERM, ".apps/%s must be a file of root", name);
	rc = io_read_file(dirfd, name, &text, err);
	if (rc < 0)
		return rc;
	if (text.len > 0 && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	if (!str_to_int(buf_str(&text), PUSH_ID_MIN, UINT32_MAX - 1, &n))
		return err_set(err, EINVAL, ".apps/%s holds no user id", name);
	*ret = (uid_t)n;
	return 0;
}

static int
write_number(int dirfd, const char *name, uid_t n, struct err *err)
{
	auto_free char *text = str_printf("%u\n", n);
	int rc = durable_write(dirfd, name, 0600, text, strlen(text), err);

	if (rc >= 0 && fsync(dirfd) < 0)
		rc = err_errno(err, "cannot sync the directory .apps");
	return rc;
}

static void
keep(struct apps *as, const struct conf_service *s)
{
	struct app_account *grown = reallocarray(as->v, as->n + 1, sizeof(*grown));

	if (grown == NULL)
		abort();
	as->v = grown;
	grown[as->n] = (struct app_account){.conf = s};
	account_numbered(s->uid, s->gid, &grown[as->n++].account);
	if (s->uid >= as->next)
		as->next = s->uid + 1;
}

static int
read_one(struct apps *as, const char *name, struct err *err)
{
	const struct conf_service *s = NULL;
	uid_t uid = 0;
	int rc = read_number(as->dirfd, name, &uid, err);

	for (size_t i = 0; rc >= 0 && i < as->n; i++) {
		if (as->v[i].account.uid == uid)
			rc = err_set(err, EEXIST, "the user id %u is that of the app %s", uid, as->v[i].conf->name);
	}
	if (rc >= 0)
		rc = conf_add_app(as->conf, name, uid, &s, err);
	if (rc >= 0)
		keep(as, s);
	return rc;
}

static int
read_all(struct apps *as, struct err *err)
{
	int copy = openat(as->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (d == NULL) {
		auto_close_(&copy);
		return err_errno(err, "cannot read the directory .apps");
	}
	while ((e = readdir(d)) != NULL) {
		struct err why = ERR_INIT;

		if (e->d_name[0] != '.' && read_one(as, e->d_name, &why) < 0)
			log_err("the app %s is not managed: %s", e->d_name, why.msg);
	}
	closedir(d);
	return 0;
}

int
apps_open(struct facts *f, struct conf *conf, struct apps **ret, struct err *err)
{
	struct apps *as = calloc(1, sizeof(*as));
	int rc;

	if (as == NULL)
		abort();
	as->conf = conf;
	as->dirfd = openat(f->dirfd, ".apps", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	rc = as->dirfd < 0 ? err_errno(err, "cannot open %s/.apps", f->dir)
			   : read_number(as->dirfd, NEXT, &as->next, err);
	if (rc >= 0 || rc == -ENOENT)
		rc = read_all(as, err);
	if (rc < 0) {
		apps_free(as);
		return rc;
	}
	f->apps = as;
	*ret = as;
	return 0;
}

void
apps_free(struct apps *as)
{
	if (as == NULL)
		return;
	for (size_t i = 0; i < as->n; i++)
		account_done(&as->v[i].account);
	free(as->v);
	auto_close_(&as->dirfd);
	free(as);
}

const struct account *
apps_account(const struct apps *as, const struct conf_service *s)
{
	for (size_t i = 0; as != NULL && i < as->n; i++) {
		if (as->v[i].conf == s)
			return &as->v[i].account;
	}
	return NULL;
}

/* Somebody else's files and processes would be the app's. */
static bool
is_taken(uid_t id)
{
	auto_account struct account a = {0};
	auto_free char *mem = malloc(GROUP_ENTRY_MAX);
	struct group gr;
	struct group *found = NULL;

	if (mem == NULL)
		abort();
	return account_of_uid(id, &a, NULL) != -ENOENT || getgrgid_r(id, &gr, mem, GROUP_ENTRY_MAX, &found) != 0 ||
	       found != NULL;
}

/* The number is spent before anything has it: however this ends, it is never given again. */
static int
take_id(struct apps *as, uid_t *ret, struct err *err)
{
	const struct conf_push *p = as->conf->push;
	uid_t id = as->next > p->first_id ? as->next : p->first_id;
	int rc;

	while (id <= p->last_id && is_taken(id))
		id++;
	if (id > p->last_id)
		return err_set(err, ENOSPC,
		    "no user id is left for another app: the administrator gives the key ids of [push] a higher end than %u",
		    p->last_id);
	rc = write_number(as->dirfd, NEXT, id + 1, err);
	if (rc < 0)
		return rc;
	as->next = id + 1;
	*ret = id;
	return 0;
}

int
apps_create(struct apps *as, const char *name, const struct conf_service **ret, struct err *err)
{
	const struct conf_service *s = NULL;
	uid_t id = 0;
	int rc = appname_check(name, err);

	if (rc < 0)
		return err_wrap(err, "the name of an app");
	if (as->conf->push == NULL)
		return err_set(err, EPERM, "nothing is accepted by push here: the configuration has no [push]");
	rc = take_id(as, &id, err);
	if (rc >= 0)
		rc = conf_add_app(as->conf, name, id, &s, err);
	if (rc < 0)
		return rc;
	rc = write_number(as->dirfd, name, id, err);
	if (rc < 0) {
		unlinkat(as->dirfd, name, 0);
		conf_remove_app(as->conf, s);
		return rc;
	}
	keep(as, s);
	*ret = s;
	return 0;
}

int
apps_erase(struct apps *as, const char *service, struct err *err)
{
	char name[APPNAME_MAX + 1];

	appname_of_service(service, name);
	if (unlinkat(as->dirfd, name, 0) < 0 && errno != ENOENT)
		return err_errno(err, "cannot remove .apps/%s", name);
	return fsync(as->dirfd) < 0 ? err_errno(err, "cannot sync the directory .apps") : 0;
}

void
apps_drop(struct apps *as, const char *service)
{
	for (size_t i = 0; i < as->n; i++) {
		if (!str_eq(as->v[i].conf->name, service))
			continue;
		account_done(&as->v[i].account);
		conf_remove_app(as->conf, as->v[i].conf);
		as->v[i] = as->v[--as->n];
		return;
	}
}
