/* What a commit names and does not have: submodules, and files that git LFS keeps elsewhere. */
#ifndef PGO_JOB_MISSING_H
#define PGO_JOB_MISSING_H

#include "base/str.h"
#include "job/tree.h"

/* JOB_REFUSED, said, when one of these paths (relative to the tree; "" is all of it) is, holds or lies in a submodule,
 * or is or holds the pointer file of git LFS: containers would get nothing, or a note instead of a file. tree: with
 * directories.
 */
int missing_check(const struct job *job, const struct tree *tree, const struct strv *paths, struct err *err);

#endif
