#include "supervisor/account.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>

#include "base/auto.h"
#include "base/str.h"

enum {
	ENTRY_MAX = 64 * 1024, /* bytes of one passwd entry */
	GROUPS_MAX = 1024,     /* supplementary groups of one account */
};

static int
fill(const struct passwd *pw, struct account *ret_a, struct err *err)
{
	auto_free gid_t *groups = calloc(GROUPS_MAX, sizeof(*groups));
	int n = GROUPS_MAX;

	if (groups == NULL)
		abort();
	if (getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) < 0)
		return err_set(err, E2BIG, "account %s is in more than %d groups", pw->pw_name, GROUPS_MAX);
	ret_a->name = str_dup(pw->pw_name);
	ret_a->home = str_dup(pw->pw_dir);
	ret_a->uid = pw->pw_uid;
	ret_a->gid = pw->pw_gid;
	ret_a->groups = TAKE(groups);
	ret_a->ngroups = (size_t)n;
	return 0;
}

int
account_find(const char *name, struct account *ret_a, struct err *err)
{
	auto_free char *mem = malloc(ENTRY_MAX);
	struct passwd pw;
	struct passwd *found = NULL;
	int num;

	if (mem == NULL)
		abort();
	num = getpwnam_r(name, &pw, mem, ENTRY_MAX, &found);
	if (found == NULL && num != 0 && num != ENOENT)
		return err_set(err, num, "cannot look the account %s up", name);
	if (found == NULL)
		return err_set(err, ENOENT, "there is no account %s on this machine", name);
	return fill(found, ret_a, err);
}

int
account_of_uid(uid_t uid, struct account *ret_a, struct err *err)
{
	auto_free char *mem = malloc(ENTRY_MAX);
	struct passwd pw;
	struct passwd *found = NULL;
	int num;

	if (mem == NULL)
		abort();
	num = getpwuid_r(uid, &pw, mem, ENTRY_MAX, &found);
	if (found == NULL && num != 0 && num != ENOENT)
		return err_set(err, num, "cannot look the account with uid %u up", uid);
	if (found == NULL)
		return err_set(err, ENOENT, "there is no account with uid %u on this machine", uid);
	return fill(found, ret_a, err);
}

void
account_numbered(uid_t uid, gid_t gid, struct account *ret_a)
{
	gid_t *groups = malloc(sizeof(*groups));

	if (groups == NULL)
		abort();
	*groups = gid;
	*ret_a = (struct account){.name = str_printf("%u", uid),
	    .home = str_dup(ACCOUNT_NO_HOME),
	    .uid = uid,
	    .gid = gid,
	    .groups = groups,
	    .ngroups = 1};
}

void
account_done(struct account *a)
{
	free(a->name);
	free(a->home);
	free(a->groups);
	*a = (struct account){0};
}
