/* One request to the engine, as the pool carries it: what is asked, how far it is. For pool.c only. */
#ifndef PGO_ENGINE_REQ_H
#define PGO_ENGINE_REQ_H

#include <sys/queue.h>

#include "engine/http.h"
#include "engine/pool.h"

TAILQ_HEAD(req_queue, engine_req);

struct engine_req {
	TAILQ_ENTRY(engine_req) link;
	struct req_queue *queue; /* while it has no slot */
	struct pool *pool;
	const struct api_call *call; /* what is asked next, or has been asked */
	const struct api_call
	    *write; /* what follows if the container is ours; NULL: call is all, or all that is left */
	char *arg;
	char *service;
	char *container;
	char *registry;
	char *version;
	char *body;
	engine_reply_fn *cb;
	void *ctx;
	struct http_spec http;
	struct event *deadline;
	int deadline_ms;
	struct slot *slot; /* whose connection carries it */
	bool versioned;	   /* how it was sent */
	bool retried;
	bool answered; /* its callback runs */
	int doom_num;  /* in the queue of the doomed: why */
	char *doom;
};

/* A request of the pool, with its deadline running. Aborts without memory. */
struct engine_req *req_new(struct pool *p, struct event_base *base, const struct pool_call *call, event_callback_fn cb);
void req_free(struct engine_req *req);
/* The arguments of req->call; borrowed from the request. */
struct api_args req_args(const struct engine_req *req);
/* The engine has told of the container: true when the write is what has to be asked now. Otherwise the reply says why
 * not (or is the answer, for what has no guard). */
bool req_passes_guard(struct engine_req *req, struct engine_reply *reply, struct err *err);

#endif
