/* Submodules in the trees of commits: their files among those of the commit, and for how long they are kept. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "job/git.h"
#include "job/repo.h"
#include "job/submodule.h"

enum { REFS_TEXT_MAX_BYTES = 1 << 20 };

static size_t
graft_size(const struct entry *at, const struct tree *sub)
{
	size_t size = 0;

	for (size_t i = 0; i < sub->n; i++)
		size += strlen(at->path) + 1 + strlen(sub->v[i].path) + 1 + strlen(sub->v[i].oid) + 1;
	return size;
}

/* Adds the entries of sub below at->path. */
static int
graft(struct tree *tree, const struct entry *at, const struct tree *sub, struct err *err)
{
	auto_free char *text = malloc(graft_size(at, sub) + 1);
	char *next = text;

	if (!text)
		abort();
	if (tree->n + sub->n > TREE_ENTRIES_MAX)
		return err_set(err, EFBIG, "it has more than %d files, with its submodules", TREE_ENTRIES_MAX);
	for (size_t i = 0; i < sub->n; i++) {
		struct entry e = sub->v[i];

		e.path = next;
		next = stpcpy(stpcpy(stpcpy(next, at->path), "/"), sub->v[i].path) + 1;
		e.oid = next;
		next = stpcpy(next, sub->v[i].oid) + 1;
		if (strlen(e.path) >= PATH_MAX)
			return err_set(err, EPERM, "the submodule %.200s has a path that is too long", at->path);
		tree_add(tree, &e);
	}
	tree_keep_text(tree, TAKE(text));
	return 0;
}

struct expansion {
	const struct job *job;
	const struct strv *refs; /* of what was fetched */
	bool with_dirs;
	unsigned count; /* the same submodule may be named a thousand times */
};

static int
expand(struct expansion *x, struct tree *tree, int depth, struct err *err)
{
	size_t n = tree->n;

	for (size_t i = 0; i < n; i++) {
		struct entry e = tree->v[i];
		auto_free char *ref = str_printf(REPO_SUBMODULE "%s", e.oid);
		auto_tree struct tree sub = {0};

		if (e.mode != MODE_GITLINK || !strv_has(x->refs, ref))
			continue;
		if (depth >= SUBMODULES_DEPTH_MAX || x->count++ >= SUBMODULES_MAX)
			return err_set(err, EPERM, "it has more than %d submodules, or deeper ones than %d",
			    SUBMODULES_MAX, SUBMODULES_DEPTH_MAX);
		if (tree_load_own(x->job, e.oid, x->with_dirs, &sub, err) < 0 || expand(x, &sub, depth + 1, err) < 0 ||
		    graft(tree, &e, &sub, err) < 0)
			return err_wrap(err, "submodule %s", e.path);
		strv_add(&tree->submodules, e.oid);
		for (size_t k = 0; k < sub.submodules.n; k++)
			strv_add(&tree->submodules, sub.submodules.v[k]);
		tree->v[i].mode = MODE_TREE; /* now a directory, with the commit for a name */
	}
	return 0;
}

static bool
has_links(const struct tree *tree)
{
	for (size_t i = 0; i < tree->n; i++)
		if (tree->v[i].mode == MODE_GITLINK)
			return true;
	return false;
}

int
submodules_graft(const struct job *job, struct tree *tree, bool with_dirs, struct err *err)
{
	auto_strv struct strv refs = {0};
	struct expansion x = {.job = job, .refs = &refs, .with_dirs = with_dirs};
	size_t n = 0;

	if (!has_links(tree))
		return 0;
	if (repo_list_refs(job, NULL, REPO_SUBMODULE, &refs, err) < 0 || expand(&x, tree, 0, err) < 0)
		return -err->num;
	for (size_t i = 0; i < tree->n; i++)
		if (with_dirs || tree->v[i].mode != MODE_TREE)
			tree->v[n++] = tree->v[i];
	tree->n = n;
	tree_sort(tree);
	return 0;
}

bool
submodules_are_missing(const struct job *job, const char *oid)
{
	auto_tree struct tree modules = {0};
	auto_tree struct tree tree = {0};
	struct err err;

	if (tree_load_dir(job, oid, ".gitmodules", &modules, &err) < 0 || modules.n == 0)
		return false;
	return tree_load(job, oid, false, &tree, &err) < 0 || has_links(&tree);
}

static int
add_needed(const struct job *job, const char *oid, struct strv *ret, struct err *err)
{
	auto_tree struct tree tree = {0};

	if (!repo_has_whole(job, oid))
		return 0;
	if (tree_load(job, oid, false, &tree, err) < 0)
		return -err->num;
	for (size_t i = 0; i < tree.submodules.n; i++)
		strv_add_take(ret, str_printf(REPO_SUBMODULE "%s", tree.submodules.v[i]));
	return 0;
}

int
submodules_forget(const struct job *job, const struct strv *oids, struct err *err)
{
	static const char *const args[] = {"update-ref", "--stdin", NULL};
	static const char *const always[] = {REPO_TRACKED, REPO_VERIFIED, REPO_LIVE};
	auto_strv struct strv refs = {0}, needed = {0};
	auto_buf struct buf in = BUF_INIT(REFS_TEXT_MAX_BYTES);

	if (repo_list_refs(job, NULL, REPO_SUBMODULE, &refs, err) < 0)
		return -err->num;
	if (refs.n == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (add_needed(job, always[i], &needed, err) < 0)
			return -err->num;
	for (size_t i = 0; i < oids->n; i++)
		if (add_needed(job, oids->v[i], &needed, err) < 0)
			return -err->num;
	if (repo_list_refs(job, NULL, REPO_SCAN, &refs, err) < 0)
		return -err->num;
	for (size_t i = 0; i < refs.n; i++)
		if (!strv_has(&needed, refs.v[i]))
			buf_printf(&in, "delete %s\n", refs.v[i]);
	if (in.len == 0)
		return 0;
	return git_do(job, &(struct git_call){.args = args, .in = buf_str(&in), .in_len = in.len},
	    "cannot drop old submodules", err);
}
