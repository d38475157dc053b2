/* Pins as core asks for them: what the containers of a service mount is held by pgod before anything starts them. */
#ifndef PGO_CORE_PIN_H
#define PGO_CORE_PIN_H

#include <jansson.h>

#include "core/core.h"
#include "ipc/pins.h"

struct service;
struct pin_req;

enum pin_how {
	PIN_KEEP,  /* a pin that exists stays what it is: for what was verified and starts once more */
	PIN_FRESH, /* what is at the sources now: for a release that is being applied */
	PIN_EXACT, /* like PIN_KEEP, and all other pins of the service go */
};

/* Asks pgod for the pins of a configured service; a set without any is an answer at once, unless the service has a
 * share: then pgod sees to that. done is called once from the
 * loop, with "" or a sentence that says why not; NULL: nobody wants to know. The request is gone afterwards. */
struct pin_req *core_pin(struct core *core, const char *service, const struct pin_set *pins, enum pin_how how,
    void (*done)(void *ctx, const char *error), void *ctx);
/* done is not called any more; NULL is fine. */
void core_pin_abandon(struct pin_req *req);
/* pgod's message `pinned`; an unknown id is ignored. */
void core_on_pinned(struct core *core, int64_t id, const char *error);

/* Pins in the approved model what lies in the service's directories. */
int service_pin_model(const struct service *svc, json_t *approved, struct err *err);
/* What the current release does not mount is pinned no longer. Not while another one is, or waits to be, applied. */
void service_pin_tidy(struct service *svc);
/* The current releases of all services, at the start: tells pgod when the engine may start containers, at the latest
 * after PIN_SETTLE_MS. */
void core_pin_all(struct core *core);

enum { PIN_SETTLE_MS = 15 * 1000 };

#endif
