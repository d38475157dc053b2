/* Watching the configuration's file: says when its bytes have become others. */
#ifndef PGO_SUPERVISOR_WATCH_H
#define PGO_SUPERVISOR_WATCH_H

#include <event2/event.h>

#include "base/buf.h"
#include "base/err.h"

struct watch;

struct watch_handler {
	void (*changed)(void *ctx);
	void *ctx;
};

/* known: the bytes as they were loaded; borrowed only during the call. */
struct watch *watch_new(
    struct event_base *base, const char *path, const struct buf *known, const struct watch_handler *h, struct err *err);
void watch_free(struct watch *w);

#endif
