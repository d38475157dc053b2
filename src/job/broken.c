#include "job/repo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/str.h"
#include "job/files.h"
#include "job/git.h"

enum { NAMES_MAX = 512, REFS_TEXT_MAX_BYTES = 4 << 20 };

/* Names in the repository directory, but for ".", "..". */
static int
list_names(const char *dir, struct strv *ret_names, struct err *err)
{
	DIR *d = opendir(dir);

	if (!d)
		return err_errno(err, "cannot list %s", dir);
	for (struct dirent *e = readdir(d); e && ret_names->n < NAMES_MAX; e = readdir(d))
		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
			strv_add(ret_names, e->d_name);
	closedir(d);
	return 0;
}

int
repo_set_aside(const struct job *job, struct err *err)
{
	auto_strv struct strv names = {0};
	auto_free char *broken = str_printf("%s/broken-%lld-%d", job->repo, (long long)time(NULL), (int)getpid());
	int r = list_names(job->repo, &names, err);

	if (r < 0)
		return r;
	if (mkdir(broken, 0700) < 0)
		return err_errno(err, "cannot make %s", broken);
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *from = str_printf("%s/%s", job->repo, names.v[i]);
		auto_free char *to = str_printf("%s/%s", broken, names.v[i]);

		if (str_starts(names.v[i], "broken-") || str_starts(names.v[i], "pgo-"))
			continue;
		if (rename(from, to) < 0)
			return err_errno(err, "cannot move %s aside", from);
	}
	job_say("the local copy of the repository was damaged; it is fetched anew");
	return files_write_mark(job->repo, REPO_BROKEN_MARK, NULL, err);
}

/* Local edits were saved there, whether git can still read them or not. */
static bool
holds_kept(const char *broken)
{
	auto_free char *dir = str_printf("%s/refs/pgo/kept", broken);
	auto_free char *packed = str_printf("%s/packed-refs", broken);
	auto_buf struct buf b = BUF_INIT(REFS_TEXT_MAX_BYTES);
	auto_strv struct strv names = {0};
	struct err err;

	if (list_names(dir, &names, &err) >= 0 && names.n > 0)
		return true;
	return io_read_file(AT_FDCWD, packed, &b, &err) == -EFBIG || strstr(buf_str(&b), REPO_KEPT) != NULL;
}

/* Fetches one ref of the broken repository into ours under its own name. */
static bool
fetch_ref(const struct job *job, const char *broken, const char *ref)
{
	auto_free char *spec = str_printf("%s:%s", ref, ref);
	const char *const args[] = {"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--update-shallow",
	    git_upload_pack(broken), "--", broken, spec, NULL};
	struct err err;

	return git_run(job, &(struct git_call){.args = args}, &err) == 0;
}

/* All saved edits are ours again. */
static bool
recover_kept(const struct job *job, const char *broken)
{
	auto_strv struct strv refs = {0};
	bool all = true;

	if (repo_list_refs(job, broken, REPO_KEPT, &refs, &(struct err){0}) < 0)
		return false;
	for (size_t i = 0; i < refs.n; i++)
		if (!fetch_ref(job, broken, refs.v[i]))
			all = false;
	return all && refs.n > 0;
}

/* What can be gone back to, one by one: what damage has taken is gone. */
static void
recover_releases(const struct job *job, const char *broken)
{
	auto_strv struct strv refs = {0};

	if (repo_list_refs(job, broken, REPO_RELEASE, &refs, &(struct err){0}) < 0)
		return;
	for (size_t i = 0; i < refs.n; i++)
		fetch_ref(job, broken, refs.v[i]);
}

static void
recover_one(const struct job *job, int repofd, const char *name)
{
	auto_free char *broken = str_printf("%s/%s", job->repo, name);
	struct err err;

	fetch_ref(job, broken, REPO_LIVE);
	fetch_ref(job, broken, REPO_VERIFIED);
	recover_releases(job, broken);
	if (holds_kept(broken) && !recover_kept(job, broken)) {
		job_say("local edits that were saved before could not all be read; what is left of them stays in %s",
		    broken);
		return;
	}
	if (files_remove_dir(repofd, name, &err) < 0)
		job_say("%s", err.msg);
}

void
repo_recover(const struct job *job)
{
	auto_strv struct strv names = {0};
	struct err err;
	auto_close int repofd = files_open_root(job->repo, &err);

	if (repofd < 0 || list_names(job->repo, &names, &err) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		if (str_starts(names.v[i], "broken-"))
			recover_one(job, repofd, names.v[i]);
}
