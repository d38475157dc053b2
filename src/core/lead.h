/* Visitors are led to a service by the proxy on the host (proxy.c), and those of apps also by the proxies in containers
 * that import the routes (import.c): what changes is told to all of them, and who waits for them waits here. */
#ifndef PGO_CORE_LEAD_H
#define PGO_CORE_LEAD_H

#include "core/core.h"

struct lead_wait;

enum lead {
	LEAD_DONE,    /* they have taken it in, or nobody can be told now */
	LEAD_REFUSED, /* one did not: why */
	LEAD_LATE,    /* one has not said so yet: which */
};

/* Names, ports or containers of this service (NULL: of any) are others. */
void lead_changed(struct core *core, const char *service);
/* Calls done once, from the event loop; within LEAD_MAX_MS. The service's own proxy is not waited for: it is busy with
 * whoever waits. NULL: there is nobody to wait for. */
struct lead_wait *lead_await(
    struct core *core, const char *service, void (*done)(void *ctx, enum lead how, const char *why), void *ctx);
/* Nobody waits any more; NULL is fine. */
void lead_abandon(struct lead_wait *w);
/* A proxy in a container has got further, or what was being done for its service has ended. */
void lead_look(struct core *core);

#endif
