/* One connection to the engine on the event loop: a request out, its response in, and the next. */
#ifndef PGO_ENGINE_CONN_H
#define PGO_ENGINE_CONN_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/err.h"
#include "engine/http.h"

struct conn;

struct conn_spec {
	/* Status and headers are in. May be NULL. Must not free the connection. */
	void (*head)(void *ctx, int status);
	/* The response is complete, or (err->num != 0) there is none. Called last: it may free the connection, and must
	 * if it is not conn_reusable. */
	void (*done)(void *ctx, struct conn *c, const struct http *h, const struct err *err);
	/* While no request was running: the peer closed, or nothing was asked for idle_ms. Called last; frees the
	 * connection. */
	void (*idle)(void *ctx, struct conn *c, bool by_peer);
	int idle_ms; /* 0: no limit */
	void *ctx;
};

/* Takes the fd. spec is copied. */
struct conn *conn_new(struct event_base *base, int take_fd, const struct conn_spec *spec);
/* Closes and frees; no callback. NULL is fine. */
void conn_free(struct conn *c);
/* Sends a request on an idle connection. Failures come through `done`, from the loop. */
void conn_request(struct conn *c, const char *text, size_t len, const struct http_spec *http);
bool conn_busy(const struct conn *c);
bool conn_reusable(const struct conn *c);
/* No request was ever made on it. */
bool conn_unused(const struct conn *c);
/* Not a byte of this response came, on a connection that had served before: the peer was closing it while we asked. */
bool conn_was_stale(const struct conn *c);

#endif
