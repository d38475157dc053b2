#include "job/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "job/files.h"
#include "job/git.h"
#include "job/remote.h"
#include "job/repo.h"

#define KEPT_INDEX "pgo-kept.index"

enum { ANSWER_MAX_BYTES = 256 };

/* Runs a git that answers with one object name. */
static int
ask_oid(const struct job *job, const struct git_call *call, char *ret_oid, struct err *err)
{
	auto_buf struct buf out = BUF_INIT(ANSWER_MAX_BYTES);
	struct git_call copy = *call;

	copy.out = &out;
	if (git_do(job, &copy, "cannot save local edits", err) < 0)
		return -err->num;
	if (out.len > 0 && out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0';
	if (!str_is_oid(buf_str(&out)))
		return err_set(err, EBADMSG, "cannot save local edits: git %s answers nonsense", call->args[0]);
	memcpy(ret_oid, out.data, out.len + 1);
	return 0;
}

/* The bytes as they are: no end of line is converted. The file is opened by us, so that no link leads git elsewhere. */
static int
save_file(const struct job *job, int dirfd, const char *name, struct entry *e, char *ret_oid, struct err *err)
{
	static const char *const args[] = {"hash-object", "-w", "--stdin", "--no-filters", NULL};
	auto_close int fd = -1;
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "cannot look at it");
	if (S_ISLNK(st.st_mode)) {
		e->mode = MODE_LINK;
		n = readlinkat(dirfd, name, target, sizeof(target));
		if (n < 0)
			return err_errno(err, "cannot read the link");
		return ask_oid(job, &(struct git_call){.args = args, .in = target, .in_len = (size_t)n}, ret_oid, err);
	}
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "cannot read it");
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "it is not a regular file");
	e->mode = st.st_mode & 0100 ? MODE_EXEC : MODE_FILE;
	return ask_oid(job, &(struct git_call){.args = args, .in_fd = fd}, ret_oid, err);
}

static int
save_entry(const struct job *job, const struct live *live, struct entry *e, char *ret_oid, struct err *err)
{
	const char *base;
	auto_close int dirfd = files_open_parent(live->fd, e->path, &base, err);
	int r = dirfd < 0 ? dirfd : save_file(job, dirfd, base, e, ret_oid, err);

	if (r < 0)
		return err_wrap(err, "the local edit of %s cannot be saved, so nothing was changed", e->path);
	e->oid = ret_oid;
	return 0;
}

/* The whole edited tree on top of the old commit when we have all of that, else the edited files alone. */
static int
commit_edits(const struct job *job, const struct live *live, const struct tree *saved, const char *target_oid,
    char *ret_oid, struct err *err)
{
	static const struct tree none = {0};
	static const char *const tree_args[] = {"write-tree", NULL};
	auto_free char *text =
	    str_printf("Local edits of tracked files, saved before the checkout of %s\n", target_oid);
	char parent[REMOTE_OID_SIZE], tree[REMOTE_OID_SIZE];
	bool whole = (live->source == LIVE_INDEX || live->source == LIVE_REF) && repo_ref(job, REPO_LIVE, parent) &&
		     repo_has_whole(job, REPO_LIVE);
	const char *const commit_args[] = {
	    "commit-tree", "-F", "-", whole ? "-p" : tree, whole ? parent : NULL, tree, NULL};

	if (tree_write_index(job, KEPT_INDEX, whole ? &live->old : &none, saved, err) < 0 ||
	    ask_oid(job, &(struct git_call){.args = tree_args, .index = KEPT_INDEX}, tree, err) < 0)
		return -err->num;
	return ask_oid(job, &(struct git_call){.args = commit_args, .in = text, .in_len = strlen(text)}, ret_oid, err);
}

static int
keep_commit(const struct job *job, const char *oid, struct err *err)
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm tm;
	auto_free char *ref = NULL;

	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	ref = str_printf("%s%s-%.12s", REPO_KEPT, stamp, oid);
	const char *const args[] = {"update-ref", ref, oid, NULL};

	if (git_do(job, &(struct git_call){.args = args}, "cannot save local edits", err) < 0)
		return -err->num;
	printf("kept %s\n", ref);
	return fflush(stdout) == 0 ? 0 : err_errno(err, "cannot write the answer");
}

int
kept_save(
    const struct job *job, const struct live *live, const struct tree *edits, const char *target_oid, struct err *err)
{
	auto_tree struct tree saved = {0};
	auto_free char *oids = NULL;
	auto_free char *index = str_printf("%s/%s", job->repo, KEPT_INDEX);
	char oid[REMOTE_OID_SIZE];
	int r = 0;

	if (edits->n == 0)
		return 0;
	oids = calloc(edits->n, REMOTE_OID_SIZE);
	if (!oids)
		abort();
	for (size_t i = 0; i < edits->n && r >= 0; i++) {
		struct entry e = {.path = edits->v[i].path};

		r = save_entry(job, live, &e, oids + i * REMOTE_OID_SIZE, err);
		tree_add(&saved, &e);
	}
	if (r < 0)
		return r;
	r = commit_edits(job, live, &saved, target_oid, oid, err);
	unlink(index);
	return r < 0 ? r : keep_commit(job, oid, err);
}
