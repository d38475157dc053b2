/* The stage: the directory that holds the tree of the commit being prepared. */
#ifndef PGO_JOB_STAGE_H
#define PGO_JOB_STAGE_H

#include "base/err.h"
#include "job/job.h"
#include "job/live.h"
#include "job/tree.h"

/* Empties the stage and fills it with exactly the commit's tree. The directory itself stays. A mark in the repository
 * says that it is complete. */
int stage_fill(const struct job *job, const char *oid, const struct tree *tree, struct err *err);

/* Copies untracked files of the live tree that the staged compose files name (.env, env_file, …) into the stage. What
 * cannot be copied is said, and is no failure: compose will name what it misses. */
void stage_copy_named(const struct job *job, const struct live *live);

#endif
