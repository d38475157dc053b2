/* The stop files: <dir>/<service>.stop says "stay down". */
#ifndef PGO_SUPERVISOR_HOLD_H
#define PGO_SUPERVISOR_HOLD_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "supervisor/facts.h"

struct holds;

struct holds_handler {
	void (*changed)(void *ctx, const char *service, bool held, const char *note);
	void *ctx;
};

/* Watches <dir>, and looks every poll_ms as well. */
struct holds *holds_new(struct event_base *base, const struct facts *facts, long long poll_ms,
    const struct holds_handler *h, struct err *err);
void holds_free(struct holds *hs);
/* Forgets what was told: for each service that is held now `changed` is called. For a core that has just started. */
void holds_tell_all(struct holds *hs);

/* An app begins to be: it is looked at from now on, and at once by holds_look, which tells when it is held. It ends
 * before its configuration does. */
void holds_add(struct holds *hs, const struct conf_service *s);
void holds_look(struct holds *hs, const char *service);
void holds_drop(struct holds *hs, const char *service);

/* Writes the stop file of a configured service with one line, atomically and durably, or removes it, and tells of it as
 * of one that was put there by hand, before it returns. Refused for a service that is not configured. */
int holds_set(struct holds *hs, const char *service, bool held, const char *note, struct err *err);

/* Is the service held? Adds to note who put the file there, when, and its first line; a first line that begins with
 * "by " says all of that itself. */
bool hold_look(int dirfd, const char *service, struct buf *note);

#endif
