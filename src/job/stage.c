#include "job/stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/auto.h"
#include "base/str.h"
#include "job/blobs.h"
#include "job/files.h"
#include "job/git.h"
#include "job/repo.h"
#include "job/routes.h"

#define STAGE_INDEX "pgo-stage.index"

enum {
	SPACE_RESERVE_BYTES = 64 << 20, /* left free for everyone else */
	ENTRY_BYTES = 4096,		/* what a file takes besides its content, at most */
	CNAME_BYTES_MAX = 64 << 10,
};

static int
check_space(int fd, const struct tree *tree, struct err *err)
{
	unsigned long long need = SPACE_RESERVE_BYTES, free_bytes;
	struct statvfs vfs;

	for (size_t i = 0; i < tree->n; i++)
		need += (unsigned long long)tree->v[i].size_bytes + ENTRY_BYTES;
	if (fstatvfs(fd, &vfs) < 0)
		return err_errno(err, "cannot see how much space is left");
	free_bytes = (unsigned long long)vfs.f_bavail * vfs.f_frsize;
	if (need > free_bytes)
		return err_set(err, ENOSPC, "the commit needs %llu MiB on the server's disk, and %llu MiB are free",
		    need >> 20, free_bytes >> 20);
	return 0;
}

/* Of those that could not be fetched the directories are there, empty, as after a plain clone. */
static int
make_submodules(int stagefd, const struct tree *tree, struct err *err)
{
	unsigned n = 0;

	for (size_t i = 0; i < tree->n; i++) {
		auto_free char *inside = str_printf("%s/x", tree->v[i].path);
		const char *base;
		auto_close int fd = -1;

		if (tree->v[i].mode != MODE_GITLINK)
			continue;
		fd = files_make_parent(stagefd, inside, &base, err);
		if (fd < 0)
			return fd;
		if (n++ < JOB_COMPLAINTS_MAX)
			job_say("the submodule %s was not fetched: the directory stays empty", tree->v[i].path);
	}
	return 0;
}

static int
write_files(const struct job *job, struct err *err)
{
	static const char *const args[] = {"checkout-index", "--all", "--force", "--quiet", NULL};

	return git_do(job, &(struct git_call){.args = args, .index = STAGE_INDEX, .work_tree = job->stage},
	    "cannot write the commit's files", err);
}

int
stage_fill(const struct job *job, const char *oid, const struct tree *tree, struct err *err)
{
	auto_close int fd = files_open_root(job->stage, err);
	int r;

	if (fd < 0)
		return fd;
	r = files_write_mark(job->repo, REPO_STAGE_MARK, NULL, err);
	if (r < 0)
		return r;
	r = files_empty(fd, err);
	if (r < 0)
		return err_wrap(err, "cannot empty the stage");
	r = check_space(fd, tree, err);
	if (r < 0)
		return r;
	r = tree_write_index(job, STAGE_INDEX, tree, NULL, err);
	if (r < 0)
		return r;
	r = write_files(job, err);
	if (r < 0)
		return r;
	r = make_submodules(fd, tree, err);
	if (r < 0)
		return r;
	return files_write_mark(job->repo, REPO_STAGE_MARK, oid, err);
}

/* A damaged object is not mended by trying again: the next fetch looks closer, and begins anew if it must. */
static int
mark_damage(const struct job *job, struct err *err)
{
	struct err ignored;

	if (repo_words_mean_damage(err->msg))
		files_write_mark(job->repo, REPO_BROKEN_MARK, "1", &ignored);
	return -err->num;
}

static int
print_cname(void *ctx, const struct entry *file, const char *text, size_t len)
{
	(void)ctx;
	printf("%s\n", file->path);
	fwrite(text, 1, len, stdout);
	return 0;
}

/* Whose names they are core decides, so it hears of a file that is none as well: behind the name, why. */
static int
tell_cname(const struct job *job, const struct tree *all, struct err *err)
{
	const struct entry *e = tree_find(all, "CNAME", strlen("CNAME"));
	auto_tree struct tree one = {0};
	int r;

	if (e == NULL)
		return 0;
	if (e->mode != MODE_FILE && e->mode != MODE_EXEC) {
		printf("CNAME is not a regular file\n");
		return 0;
	}
	if (e->size_bytes > CNAME_BYTES_MAX) {
		printf("CNAME has more than %d bytes\n", CNAME_BYTES_MAX);
		return 0;
	}
	tree_add(&one, e);
	r = blobs_each(job, &one, print_cname, NULL, err);
	return r < 0 ? err_wrap(err, "cannot read the file CNAME") : 0;
}

int
verb_stage(const struct job *job, char *const *operands, struct err *err)
{
	auto_live struct live live = LIVE_INIT;
	int r;

	repo_clear_locks(job);
	r = tree_load(job, operands[0], false, &live.new, err);
	if (r == -EFBIG || r == -EPERM) {
		job_say("%s", err->msg);
		return JOB_REFUSED;
	}
	if (r < 0)
		return mark_damage(job, err);
	if (stage_fill(job, operands[0], &live.new, err) < 0)
		return mark_damage(job, err);
	if (job->import && routes_are_tracked(&live.new, job->import))
		return JOB_REFUSED;
	r = live_open(job, &live, err);
	if (r < 0)
		return r;
	if (live_conflicts(&live) > 0)
		return JOB_REFUSED;
	stage_copy_named(job, &live);
	r = tell_cname(job, &live.new, err);
	return r < 0 ? r : JOB_OK;
}
