#include "job/tree.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "job/git.h"
#include "job/submodule.h"

void
tree_done(struct tree *tree)
{
	for (size_t i = 0; i < tree->nmore; i++)
		free(tree->more[i]);
	free(tree->more);
	strv_done(&tree->submodules);
	free(tree->text);
	free(tree->v);
	*tree = (struct tree){0};
}

bool
tree_path_is_safe(const char *path)
{
	for (const char *at = path;;) {
		size_t len = strcspn(at, "/");

		if (len == 0 || len > NAME_MAX || (len == 1 && at[0] == '.') ||
		    (len == 2 && strncmp(at, "..", 2) == 0) || (len == 4 && strncasecmp(at, ".git", 4) == 0))
			return false;
		if (at[len] == '\0')
			return (size_t)(at - path) + len < PATH_MAX;
		at += len + 1;
	}
}

void
tree_add(struct tree *tree, const struct entry *entry)
{
	if ((tree->n & (tree->n - 1)) == 0) {
		size_t cap = tree->n == 0 ? 1 : tree->n * 2;
		struct entry *v = reallocarray(tree->v, cap, sizeof(*v));

		if (!v)
			abort();
		tree->v = v;
	}
	tree->v[tree->n++] = *entry;
}

/* "MODE TYPE OID SIZE\tPATH" (ls-tree -l) or "MODE OID STAGE\tPATH" (ls-files -s); cuts the record up. */
static bool
parse_record(char *record, struct entry *ret_entry)
{
	char *path = strchr(record, '\t');
	char *save = NULL;
	const char *mode, *word;
	struct entry e = {0};
	int64_t size;

	if (!path)
		return false;
	*path++ = '\0';
	mode = strtok_r(record, " ", &save);
	word = strtok_r(NULL, " ", &save);
	if (!mode || !word)
		return false;
	e.mode = (unsigned)strtoul(mode, NULL, 8);
	if (str_eq(word, "blob") || str_eq(word, "tree") || str_eq(word, "commit")) {
		bool blob = word[0] == 'b';

		e.oid = strtok_r(NULL, " ", &save);
		word = strtok_r(NULL, " ", &save);
		if (blob && word && !str_to_int(word, 0, INT64_MAX, &size))
			return false; /* "BAD": the object is damaged */
		e.size_bytes = blob && word ? size : 0;
	} else {
		e.oid = word;
	}
	if (!e.oid || !str_is_oid(e.oid))
		return false;
	e.path = path;
	*ret_entry = e;
	return true;
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

void
tree_sort(struct tree *tree)
{
	if (tree->n > 0)
		qsort(tree->v, tree->n, sizeof(tree->v[0]), by_path);
}

static int
parse_records(struct tree *tree, size_t len, struct err *err)
{
	char *at = tree->text;

	while (at < tree->text + len) {
		char *next = at + strlen(at) + 1;
		struct entry e;

		if (tree->n >= TREE_ENTRIES_MAX)
			return err_set(err, EFBIG, "it has more than %d files", TREE_ENTRIES_MAX);
		if (!parse_record(at, &e))
			return err_set(err, EBADMSG, "an object of it is damaged");
		if (!tree_path_is_safe(e.path))
			return err_set(err, EPERM, "it has a file with a name that cannot be used: %.200s", e.path);
		tree_add(tree, &e);
		at = next;
	}
	tree_sort(tree);
	for (size_t i = 1; i < tree->n; i++)
		if (str_eq(tree->v[i].path, tree->v[i - 1].path))
			return err_set(err, EPERM, "it has two files of one name: %.200s", tree->v[i].path);
	for (size_t i = 0; i < tree->n; i++)
		if (tree->v[i].mode != MODE_TREE && tree_has_below(tree, tree->v[i].path))
			return err_set(
			    err, EPERM, "it has a file and a directory of one name: %.200s", tree->v[i].path);
	return 0;
}

static int
load(const struct job *job, const struct git_call *call, struct tree *ret_tree, struct err *err)
{
	auto_buf struct buf out = BUF_INIT(TREE_TEXT_MAX_BYTES);
	auto_tree struct tree tree = {0};
	struct git_call copy = *call;
	size_t len;
	int r;

	copy.out = &out;
	r = git_do(job, &copy, "it cannot be read", err);
	if (r < 0)
		return r;
	len = out.len;
	tree.text = buf_take(&out);
	r = parse_records(&tree, len, err);
	if (r < 0)
		return r;
	*ret_tree = tree;
	tree = (struct tree){0};
	return 0;
}

void
tree_keep_text(struct tree *tree, char *take_text)
{
	char **more = reallocarray(tree->more, tree->nmore + 1, sizeof(*more));

	if (!more)
		abort();
	tree->more = more;
	tree->more[tree->nmore++] = take_text;
}

int
tree_load_own(const struct job *job, const char *oid, bool with_dirs, struct tree *ret_tree, struct err *err)
{
	const char *const args[] = {"ls-tree", "-r", with_dirs ? "-tlz" : "-lz", "--full-tree", oid, NULL};

	if (load(job, &(struct git_call){.args = args}, ret_tree, err) < 0)
		return err_wrap(err, "commit %.12s", oid);
	return 0;
}

int
tree_load(const struct job *job, const char *oid, bool with_dirs, struct tree *ret_tree, struct err *err)
{
	auto_tree struct tree tree = {0};

	if (tree_load_own(job, oid, with_dirs, &tree, err) < 0)
		return -err->num;
	if (submodules_graft(job, &tree, with_dirs, err) < 0)
		return err_wrap(err, "commit %.12s", oid);
	*ret_tree = tree;
	tree = (struct tree){0};
	return 0;
}

int
tree_load_dir(const struct job *job, const char *oid, const char *dir, struct tree *ret_tree, struct err *err)
{
	const char *const args[] = {"ls-tree", "-lz", "--full-tree", oid, "--", dir, NULL};

	if (load(job, &(struct git_call){.args = args}, ret_tree, err) < 0)
		return err_wrap(err, "commit %.12s", oid);
	return 0;
}

int
tree_load_index(const struct job *job, const char *index, struct tree *ret_tree, struct err *err)
{
	static const char *const args[] = {"ls-files", "-s", "-z", NULL};

	if (load(job, &(struct git_call){.args = args, .index = index}, ret_tree, err) < 0)
		return err_wrap(err, "index %s", index);
	return 0;
}

static void
add_index_info(struct buf *b, const struct tree *tree, const struct tree *without)
{
	for (size_t i = 0; i < tree->n; i++) {
		const struct entry *e = &tree->v[i];

		if (e->mode == MODE_GITLINK || e->mode == MODE_TREE)
			continue;
		if (without && tree_find(without, e->path, strlen(e->path)))
			continue;
		buf_printf(b, "%o %s\t", e->mode, e->oid);
		buf_add(b, e->path, strlen(e->path) + 1);
	}
}

int
tree_write_index(
    const struct job *job, const char *index, const struct tree *tree, const struct tree *overlay, struct err *err)
{
	static const char *const args[] = {"update-index", "-z", "--index-info", NULL};
	auto_buf struct buf info = BUF_INIT(TREE_TEXT_MAX_BYTES);
	auto_free char *file = str_printf("%s/%s", job->repo, index);

	if (unlink(file) < 0 && errno != ENOENT)
		return err_errno(err, "cannot remove %s", file);
	add_index_info(&info, tree, overlay);
	if (overlay)
		add_index_info(&info, overlay, NULL);
	if (info.full)
		return err_set(err, EFBIG, "the names of the files are too long together");
	return git_do(job, &(struct git_call){.args = args, .index = index, .in = buf_str(&info), .in_len = info.len},
	    "cannot write an index", err);
}

/* The first entry whose path is not less than path[0..len). */
static size_t
lower_bound(const struct tree *tree, const char *path, size_t len)
{
	size_t low = 0, high = tree->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strncmp(tree->v[mid].path, path, len) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct entry *
tree_find(const struct tree *tree, const char *path, size_t len)
{
	size_t at = lower_bound(tree, path, len);

	/* A shorter path sorts before all that begin with it. */
	if (at < tree->n && strncmp(tree->v[at].path, path, len) == 0 && tree->v[at].path[len] == '\0')
		return &tree->v[at];
	return NULL;
}

bool
tree_has_below(const struct tree *tree, const char *path)
{
	auto_free char *prefix = str_printf("%s/", path);
	size_t len = strlen(prefix);
	size_t at = lower_bound(tree, prefix, len);

	return at < tree->n && strncmp(tree->v[at].path, prefix, len) == 0;
}
