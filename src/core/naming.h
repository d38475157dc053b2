/* What an app is called on the web has changed, and is written down: who changed it is answered when the proxies have
 * taken that in. */
#ifndef PGO_CORE_NAMING_H
#define PGO_CORE_NAMING_H

#include <stdbool.h>

#include "core/lead.h"

struct client;
struct service;

struct naming {
	/* Answers the client; within the time of lead_await. */
	void (*told)(struct client *c, const struct naming *n, enum lead how, const char *why);
	char *said;   /* what is answered when all is well */
	char *before; /* of domains: what is put back when they refuse it */
	char *after;
	struct lead_wait *wait; /* set by naming_await */
};

/* svc is the app; led: visitors are led to it, or to an app whose names have changed with its own. */
void naming_await(struct client *c, const struct service *svc, bool led, const struct naming *take_spec);
/* Its client has left: what was changed stays. NULL is fine. */
void naming_forget(struct naming *n);

#endif
