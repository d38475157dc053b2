/* Unix accounts: who a job runs as. */
#ifndef PGO_SUPERVISOR_ACCOUNT_H
#define PGO_SUPERVISOR_ACCOUNT_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* The home of an account that has none, as adduser(8) writes it. */
#define ACCOUNT_NO_HOME "/nonexistent"

struct account {
	char *name;
	char *home;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* the real supplementary groups, the primary one among them */
	size_t ngroups;
};
#define auto_account __attribute__((cleanup(account_done)))

/* Looks an account up with its groups. -ENOENT when there is none. */
int account_find(const char *name, struct account *ret_a, struct err *err);
int account_of_uid(uid_t uid, struct account *ret_a, struct err *err);
/* Of an app, which no file of the system names. */
void account_numbered(uid_t uid, gid_t gid, struct account *ret_a);
void account_done(struct account *a);

#endif
