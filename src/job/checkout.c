#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "job/files.h"
#include "job/git.h"
#include "job/job.h"
#include "job/kept.h"
#include "job/live.h"
#include "job/remote.h"
#include "job/repo.h"
#include "job/stage.h"
#include "job/submodule.h"
#include "job/tree.h"

#define OLD_INDEX "pgo-old.index"
#define NEW_INDEX "pgo-live.index.new"

struct checkout {
	const struct job *job;
	const char *oid;
	struct live live;
	/* Tracked files that are not as a commit has them: paths and in `mode` diff-files' letter. */
	struct tree dirty_old, dirty_pending;
	struct tree dirty; /* of both; the paths are theirs */
};

static void
checkout_done(struct checkout *co)
{
	live_done(&co->live);
	tree_done(&co->dirty_old);
	tree_done(&co->dirty_pending);
	tree_done(&co->dirty);
}

static bool
has_path(const struct tree *tree, const char *path)
{
	return tree_find(tree, path, strlen(path)) != NULL;
}

/* Looks at all files of an index again; those that differ stay marked in it. */
static int
refresh_index(const struct job *job, const char *index, struct err *err)
{
	static const char *const args[] = {"update-index", "-q", "--refresh", NULL};
	int r = git_run(job, &(struct git_call){.args = args, .index = index, .work_tree = job->live}, err);

	return r <= 1 ? r : err_set(err, EIO, "cannot compare the checkout with its index (git status %d)", r);
}

/* "M\0path\0D\0path\0…" */
static int
parse_dirty(struct tree *dirty, size_t len, struct err *err)
{
	for (char *at = dirty->text, *end = dirty->text + len; at < end;) {
		struct entry e = {.mode = (unsigned char)*at, .oid = ""};

		at += strlen(at) + 1;
		if (at >= end)
			return err_set(err, EBADMSG, "git diff-files answers nonsense");
		e.path = at;
		tree_add(dirty, &e);
		at += strlen(at) + 1;
	}
	return 0;
}

static int
diff_files(const struct job *job, const char *index, struct buf *ret, struct err *err)
{
	static const char *const args[] = {
	    "diff-files", "-z", "--name-status", "--no-renames", "--ignore-submodules=all", NULL};

	buf_reset(ret);
	return git_do(job, &(struct git_call){.args = args, .index = index, .work_tree = job->live, .out = ret},
	    "cannot compare the checkout with its index", err);
}

/* Which files of an index differ on the disk. git sorts them as we do. Only where a file has another time or size than
 * the index knows, all are read, and it tells which of these have other contents. */
static int
list_dirty(const struct job *job, const char *index, struct tree *ret_dirty, struct err *err)
{
	auto_buf struct buf out = BUF_INIT(TREE_TEXT_MAX_BYTES);
	size_t len;

	if (diff_files(job, index, &out, err) < 0)
		return -err->num;
	if (out.len > 0 && (refresh_index(job, index, err) < 0 || diff_files(job, index, &out, err) < 0))
		return -err->num;
	len = out.len;
	ret_dirty->text = buf_take(&out);
	return parse_dirty(ret_dirty, len, err);
}

/* After a checkout that was killed a file may be of the old commit or of that one: it is dirty when it is of neither.
 */
static void
merge_dirty(struct checkout *co)
{
	struct tree both = {0};

	for (size_t i = 0; i < co->dirty_old.n; i++) {
		const struct entry *e = &co->dirty_old.v[i];

		if (!has_path(&co->live.pending, e->path) || has_path(&co->dirty_pending, e->path))
			tree_add(&both, e);
	}
	for (size_t i = 0; i < co->dirty_pending.n; i++)
		if (!has_path(&co->live.old, co->dirty_pending.v[i].path))
			tree_add(&both, &co->dirty_pending.v[i]);
	tree_sort(&both);
	co->dirty = both;
}

static int
find_dirty(struct checkout *co, struct err *err)
{
	const struct live *live = &co->live;
	const char *index = live->source == LIVE_INDEX ? REPO_LIVE_INDEX : OLD_INDEX;

	if (live->source != LIVE_INDEX && tree_write_index(co->job, OLD_INDEX, &live->old, NULL, err) < 0)
		return -err->num;
	if (list_dirty(co->job, index, &co->dirty_old, err) < 0)
		return -err->num;
	if (live->interrupted && (tree_write_index(co->job, OLD_INDEX, &live->pending, NULL, err) < 0 ||
				     list_dirty(co->job, OLD_INDEX, &co->dirty_pending, err) < 0))
		return -err->num;
	merge_dirty(co);
	return 0;
}

