/* Is an app ready that has no healthcheck of its own? Where visitors are led to its port, that has to answer (the job
 * `probe`); a worker has to stay up for `settle`. */
#ifndef PGO_CORE_PROBE_H
#define PGO_CORE_PROBE_H

#include <jansson.h>
#include <stdint.h>

#include "engine/container.h"

struct probes;
struct service;

enum probe_state {
	PROBE_NOT_ASKED, /* no app, another compose service, not running, or it has a healthcheck */
	PROBE_WAITS,	 /* *ret_why tells what for */
	PROBE_READY,
	PROBE_FAILED, /* nothing has answered within within_ms: *ret_why says what was tried */
};

/* What is known about the containers of a release, by its model; NULL where there is nothing to ask, which all of these
 * take. changed is called, from the event loop, when one of them has become ready or has failed. */
struct probes *probes_new(
    struct service *svc, const json_t *model, int64_t within_ms, void (*changed)(void *ctx), void *ctx);
void probes_free(struct probes *p);
/* Of a container as the engine's view has it; begins to ask where that has not been done. *ret_why is borrowed until
 * the next call, untouched unless it waits or has failed. */
enum probe_state probes_look(struct probes *p, const struct container *c, const char **ret_why);

#endif
