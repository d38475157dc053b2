/* git's hooks on the side of an app. */
#ifndef PGO_JOB_HOOK_H
#define PGO_JOB_HOOK_H

#include "base/err.h"
#include "job/job.h"

/* Removes the refs beneath REPO_PUSHED: no push is at work. */
int hook_forget_pushed(const struct job *job, struct err *err);

#endif
