/* The live tree: which of its files are the repository's, and what stands in a commit's way. */
#ifndef PGO_JOB_LIVE_H
#define PGO_JOB_LIVE_H

#include <stdbool.h>

#include "base/err.h"
#include "job/job.h"
#include "job/tree.h"

/* Where the list of tracked files came from. */
enum live_source {
	LIVE_NONE,    /* nothing of the repository lies there yet */
	LIVE_INDEX,   /* our index */
	LIVE_REF,     /* refs/pgo/live, the index was lost */
	LIVE_ADOPTED, /* the index of an ordinary checkout that was there before us */
};

struct live {
	int fd;		     /* the live tree */
	int stage_fd;	     /* the staged tree of the commit */
	struct tree old;     /* what the last whole checkout left */
	struct tree pending; /* what one that was killed was about to bring */
	struct tree tracked; /* both: the paths that are the repository's */
	struct tree new;
	enum live_source source;
	bool interrupted; /* there is a pending tree: each file is of it or of the old one */
};
#define LIVE_INIT                        \
	{                                \
		.fd = -1, .stage_fd = -1 \
	}
#define auto_live __attribute__((cleanup(live_done)))

void live_done(struct live *live);

/* Opens both directories and loads what is tracked now. The caller loads `new`. */
int live_open(const struct job *job, struct live *live, struct err *err);

/* Everything in the live tree that is not the repository's and stands where the commit has something: each said as a
 * sentence. Returns their number. Changes nothing. What the stage has with identical content is in nobody's way. */
unsigned live_conflicts(const struct live *live);

#endif
