/* Safe paths: what a less trusted account can write is opened beneath a directory, through no symbolic link. */
#ifndef PGO_BASE_PATH_H
#define PGO_BASE_PATH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS; O_CLOEXEC is added, a trailing
 * symbolic link is refused (ELOOP) also with O_PATH. Returns the fd or -errno. rel "" or "." is dirfd itself. */
int path_open_beneath(int dirfd, const char *rel, int flags, mode_t mode, struct err *err);
/* Lexical: absolute, no empty, "." or ".." component, no trailing slash, shorter than PATH_MAX. */
bool path_is_clean(const char *path);
/* Lexical: path is root itself or lies beneath it; both clean. *ret_rel (may be NULL) points at the part below ("" for
 * root). */
bool path_is_beneath(const char *root, const char *path, const char **ret_rel);
/* Cleans lexically like Go's filepath.Clean for absolute paths ("/a//b/../c" → "/a/c"). The caller frees. NULL if
 * relative. */
char *path_clean(const char *path);

#endif
