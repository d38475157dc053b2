/* The entries of a commit or an index: sorted, with names that are safe to use below a directory. */
#ifndef PGO_JOB_TREE_H
#define PGO_JOB_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "job/job.h"

enum {
	TREE_ENTRIES_MAX = 200000,
	TREE_TEXT_MAX_BYTES = 96 << 20,

	MODE_TREE = 0040000,
	MODE_FILE = 0100644,
	MODE_EXEC = 0100755,
	MODE_LINK = 0120000,
	MODE_GITLINK = 0160000,
};

struct entry {
	unsigned mode; /* git's: one of the MODE_ above */
	const char *oid;
	const char *path;     /* relative; no empty, ".", ".." or ".git" component */
	long long size_bytes; /* of a commit's blobs; 0 else */
};

/* Sorted by path, bytewise. */
struct tree {
	char *text; /* what oid and path point into */
	struct entry *v;
	size_t n;
	char **more; /* further texts, of submodules */
	size_t nmore;
	struct strv submodules; /* their commits */
};
#define auto_tree __attribute__((cleanup(tree_done)))

void tree_done(struct tree *tree);

/* All files of a commit, those of its submodules that were fetched included; with_dirs: its directories as entries,
 * too. Refuses what must never be written to a disk. */
int tree_load(const struct job *job, const char *oid, bool with_dirs, struct tree *ret_tree, struct err *err);
/* The same without looking into submodules: they are entries with MODE_GITLINK. */
int tree_load_own(const struct job *job, const char *oid, bool with_dirs, struct tree *ret_tree, struct err *err);

/* The files right in one directory of a commit (dir ends with a slash; none when it is missing); names below are not
 * listed. */
int tree_load_dir(const struct job *job, const char *oid, const char *dir, struct tree *ret_tree, struct err *err);

/* What an index file (a name in the repository or an absolute path) holds. A missing file is an empty index. */
int tree_load_index(const struct job *job, const char *index, struct tree *ret_tree, struct err *err);

/* Writes an index file anew that holds these entries (submodules are left out), without any file's times in it. overlay
 * (may be NULL) replaces or adds entries. */
int tree_write_index(
    const struct job *job, const char *index, const struct tree *tree, const struct tree *overlay, struct err *err);

/* The entry with exactly this path (len bytes of it), or NULL. */
const struct entry *tree_find(const struct tree *tree, const char *path, size_t len);
/* Some entry lies below the directory path. */
bool tree_has_below(const struct tree *tree, const char *path);

/* Appends a copy-less entry to a tree that was built by hand (no text of its own). Aborts without memory. */
void tree_add(struct tree *tree, const struct entry *entry);

/* Entries may point into this text as well: it goes with the tree. */
void tree_keep_text(struct tree *tree, char *take_text);

/* Brings entries that were added by hand into their order. */
void tree_sort(struct tree *tree);

/* Every component of path may be created below a directory: none is empty, ".", ".." or ".git" in any case. */
bool tree_path_is_safe(const char *path);

#endif
