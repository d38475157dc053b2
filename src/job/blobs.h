/* The content of many files of a commit. */
#ifndef PGO_JOB_BLOBS_H
#define PGO_JOB_BLOBS_H

#include "job/tree.h"

/* Calls each for every file, in their order, with its content (not NUL-terminated, gone afterwards), until it returns
 * other than 0, which is the result then. The files are those of tree_load: their sizes are known. */
int blobs_each(const struct job *job, const struct tree *files,
    int (*each)(void *ctx, const struct entry *file, const char *text, size_t len), void *ctx, struct err *err);

#endif
