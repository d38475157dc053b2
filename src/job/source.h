/* What of a repository is run: its compose file; of an app, which was pushed, else its Dockerfile, else its site. */
#ifndef PGO_JOB_SOURCE_H
#define PGO_JOB_SOURCE_H

#include "job/appmodel.h"
#include "job/job.h"

struct source {
	enum app_kind kind;
	const char *file;     /* relative to the root; borrowed */
	const char *override; /* NULL: none */
};

/* Looks into the live tree. -ENOENT when there is nothing of that kind, with a sentence that says what was looked for
 * and what comes close; other errors when what is there is unacceptable. */
int source_choose(const struct job *job, struct source *ret, struct err *err);

/* The name by which a file would be found: "dockerfile" is meant to be "Dockerfile". NULL for what resembles nothing.
 * Pure; static. */
const char *source_meant(const char *name);

#endif
