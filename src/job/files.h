/* Files below a directory that others can write: each step is taken through descriptors and no symbolic link. */
#ifndef PGO_JOB_FILES_H
#define PGO_JOB_FILES_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"

/* Opens a directory whose path our parent vouches for. Returns the fd (close-on-exec) or < 0. */
int files_open_root(const char *path, struct err *err);

/* The directory that holds rel, below rootfd (O_PATH). *ret_base points at the last component of rel. Returns the fd or
 * < 0
 * (-ENOENT, -ENOTDIR, -ELOOP: something on the way is missing, no directory, a symbolic link). */
int files_open_parent(int rootfd, const char *rel, const char **ret_base, struct err *err);

/* Like files_open_parent, and makes the directories that are missing (0755). */
int files_make_parent(int rootfd, const char *rel, const char **ret_base, struct err *err);

/* Makes one directory level below dirfd where it is missing and opens it (O_PATH); refuses a symbolic link (-ELOOP) and
 * what is no directory (-ENOTDIR). */
int files_enter_dir(int dirfd, const char *name, bool make, struct err *err);

/* Removes all that lies below the directory, never the directory itself, and never anything outside it. Directories
 * that are not writable are made so first. */
int files_empty(int dirfd, struct err *err);
/* Removes the directory `name` of dirfd with all that lies below it; missing is fine. */
int files_remove_dir(int dirfd, const char *name, struct err *err);

enum files_same {
	FILES_DIFFER,
	FILES_SAME_CONTENT, /* type and bytes; the permission to execute differs */
	FILES_SAME,
};
/* Compares two regular files or symbolic links below two directories. What cannot be read differs. */
enum files_same files_compare(int afd, const char *a, int bfd, const char *b);

/* Moves rel from one root to the same place below another, replacing what is there (no directory): rename(2), or a copy
 * where that is impossible. The parents must exist on both sides. */
int files_move(int from_rootfd, int to_rootfd, const char *rel, struct err *err);

/* A small file of the repository directory: a mark that a verb leaves for the next. text NULL removes it. */
int files_write_mark(const char *dir, const char *name, const char *text, struct err *err);
/* The mark's text; the caller frees. NULL when there is none. */
char *files_read_mark(const char *dir, const char *name);
/* The mark's text equals text. */
bool files_mark_is(const char *dir, const char *name, const char *text);

#endif
