#include "job/remote.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "job/git.h"
#include "job/lsrefs.h"

enum { REFS_MAX_BYTES = 256 << 10, REMOTE_DEADLINE_MS = 90000, FETCH_DEADLINE_MS = 30 * 60000 };

/* What git says, and what its reader has to do about it. */
static const struct {
	const char *needle, *hint;
} hints[] = {
    {"returned error: 30", "the server sends us to another address; the password goes nowhere but to the URL in "
			   "pgo.toml: write the address it "
			   "redirects to there (often the same with .git at its end)"},
    {"could not read Username",
	"the server wants a user name and password: they belong into the repository's URL in pgo.toml"},
    {"Authentication failed", "the server does not accept the user name and password of the URL in pgo.toml"},
    {"Host key verification failed",
	"the server's SSH host key is not the one that it had before: somebody may stand in between. If its "
	"administrator says that it was changed, take the old one out (ssh-keygen -R HOST -f FILE), or put the new one "
	"into /etc/ssh/ssh_known_hosts"},
};

/* Which key it was that the server does not know, and what to do about it. */
static void
advise_on_keys(const struct job *job)
{
	const char *service = job->service ? job->service : "SERVICE";

	if (job->ssh_key)
		job_say(
		    "the server does not accept the deploy key of %s: add its public half to the repository (pgoctl "
		    "HOST:%s//deploy-key prints it, or pgod --deploy-key %s as root on this machine)",
		    service, service, service);
	else
		job_say(
		    "the server accepts no SSH key of this account (~/.ssh); for a key of %s alone run pgod "
		    "--deploy-key %s as root on this machine, and add what it prints to the repository's deploy keys",
		    service, service);
}

void
remote_complain(const struct job *job, const char *words)
{
	job_say("cannot read %s: %s", job->url, *words ? words : "git says nothing about it");
	/* git would ask, so what it sent was not enough. */
	if (job->auth && strstr(words, "could not read Username"))
		words = "Authentication failed";
	for (size_t i = 0; i < ARRAY_LEN(hints); i++)
		if (strstr(words, hints[i].needle))
			job_say("%s", hints[i].hint);
	if (strstr(words, "Permission denied (publickey"))
		advise_on_keys(job);
}

int
remote_check(const struct job *job, struct err *err)
{
	if (!git_branch_is_valid(job->branch))
		return err_set(err, EINVAL, "\"%s\" cannot be the name of a branch", job->branch);
	return 0;
}

/* Lines are "OID\tREF"; a pattern of ls-remote also matches refs that only end like ours. */
static bool
pick_oid(char *text, const char *ref, char *ret_oid)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *tab = strchr(line, '\t');

		if (!tab || !str_eq(tab + 1, ref))
			continue;
		*tab = '\0';
		if (!str_is_oid(line))
			return false;
		memcpy(ret_oid, line, strlen(line) + 1);
		return true;
	}
	return false;
}

/* Whether a readable repository without our branch has anything at all. */
static int
missing_branch(const struct job *job, struct err *err)
{
	const char *const args[] = {
	    "ls-remote", "--quiet", "--exit-code", git_upload_pack(job->url), "--", job->url, NULL};
	int r = git_run(job,
	    &(struct git_call){.args = args, .remote = true, .git_dir = GIT_NOWHERE, .deadline_ms = REMOTE_DEADLINE_MS},
	    err);

	if (r < 0)
		return r;
	if (r == 2) {
		job_say("the repository %s is empty: nothing was pushed to it yet", job->url);
		return JOB_EMPTY_REPO;
	}
	job_say("the repository %s has no branch \"%s\"", job->url, job->branch);
	return JOB_NO_BRANCH;
}

/* A repository on this machine is asked without what stands between us and it. False: it has no clear answer, and git
 * ls-remote has the words for what is wrong. */
static bool
ask_here(const struct job *job, const char *ref, char *ret_oid)
{
	static const char *const env[] = {"GIT_PROTOCOL=version=2", NULL};
	const char *path = lsrefs_path(job->url);
	const char *const args[] = {"-c", "safe.directory=*", "upload-pack", "--stateless-rpc", "--", path, NULL};
	auto_buf struct buf request = BUF_INIT(1024);
	auto_buf struct buf answer = BUF_INIT(REFS_MAX_BYTES);

	if (path == NULL)
		return false;
	lsrefs_request(ref, &request);
	return git_run(job,
		   &(struct git_call){.args = args,
		       .env = env,
		       .git_dir = GIT_NOWHERE,
		       .in = buf_str(&request),
		       .in_len = request.len,
		       .out = &answer,
		       .deadline_ms = REMOTE_DEADLINE_MS},
		   NULL) == 0 &&
	       lsrefs_pick(buf_str(&answer), answer.len, ref, ret_oid);
}

static int
ask_git(const struct job *job, const char *ref, char *ret_oid, struct err *err)
{
	const char *const args[] = {"ls-remote", "--quiet", git_upload_pack(job->url), "--", job->url, ref, NULL};
	auto_buf struct buf out = BUF_INIT(REFS_MAX_BYTES);
	auto_buf struct buf words = BUF_INIT(GIT_WORDS_MAX + 8);
	auto_free char *text = NULL;
	int r = git_run(job,
	    &(struct git_call){.args = args,
		.remote = true,
		.git_dir = GIT_NOWHERE,
		.out = &out,
		.words = &words,
		.deadline_ms = REMOTE_DEADLINE_MS},
	    err);
	if (r < 0)
		return err_wrap(err, "cannot read %s", job->url);
	if (r > 0) {
		remote_complain(job, buf_str(&words));
		return JOB_FAILED;
	}
	text = buf_take(&out);
	return pick_oid(text, ref, ret_oid) ? JOB_OK : missing_branch(job, err);
}

int
remote_branch(const struct job *job, char *ret_oid, struct err *err)
{
	auto_free char *ref = str_printf("refs/heads/%s", job->branch);
	int r = remote_check(job, err);

	if (r < 0)
		return r;
	return ask_here(job, ref, ret_oid) ? JOB_OK : ask_git(job, ref, ret_oid, err);
}

static int
fetch(const struct job *job, const char *spec, const char *depth, struct buf *words, struct err *err)
{
	const char *const args[] = {"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc",
	    "--no-recurse-submodules", "--update-shallow", git_upload_pack(job->url), depth ? depth : "--quiet", "--",
	    job->url, spec, NULL};

	buf_reset(words);
	return git_run(job,
	    &(struct git_call){.args = args, .remote = true, .words = words, .deadline_ms = FETCH_DEADLINE_MS}, err);
}

int
remote_fetch(const struct job *job, const char *ref, const char *depth, struct buf *words, struct err *err)
{
	auto_free char *spec = str_printf("+refs/heads/%s:%s", job->branch, ref);

	return fetch(job, spec, depth, words, err);
}

int
remote_fetch_commit(const struct job *job, const char *oid, const char *ref, struct buf *words, struct err *err)
{
	auto_free char *spec = str_printf("+%s:%s", oid, ref);

	return fetch(job, spec, "--depth=1", words, err);
}

int
remote_fetch_all(const struct job *job, const char *prefix, struct buf *words, struct err *err)
{
	auto_free char *spec = str_printf("+refs/heads/*:%s*", prefix);

	return fetch(job, spec, NULL, words, err);
}

int
verb_ls_remote(const struct job *job, char *const *operands, struct err *err)
{
	char oid[REMOTE_OID_SIZE];
	int r;

	(void)operands;
	r = remote_branch(job, oid, err);
	if (r == JOB_OK)
		printf("%s\n", oid);
	return r;
}