/* Edits are what was changed and is not what the new commit wants anyway: an interrupted checkout leaves such files. */
static int
save_edits(struct checkout *co, struct err *err)
{
	auto_tree struct tree edits = {0};

	for (size_t i = 0; i < co->dirty.n; i++) {
		const struct entry *e = &co->dirty.v[i];

		if (e->mode != 'D' && files_compare(co->live.fd, e->path, co->live.stage_fd, e->path) == FILES_DIFFER)
			tree_add(&edits, e);
	}
	return kept_save(co->job, &co->live, &edits, co->oid, err);
}

/* The file on the disk must be touched. */
static bool
must_write(const struct checkout *co, const struct entry *e)
{
	const struct entry *old = tree_find(&co->live.old, e->path, strlen(e->path));

	if (e->mode == MODE_GITLINK)
		return false;
	if (!co->live.interrupted && old && old->mode == e->mode && str_eq(old->oid, e->oid) &&
	    !has_path(&co->dirty, e->path))
		return false;
	return files_compare(co->live.fd, e->path, co->live.stage_fd, e->path) != FILES_SAME;
}

/* The deepest directory on the way to path that exists must be ours to change: a container may have taken it over. */
static int
check_writable(const struct checkout *co, const char *path, struct err *err)
{
	auto_free char *at = str_dup(path);

	for (;;) {
		const char *base;
		char *slash;
		auto_close int fd = files_open_parent(co->live.fd, at, &base, err);

		if (fd >= 0) {
			if (faccessat(fd, ".", W_OK | X_OK, 0) == 0)
				return 0;
			return err_errno(err, "cannot change %s in the checkout", path);
		}
		slash = strrchr(at, '/');
		if (!slash)
			return fd;
		*slash = '\0';
	}
}

static int
check_all_writable(const struct checkout *co, struct err *err)
{
	for (size_t i = 0; i < co->live.new.n; i++)
		if (must_write(co, &co->live.new.v[i]) && check_writable(co, co->live.new.v[i].path, err) < 0)
			return -err->num;
	for (size_t i = 0; i < co->live.tracked.n; i++)
		if (!has_path(&co->live.new, co->live.tracked.v[i].path) &&
		    check_writable(co, co->live.tracked.v[i].path, err) < 0)
			return -err->num;
	return 0;
}

/* Removes a file that the new commit has no more. One that is gone, or that lies behind something that is not the
 * repository's (a link that was planted), is not ours to remove. */
static int
delete_file(const struct checkout *co, const char *path, struct err *err)
{
	const char *base;
	auto_close int dirfd = files_open_parent(co->live.fd, path, &base, err);
	struct stat st;

	if (dirfd < 0)
		return dirfd == -ENOENT || dirfd == -ENOTDIR || dirfd == -ELOOP ? 0 : dirfd;
	if (fstatat(dirfd, base, &st, AT_SYMLINK_NOFOLLOW) < 0 || (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)))
		return 0;
	if (unlinkat(dirfd, base, 0) < 0 && errno != ENOENT)
		return err_errno(err, "cannot remove %s", path);
	return 0;
}

static int
delete_files(const struct checkout *co, struct err *err)
{
	for (size_t i = 0; i < co->live.tracked.n; i++)
		if (!has_path(&co->live.new, co->live.tracked.v[i].path) &&
		    delete_file(co, co->live.tracked.v[i].path, err) < 0)
			return -err->num;
	return 0;
}

/* Removes directories that hold only directories: rmdir(2) alone, so a file that appears in time stays. */
static int
remove_empty_dirs(int dirfd, const char *name, int depth, struct err *err)
{
	auto_close int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 || depth > 128 ? NULL : fdopendir(dup(fd));
	int r = 0;

	if (!dir)
		return err_errno(err, "cannot open the directory %s", name);
	for (struct dirent *d = readdir(dir); d && r >= 0; d = readdir(dir))
		if (!str_eq(d->d_name, ".") && !str_eq(d->d_name, ".."))
			r = remove_empty_dirs(fd, d->d_name, depth + 1, err);
	closedir(dir);
	if (r < 0)
		return r;
	return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 ? err_errno(err, "cannot remove the directory %s", name) : 0;
}

