#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "job/files.h"
#include "job/git.h"
#include "job/job.h"
#include "job/missing.h"
#include "job/tree.h"

/* The length of the next prefix of rel after len: up to the next slash or the end. */
static size_t
next_prefix(const char *rel, size_t len)
{
	size_t start = len == 0 ? 0 : len + 1;

	return start + strcspn(rel + start, "/");
}

/* Prints one answer line. A path with a newline in it must not look like two. */
static void
answer_link(const char *root, const char *rel, size_t len)
{
	auto_free char *path = str_printf("%s/%.*s", root, (int)len, rel);
	auto_buf struct buf line = BUF_INIT(64 << 10);

	buf_vis(&line, path, strlen(path), false);
	printf("symlink %s\n", buf_str(&line));
}

/* Looks at rel on the disk from the prefix of length len on. Returns the length of the prefix that is a symbolic link,
 * or 0. */
static size_t
link_on_disk(int rootfd, const char *rel, size_t len)
{
	for (size_t end = len; end <= strlen(rel); end = next_prefix(rel, end)) {
		auto_free char *prefix = str_printf("%.*s", (int)end, rel);
		const char *base;
		struct err err;
		auto_close int dirfd = files_open_parent(rootfd, prefix, &base, &err);
		struct stat st;

		if (dirfd < 0 || fstatat(dirfd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return 0;
		if (S_ISLNK(st.st_mode))
			return end;
		if (end == strlen(rel))
			break;
	}
	return 0;
}

static void
answer_from_disk(const char *root, const char *rel, size_t len)
{
	struct err err;
	auto_close int rootfd = files_open_root(root, &err);
	size_t link = rootfd < 0 || *rel == '\0' ? 0 : link_on_disk(rootfd, rel, len);

	if (link > 0)
		answer_link(root, rel, link);
	else
		puts("absent");
}

static void
answer_from_commit(const struct job *job, const struct tree *tree, const char *rel)
{
	size_t len = 0;
	const struct entry *e;

	do { /* rel is not empty: it has a first prefix */
		len = next_prefix(rel, len);
		e = tree_find(tree, rel, len);
		if (!e) {
			answer_from_disk(job->live, rel, len);
			return;
		}
		if (e->mode == MODE_LINK) {
			answer_link(job->live, rel, len);
			return;
		}
		/* Below a file or a submodule the commit has nothing. */
		if (e->mode != MODE_TREE && len < strlen(rel)) {
			answer_from_disk(job->live, rel, next_prefix(rel, len));
			return;
		}
	} while (len < strlen(rel));
	printf("%s %s\n", e->mode == MODE_TREE ? "tree" : "blob", e->oid);
}

static int
root_tree(const struct job *job, const char *oid, struct buf *ret_line, struct err *err)
{
	auto_free char *rev = str_printf("%s^{tree}", oid);
	const char *const args[] = {"rev-parse", "--verify", "--quiet", rev, NULL};

	return git_do(job, &(struct git_call){.args = args, .out = ret_line}, "cannot read the commit", err);
}

int
verb_inputs(const struct job *job, char *const *operands, struct err *err)
{
	auto_buf struct buf paths = BUF_INIT(JOB_STDIN_MAX_BYTES);
	auto_buf struct buf root = BUF_INIT(256);
	auto_tree struct tree tree = {0};
	auto_strv struct strv read = {0};
	const char *rel;
	int r;

	if (job_read_paths(&paths, err) < 0 || tree_load(job, operands[0], true, &tree, err) < 0)
		return -err->num;
	for (const char *p = buf_str(&paths); p < buf_str(&paths) + paths.len; p += strlen(p) + 1)
		if (path_is_beneath(job->live, p, &rel))
			strv_add(&read, rel);
	for (const char *p = buf_str(&paths); p < buf_str(&paths) + paths.len && root.len == 0; p += strlen(p) + 1)
		if (str_eq(p, job->live) && root_tree(job, operands[0], &root, err) < 0)
			return -err->num;
	r = missing_check(job, &tree, &read, err);
	if (r != JOB_OK)
		return r;
	for (const char *p = buf_str(&paths); p < buf_str(&paths) + paths.len; p += strlen(p) + 1) {
		if (str_eq(p, job->live))
			printf("tree %s", buf_str(&root));
		else if (path_is_beneath(job->live, p, &rel))
			answer_from_commit(job, &tree, rel);
		else if (path_is_beneath(job->datadir, p, &rel))
			answer_from_disk(job->datadir, rel, *rel ? next_prefix(rel, 0) : 0);
		else
			puts("absent");
	}
	return JOB_OK;
}
