/* One fetch for all services of a repository: the one that has the commit exports it, another imports it. What comes is
 * believed no more than what a server sends: every name is the hash of its content, and the asked one must be whole. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/str.h"
#include "job/files.h"
#include "job/git.h"
#include "job/remote.h"
#include "job/repo.h"
#include "job/submodule.h"

#define SHALLOW "shallow"
#define SHALLOW_NEW "pgo-shallow.new"

enum { SHALLOW_MAX_BYTES = 4 << 20, REQUEST_MAX_BYTES = 32 << 10 };

/* git may have used what only this account knows: ~/.netrc. Then the commit is not everybody's who knows the URL. */
static bool
has_own_credentials(const struct job *job)
{
	const char *home = getenv("HOME");
	auto_free char *netrc = str_printf("%s/.netrc", home ? home : "");

	return job->url && !job->auth && strncasecmp(job->url, "http", 4) == 0 && access(netrc, F_OK) == 0;
}

/* Each commit as if it had no parents, so that one of a deep repository goes alone; what the other has is left out. */
static void
request(const struct job *job, char *const *operands, struct buf *ret)
{
	buf_printf(ret, "--shallow %s\n%s\n", operands[0], operands[0]);
	for (char *const *have = operands + 1; *have; have++)
		if (repo_has_whole(job, *have))
			buf_printf(ret, "--shallow %s\n^%s\n", *have, *have);
}

int
verb_export(const struct job *job, char *const *operands, struct err *err)
{
	static const char *const args[] = {
	    "pack-objects", "--revs", "--shallow", "--thin", "--delta-base-offset", "--stdout", "--quiet", NULL};
	auto_buf struct buf in = BUF_INIT(REQUEST_MAX_BYTES);

	if (has_own_credentials(job))
		return err_set(err, EPERM, "the account's .netrc may hold the credentials of %s", job->url);
	request(job, operands, &in);
	return git_do(job,
	    &(struct git_call){.args = args, .in = buf_str(&in), .in_len = in.len, .out_fd = STDOUT_FILENO},
	    "cannot export the commit", err);
}

/* The file that says which commits stand here without their parents, with one more. */
static int
write_shallow(const struct job *job, const char *oid, struct err *err)
{
	auto_close int repofd = files_open_root(job->repo, err);
	auto_buf struct buf text = BUF_INIT(SHALLOW_MAX_BYTES);

	if (repofd < 0)
		return repofd;
	if (faccessat(repofd, SHALLOW, F_OK, 0) == 0 && io_read_file(repofd, SHALLOW, &text, err) < 0)
		return -err->num;
	if (!strstr(buf_str(&text), oid))
		buf_printf(&text, "%s\n", oid);
	return text.full ? err_set(err, EFBIG, "the list of shallow commits is too long")
			 : files_write_mark(job->repo, SHALLOW_NEW, buf_str(&text), err);
}

static int
take_pack(const struct job *job, struct err *err)
{
	/* More than that comes from the remote itself, or not at all. */
	static const char *const args[] = {
	    "index-pack", "--stdin", "--fix-thin", "--strict", "--max-input-size=1073741824", NULL};
	auto_free char *shallow = str_printf("GIT_SHALLOW_FILE=%s/" SHALLOW_NEW, job->repo);
	const char *const env[] = {shallow, NULL};
	auto_close int in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (in < 0)
		return err_errno(err, "cannot read the commit");
	return git_do(job, &(struct git_call){.args = args, .env = env, .in_fd = in}, "cannot import the commit", err);
}

static int
take_commit(const struct job *job, const char *oid, struct err *err)
{
	auto_free char *temp = str_printf("%s/" SHALLOW_NEW, job->repo);
	auto_free char *shallow = str_printf("%s/" SHALLOW, job->repo);
	const char *const args[] = {"update-ref", REPO_TRACKED, oid, NULL};

	if (write_shallow(job, oid, err) < 0 || take_pack(job, err) < 0)
		return -err->num;
	if (rename(temp, shallow) < 0)
		return err_errno(err, "cannot write %s", shallow);
	if (!repo_has_whole(job, oid))
		return err_set(err, EBADMSG, "the other service did not send all of the commit");
	/* What was pushed has nothing but its submodules elsewhere: they are fetched next. */
	if (job->url && submodules_are_missing(job, oid))
		return err_set(err, ENOENT, "the commit has submodules");
	return git_do(job, &(struct git_call){.args = args}, "cannot note the commit", err);
}

/* Is there anything in the live tree? */
static bool
has_files(const struct job *job)
{
	DIR *d = opendir(job->live);
	bool any = false;

	for (struct dirent *e = d ? readdir(d) : NULL; e && !any; e = readdir(d))
		any = !str_eq(e->d_name, ".") && !str_eq(e->d_name, "..");
	if (d)
		closedir(d);
	return any;
}

int
verb_import(const struct job *job, char *const *operands, struct err *err)
{
	const char *oid = operands[0];
	char live[REMOTE_OID_SIZE];
	int r = 0;

	repo_clear_locks(job);
	/* What is damaged is mended from the remote. */
	if (files_mark_is(job->repo, REPO_BROKEN_MARK, "1") ||
	    (repo_ref(job, REPO_LIVE, live) && !repo_has_whole(job, REPO_LIVE)))
		return err_set(err, EIO, "the local repository is damaged");
	if (!repo_ref(job, REPO_LIVE, live) && has_files(job))
		return err_set(err, EIO, "the local repository does not say what the files of the checkout are");
	if (!repo_exists(job))
		r = repo_init(job, strlen(oid), err);
	if (r >= 0)
		r = take_commit(job, oid, err);
	if (r < 0)
		return r;
	repo_maintain(job);
	printf("%s\n", oid);
	return JOB_OK;
}
