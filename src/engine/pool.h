/* Requests to the engine over at most ENGINE_CONNECTIONS_MAX kept connections: a queue, deadlines, cancelling. */
#ifndef PGO_ENGINE_POOL_H
#define PGO_ENGINE_POOL_H

#include <event2/event.h>

#include "engine/api.h"
#include "engine/engine.h"

struct pool;

struct pool_spec {
	/* Please get a connection: pool_connected or pool_refused will come with this id. */
	void (*connect)(void *ctx, long long id);
	void *ctx;
	long long *last_id; /* counts the ids, which are shared with others */
};

struct pool *pool_new(struct event_base *base, const struct pool_spec *spec);
/* No callback is called. */
void pool_free(struct pool *p);
/* True when the id was ours (the fd is then taken). */
bool pool_connected(struct pool *p, long long id, int take_fd);
bool pool_refused(struct pool *p, long long id, const char *reason);

struct pool_call {
	enum api api;
	struct api_args args; /* checked against the table */
	int deadline_ms;      /* 0: as the table says */
	engine_reply_fn *cb;
	void *ctx;
	/* Set: a 2xx body comes in pieces, and the reply has none. */
	int (*piece)(void *ctx, const char *data, size_t len, struct err *err);
	void *piece_ctx;
};

/* Answered from the loop, exactly once, within the deadline of the table; see engine_cancel. */
struct engine_req *pool_submit(struct pool *p, const struct pool_call *call);

/* Does the engine speak API_VERSION, as far as is known? */
bool pool_versioned(const struct pool *p);
void pool_set_versioned(struct pool *p, bool versioned);

#endif
