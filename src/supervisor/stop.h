/* Stopping in order, within a bounded time. */
#ifndef PGO_SUPERVISOR_STOP_H
#define PGO_SUPERVISOR_STOP_H

#include <event2/event.h>
#include <stdbool.h>

#include "supervisor/children.h"
#include "supervisor/clients.h"
#include "supervisor/core.h"
#include "supervisor/jobs.h"
#include "supervisor/web.h"

struct stop;

/* What there is to end. */
struct stop_parts {
	struct children *children;
	struct core *core;
	struct clients *clients;
	struct jobs *jobs;
	struct web *web;
};

/* All parts are borrowed. Nothing happens before stop_next. */
struct stop *stop_new(struct event_base *base, const struct stop_parts *parts);
void stop_free(struct stop *s);
/* Begins to stop: clients are ended, core is asked to quit, jobs that change a service may finish. Called again it does
 * not wait any longer: TERM to everything, then KILL. The loop is left when no child is left. */
void stop_next(struct stop *s);
bool stop_begun(const struct stop *s);

#endif
