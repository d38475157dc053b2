/* Submodules: their commits are fetched into the service's own repository, each under a ref of its own, and their files
 * stand in a commit's tree as if they were the commit's. All that comes after works on files alone. */
#ifndef PGO_JOB_SUBMODULE_H
#define PGO_JOB_SUBMODULE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "job/job.h"
#include "job/tree.h"

#define REPO_SUBMODULE "refs/pgo/submodule/" /* + object name: a commit that a commit of ours names */
#define REPO_SCAN "refs/pgo/scan/"	     /* branches of a server that gives out nothing else */

enum {
	SUBMODULES_MAX = 64, /* of a commit, all levels together */
	SUBMODULES_DEPTH_MAX = 8,
};

/* The commit has submodules that could be fetched and have not been. */
bool submodules_are_missing(const struct job *job, const char *oid);

/* Fetches the submodules of a commit of PGO_URL, and theirs. JOB_OK, also when one was left out, which is said: its URL
 * is none that is asked. JOB_FAILED, said: a server does not give what the commit needs. */
int submodules_fetch(const struct job *job, const char *oid, struct err *err);

/* Puts the files of the fetched submodules in the place of their entries; with_dirs: and the directories, the
 * submodule's own with its commit as name. Entries of others stay. */
int submodules_graft(const struct job *job, struct tree *tree, bool with_dirs, struct err *err);

/* Drops what none of these commits (and none that is tracked) needs. */
int submodules_forget(const struct job *job, const struct strv *oids, struct err *err);

#endif
