/* Looking again at containers that something happened to: each once, at most a few at a time, not more often than is
 * useful.
 *
 * The engine says "die" before its lists show it, so a changed container is inspected: that waits until the engine is
 * done with it. */
#ifndef PGO_ENGINE_LOOK_H
#define PGO_ENGINE_LOOK_H

#include <event2/event.h>

#include "engine/pool.h"
#include "engine/view.h"

struct looks;

/* Borrows both. */
struct looks *looks_new(struct event_base *base, struct pool *pool, struct view *view);
void looks_free(struct looks *ls);
/* Notes that the container (a valid id) has to be looked at. < 0 when there are too many. */
int looks_at(struct looks *ls, const char *id, struct err *err);
/* From now on they are looked at: the view is complete. */
void looks_begin(struct looks *ls);
/* Nothing is to be looked at, until looks_begin. */
void looks_forget(struct looks *ls);

#endif
