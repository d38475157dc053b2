/* The remote repository: what its branch is. */
#ifndef PGO_JOB_REMOTE_H
#define PGO_JOB_REMOTE_H

#include "base/err.h"
#include "job/job.h"

enum { REMOTE_OID_SIZE = 65 };

/* The branch's newest commit into ret_oid (REMOTE_OID_SIZE bytes). Returns JOB_OK, or another exit status with
 * everything said, or < 0. */
int remote_branch(const struct job *job, char *ret_oid, struct err *err);
/* Refuses a branch name that could be more than one in a refspec. */
int remote_check(const struct job *job, struct err *err);
struct buf;
/* One git fetch of the branch into a ref of ours; depth: an option of git's ("--depth=1"), NULL: all of its history.
 * Returns git's exit status, its words in words. */
int remote_fetch(const struct job *job, const char *ref, const char *depth, struct buf *words, struct err *err);
/* The same of one commit, into a ref of ours: servers may refuse what no branch of theirs begins with. */
int remote_fetch_commit(const struct job *job, const char *oid, const char *ref, struct buf *words, struct err *err);
/* All branches, with all of their history, into refs of ours beneath a prefix. */
int remote_fetch_all(const struct job *job, const char *prefix, struct buf *words, struct err *err);
/* "cannot read <url>: <words>" and what to do about it, on stderr. */
void remote_complain(const struct job *job, const char *words);

#endif
