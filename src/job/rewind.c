#include "job/rewind.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "job/git.h"
#include "job/remote.h"
#include "job/repo.h"

/* The branch with its history, while we look. */
#define HISTORY "refs/pgo/history"

/* Commits of history; the last is what git takes for all. */
static const char *const depths[] = {"--depth=32", "--depth=1024", "--depth=2147483647"};

/* What is not here cannot be an ancestor of anything, as far as we know. */
static int
is_ancestor(const struct job *job, const char *old, const char *new, struct err *err)
{
	const char *const args[] = {"merge-base", "--is-ancestor", old, new, NULL};
	int r = git_run(job, &(struct git_call){.args = args}, err);

	return r < 0 ? r : r == 0;
}

static int
deepen(const struct job *job, const char *depth, struct err *err)
{
	auto_buf struct buf words = BUF_INIT(GIT_WORDS_MAX + 8);
	int r = remote_fetch(job, HISTORY, depth, &words, err);

	if (r < 0)
		return err_wrap(err, "cannot fetch the history of %s", job->url);
	if (r > 0) {
		remote_complain(job, buf_str(&words));
		return JOB_FAILED;
	}
	return JOB_OK;
}

/* With all of the branch's history here. */
static int
refuse(const struct job *job, const char *deployed, const char *oid, struct err *err)
{
	int r = is_ancestor(job, oid, HISTORY, err);

	if (r < 0)
		return r;
	if (r == 0) {
		job_say("the branch \"%s\" has moved while its history was fetched", job->branch);
		return JOB_FAILED;
	}
	job_say(
	    "the branch \"%s\" was rewound: its commit %.12s does not come after %.12s, which is deployed, and this "
	    "service is not taken back by a push (rewind = \"refuse\" in pgo.toml): push a commit that comes after "
	    "%.12s, or ask the server's administrator to allow it",
	    job->branch, oid, deployed, deployed);
	return JOB_REFUSED;
}

static int
look(const struct job *job, const char *deployed, const char *oid, struct err *err)
{
	int r = is_ancestor(job, deployed, oid, err);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(depths); i++) {
		r = deepen(job, depths[i], err);
		if (r != JOB_OK)
			return r;
		r = is_ancestor(job, deployed, oid, err);
	}
	if (r < 0)
		return r;
	return r > 0 ? JOB_OK : refuse(job, deployed, oid, err);
}

int
rewind_check(const struct job *job, const char *deployed, const char *oid, struct err *err)
{
	static const char *const args[] = {"update-ref", "-d", HISTORY, NULL};
	struct err ignored;
	int r = look(job, deployed, oid, err);

	/* It would keep what a force push has dropped for ever. */
	git_run(job, &(struct git_call){.args = args}, &ignored);
	return r;
}
