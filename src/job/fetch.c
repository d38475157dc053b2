#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "job/files.h"
#include "job/git.h"
#include "job/job.h"
#include "job/remote.h"
#include "job/repo.h"
#include "job/submodule.h"

enum {
	FETCH_DAMAGED = -1000, /* no errno: our own copy is at fault */
};

/* Why a fetch failed, said; or that our copy is damaged, unsaid. */
static int
explain_failure(const struct job *job, const char *words, struct err *err)
{
	char oid[REMOTE_OID_SIZE];
	int r;

	if (strstr(words, "couldn't find remote ref") || strstr(words, "find remote ref")) {
		r = remote_branch(job, oid, err);
		if (r != JOB_OK)
			return r;
	}
	/* A server can say such words as well: what we have is given up only when it fails a check of our own. */
	if (strstr(words, "mismatched algorithms") || !repo_is_sound(job) ||
	    (repo_words_mean_damage(words) && !repo_passes_fsck(job)))
		return FETCH_DAMAGED;
	remote_complain(job, words);
	return JOB_FAILED;
}

static int
fetch_once(const struct job *job, char *ret_oid, struct err *err)
{
	auto_buf struct buf words = BUF_INIT(GIT_WORDS_MAX + 8);
	char oid[REMOTE_OID_SIZE];
	int r;

	if (!repo_exists(job)) {
		r = remote_branch(job, oid, err);
		if (r != JOB_OK)
			return r;
		r = repo_init(job, strlen(oid), err);
		if (r < 0)
			return r;
	}
	r = remote_fetch(job, REPO_TRACKED, "--depth=1", &words, err);
	if (r > 0 && strstr(buf_str(&words), "shallow")) /* dumb http, and servers that cannot do it */
		r = remote_fetch(job, REPO_TRACKED, NULL, &words, err);
	if (r < 0)
		return err_wrap(err, "cannot fetch %s", job->url);
	if (r > 0)
		return explain_failure(job, buf_str(&words), err);
	/* A live commit that has lost something tells of damage that this fetch did not happen to meet. */
	return repo_tracked_and_live_whole(job, ret_oid) ? JOB_OK : FETCH_DAMAGED;
}

/* The remote is fetched a second time, into a fresh repository, when the first attempt shows that ours is damaged. */
static int
fetch_twice(const struct job *job, char *ret_oid, struct err *err)
{
	char oid[REMOTE_OID_SIZE];
	/* Damage that stage found: rot that a fetch of new objects would not see. */
	bool marked = files_mark_is(job->repo, REPO_BROKEN_MARK, "1");
	int r = marked && !repo_passes_fsck(job) ? FETCH_DAMAGED : fetch_once(job, ret_oid, err);

	if (r == JOB_OK && marked)
		r = files_write_mark(job->repo, REPO_BROKEN_MARK, NULL, err);
	if (r != FETCH_DAMAGED)
		return r;
	r = remote_branch(job, oid, err); /* with the remote away, what we have is better than nothing */
	if (r != JOB_OK)
		return r;
	if (repo_set_aside(job, err) < 0 || repo_init(job, strlen(oid), err) < 0)
		return -err->num;
	r = fetch_once(job, ret_oid, err);
	repo_recover(job);
	return r == FETCH_DAMAGED
		   ? err_set(err, EIO, "the repository %s is damaged: git cannot read all of the commit", job->url)
		   : r;
}

/* A commit that our repository has lost, into a ref of ours. Where the server gives out branches only it may be in the
 * history of ours. */
static bool
bring_back(const struct job *job, const char *oid, const char *ref)
{
	auto_buf struct buf words = BUF_INIT(GIT_WORDS_MAX + 8);
	const char *const args[] = {"update-ref", ref, oid, NULL};
	struct err err;

	if (!repo_has_whole(job, oid) && remote_fetch_commit(job, oid, ref, &words, &err) != 0 &&
	    (remote_fetch(job, REPO_TRACKED, "--unshallow", &words, &err) != 0 || !repo_has_whole(job, oid)))
		return false;
	submodules_fetch(job, oid, &err);
	return git_run(job, &(struct git_call){.args = args}, &err) == 0;
}

/* A repository that somebody deleted, or that was lost with a disk: what the files of the live tree are must be known,
 * or they would be taken for files that nobody tracks; and what can be gone back to should be at hand. */
static void
bring_all_back(const struct job *job, char *const *commits)
{
	char oid[REMOTE_OID_SIZE];

	if (!commits[0] || repo_ref(job, REPO_LIVE, oid))
		return;
	if (bring_back(job, commits[0], REPO_LIVE))
		job_say("the local repository had been lost and was made anew");
	else
		job_say("the local repository had been lost, and the remote has %.12s no more, which the checkout is "
			"of: its files may be taken for untracked ones",
		    commits[0]);
	for (char *const *keep = commits + 1; *keep; keep++) {
		auto_free char *ref = str_printf("%s%s", REPO_RELEASE, *keep);

		bring_back(job, *keep, ref);
	}
}

int
verb_fetch(const struct job *job, char *const *operands, struct err *err)
{
	char oid[REMOTE_OID_SIZE];
	int r = remote_check(job, err);

	if (r < 0)
		return r;
	repo_clear_locks(job);
	r = fetch_twice(job, oid, err);
	if (r == JOB_OK)
		r = submodules_fetch(job, oid, err);
	if (r != JOB_OK)
		return r;
	bring_all_back(job, operands);
	repo_maintain(job);
	printf("%s\n", oid);
	return JOB_OK;
}