static int
write_file(const struct checkout *co, const struct entry *e, struct err *err)
{
	const char *base;
	auto_close int dirfd = files_make_parent(co->live.fd, e->path, &base, err);
	struct stat st;

	if (dirfd < 0)
		return dirfd;
	if (fstatat(dirfd, base, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	    remove_empty_dirs(dirfd, base, 0, err) < 0)
		return err_wrap(err, "%s", e->path);
	return files_move(co->live.stage_fd, co->live.fd, e->path, err);
}

static int
write_files(const struct checkout *co, struct err *err)
{
	for (size_t i = 0; i < co->live.new.n; i++) {
		const struct entry *e = &co->live.new.v[i];
		auto_free char *inside = str_printf("%s/x", e->path);
		const char *base;
		auto_close int fd = -1;

		if (must_write(co, e) && write_file(co, e, err) < 0)
			return err_wrap(err, "cannot write the checkout");
		if (e->mode == MODE_GITLINK) {
			fd = files_make_parent(co->live.fd, inside, &base, err);
			if (fd < 0)
				return err_wrap(err, "cannot write the checkout");
		}
	}
	return 0;
}

/* Last of all, and only when the files are on the disk: until then the old index stands, and doing it all again
 * converges. */
static int
finish(const struct checkout *co, const struct strv *keep, struct err *err)
{
	auto_free char *temp = str_printf("%s/%s", co->job->repo, NEW_INDEX);
	auto_free char *index = str_printf("%s/%s", co->job->repo, REPO_LIVE_INDEX);
	auto_free char *old = str_printf("%s/%s", co->job->repo, OLD_INDEX);

	if (syncfs(co->live.fd) < 0)
		return err_errno(err, "cannot write the checkout");
	if (tree_write_index(co->job, NEW_INDEX, &co->live.new, NULL, err) < 0 ||
	    refresh_index(co->job, NEW_INDEX, err) < 0)
		return -err->num;
	if (rename(temp, index) < 0)
		return err_errno(err, "cannot write %s", index);
	unlink(old);
	if (repo_keep_releases(co->job, keep, co->oid, err) < 0 || submodules_forget(co->job, keep, err) < 0)
		return -err->num;
	return files_write_mark(co->job->repo, REPO_CHECKOUT_MARK, NULL, err);
}

/* Has the new commit files that the live tree has not? Then it is another one, and git need not be asked. */
static bool
has_other_files(const struct live *live)
{
	for (size_t i = 0; i < live->new.n; i++) {
		const struct entry *e = &live->new.v[i];
		const struct entry *old = tree_find(&live->old, e->path, strlen(e->path));

		if (e->mode != MODE_GITLINK && (!old || !str_eq(old->oid, e->oid)))
			return true;
	}
	return false;
}

/* The live tree is the commit already, untouched. */
static bool
is_done(const struct checkout *co)
{
	char oid[REMOTE_OID_SIZE];

	return co->live.source == LIVE_INDEX && !co->live.interrupted && co->dirty.n == 0 &&
	       !has_other_files(&co->live) && repo_ref(co->job, REPO_LIVE, oid) && str_eq(oid, co->oid);
}

static int
run(struct checkout *co, const struct strv *keep, struct err *err)
{
	const struct job *job = co->job;
	int r;

	if (live_open(job, &co->live, err) < 0 || find_dirty(co, err) < 0)
		return -err->num;
	r = tree_load(job, co->oid, false, &co->live.new, err);
	if (is_done(co))
		return repo_keep_releases(job, keep, NULL, err);
	if (r < 0)
		return r;
	if (!files_mark_is(job->repo, REPO_STAGE_MARK, co->oid) && stage_fill(job, co->oid, &co->live.new, err) < 0)
		return -err->num;
	if (live_conflicts(&co->live) > 0)
		return JOB_FAILED;
	if (check_all_writable(co, err) < 0 || save_edits(co, err) < 0)
		return -err->num;
	/* From here on the stage is used up; a second run after a crash fills it again. */
	if (files_write_mark(job->repo, REPO_CHECKOUT_MARK, co->oid, err) < 0 ||
	    files_write_mark(job->repo, REPO_STAGE_MARK, NULL, err) < 0 || delete_files(co, err) < 0 ||
	    write_files(co, err) < 0)
		return -err->num;
	return finish(co, keep, err);
}

int
verb_checkout(const struct job *job, char *const *operands, struct err *err)
{
	struct checkout co = {.job = job, .oid = operands[0], .live = LIVE_INIT};
	auto_strv struct strv keep = {0};
	int r;

	for (char *const *o = operands; *o; o++)
		strv_add(&keep, *o);
	repo_clear_locks(job);
	r = run(&co, &keep, err);
	checkout_done(&co);
	return r;
}
