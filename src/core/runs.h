/* What of a release runs: the engine's view held against what the model wants. Pure but for reading the view. */
#ifndef PGO_CORE_RUNS_H
#define PGO_CORE_RUNS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "compose/model.h"
#include "engine/view.h"

struct runs {
	size_t running;	       /* containers of the project that run, one-off ones apart */
	size_t containers;     /* all of them */
	struct strv missing;   /* compose services that lack a container which runs or has finished well */
	struct strv unhealthy; /* compose services that have a container which runs and is unhealthy */
	struct strv finished;  /* compose services that have a container which has finished well */
	struct strv doubtful;  /* those of them with one that may have been ended */
	bool engine_restarts;  /* all that is missing has died and the engine itself will restart it */
	bool dying;	       /* a container restarts again and again, or is unhealthy */
	struct buf why;	       /* "web: exited with 1; db: no container" */
};
#define RUNS_INIT                     \
	{                             \
		.why = BUF_INIT(1024) \
	}
#define auto_runs __attribute__((cleanup(runs_done)))
void runs_done(struct runs *r);

/* An exit with 0 is an end, unless the compose file wants it to run for ever. */
bool runs_finished(const struct model_service *facts, const struct container *c);
/* Adds "service: what" to a list of reasons; the service's name is foreign. */
void runs_add_why(struct buf *why, const char *service, const char *what);

struct engine;
/* is_stopped(ctx, compose service): an operator stopped it, so it may lie still. */
void runs_look(const struct engine *e, const char *project, const struct model_services *facts,
    bool (*is_stopped)(const void *ctx, const char *service), const void *ctx, struct runs *ret);

#endif
