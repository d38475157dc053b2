#include "job/missing.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "job/blobs.h"

/* https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: less than 1024 bytes, this line first; with the oid and
 * the size it is never shorter than this. */
#define LFS_FIRST_LINE "version https://git-lfs.github.com/spec/v1\n"
enum { LFS_MIN_BYTES = 120, LFS_MAX_BYTES = 1023 };

/* path is dir or lies below it; "" is above all. */
static bool
is_below(const char *dir, const char *path)
{
	size_t len = strlen(dir);

	return len == 0 || (strncmp(dir, path, len) == 0 && (path[len] == '/' || path[len] == '\0'));
}

/* The path that reads this entry, or, of a submodule, something in it; NULL: none does. */
static const char *
who_reads(const struct strv *paths, const struct entry *e)
{
	for (size_t i = 0; i < paths->n; i++)
		if (is_below(paths->v[i], e->path) || (e->mode == MODE_GITLINK && is_below(e->path, paths->v[i])))
			return paths->v[i];
	return NULL;
}

static unsigned
complain_of_submodules(const struct tree *tree, const struct strv *paths)
{
	unsigned n = 0;

	for (size_t i = 0; i < tree->n; i++) {
		const char *path = tree->v[i].mode == MODE_GITLINK ? who_reads(paths, &tree->v[i]) : NULL;

		if (path && n++ < JOB_COMPLAINTS_MAX)
			job_say(
			    "the submodule %s is part of ./%s, which the compose file uses, and it was not fetched: its "
			    "URL in .gitmodules must be relative (../x.git), begin as that of the repository itself, "
			    "or be https://, without a password",
			    tree->v[i].path, path);
	}
	return n;
}

struct pointers {
	unsigned n;
};

static int
look_at_blob(void *ctx, const struct entry *file, const char *text, size_t len)
{
	struct pointers *p = ctx;
	size_t line = strlen(LFS_FIRST_LINE);

	if (len > line && memcmp(text, LFS_FIRST_LINE, line) == 0 && p->n++ < JOB_COMPLAINTS_MAX)
		job_say(
		    "%s is not the file itself but a pointer of git LFS, whose files are not fetched: commit it without "
		    "LFS (git lfs migrate export), or put it into an image",
		    file->path);
	return 0;
}

int
missing_check(const struct job *job, const struct tree *tree, const struct strv *paths, struct err *err)
{
	auto_tree struct tree small = {0};
	struct pointers found = {0};
	unsigned n = complain_of_submodules(tree, paths);

	for (size_t i = 0; i < tree->n; i++) {
		const struct entry *e = &tree->v[i];

		if ((e->mode == MODE_FILE || e->mode == MODE_EXEC) && e->size_bytes >= LFS_MIN_BYTES &&
		    e->size_bytes <= LFS_MAX_BYTES && who_reads(paths, e))
			tree_add(&small, e);
	}
	if (blobs_each(job, &small, look_at_blob, &found, err) < 0)
		return -err->num;
	return n + found.n > 0 ? JOB_REFUSED : JOB_OK;
}
