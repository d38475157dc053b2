/* Has a release that was brought up come to run well? Pure but for reading the engine's view. */
#ifndef PGO_CORE_WATCH_H
#define PGO_CORE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "compose/model.h"
#include "core/probe.h"
#include "engine/container.h"

enum { WATCH_DEATHS_MAX = 3 }; /* of one container in one deploy: then it is a crash loop */

/* A container that was there before, and how often it had died then. */
struct watch_death {
	char id[CONTAINER_ID_LEN + 1];
	unsigned deaths;
	bool gone; /* the engine says so; the view may not know yet */
};

enum watch_state {
	WATCH_WAIT,   /* something is not there yet, or not healthy yet: why tells what */
	WATCH_SETTLE, /* all is there; what has no healthcheck must stay so for a while */
	WATCH_GOOD,   /* all is there, and healthy by its own word */
	WATCH_BAD,    /* it will not get better: why tells what */
};

struct watch {
	enum watch_state state;
	uint64_t print;	 /* of what has to settle: another container, or another death, changes it */
	struct buf why;	 /* "web: health: starting" */
	struct strv who; /* the compose services in it */
};
#define WATCH_INIT                    \
	{                             \
		.why = BUF_INIT(1024) \
	}
#define auto_watch __attribute__((cleanup(watch_done)))
void watch_done(struct watch *w);

struct engine;
/* The deaths so far, one entry a container of the project; the caller frees. */
struct watch_death *watch_deaths(const struct engine *e, const char *project, size_t *ret_n);
/* What is asked of whoever knows more. */
struct watch_asks {
	bool (*is_stopped)(const void *ctx, const char *service); /* an operator stopped it, so it may lie still */
	const void *ctx;
	/* Is what has no healthcheck ready? */
	enum probe_state (*probe)(struct probes *p, const struct container *c, const char **ret_why);
	struct probes *probes;
};

/* fresh: what the view says of containers that were there before may be of before: nothing of it is bad yet. */
void watch_look(const struct engine *e, const char *project, const struct model_services *facts,
    const struct watch_death *before, size_t nbefore, bool fresh, const struct watch_asks *asks, struct watch *ret);

#endif
