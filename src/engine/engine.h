/* How core looks at the Docker Engine: a view kept current by the event stream, and a few requests. It opens no
 * sockets: connections are asked for and handed in. All callbacks come from the event loop, never from within a call of
 * this interface. */
#ifndef PGO_ENGINE_ENGINE_H
#define PGO_ENGINE_ENGINE_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "engine/view.h"

enum {
	ENGINE_CONNECTIONS_MAX = 4, /* for requests; the event stream has one of its own */
	ENGINE_QUEUE_MAX = 4096,    /* requests waiting for a connection; one more fails with EAGAIN */
	ENGINE_DIRTY_MAX = 4096,    /* containers waiting to be looked at again; more: the stream starts anew */
	ENGINE_CONNECT_MS =
	    10 * 1000, /* until engine_connected or engine_refused, then until the stream's headers are in */
	ENGINE_IDLE_MS = 10 * 1000, /* an unused connection is closed */
	ENGINE_COALESCE_MS = 50,    /* between two looks at changed containers */
	ENGINE_RETRY_MIN_MS = 100,  /* backoff of the event stream: doubles with jitter */
	ENGINE_RETRY_MAX_MS = 5 * 1000,
	ENGINE_AGAIN_MS = 1000, /* a look at a changed container failed */
};

struct engine;
struct engine_req;

struct engine_spec {
	/* Please get a connection to the engine: answered by engine_connected or engine_refused with the same id. */
	void (*connect)(void *ctx, long long id);
	/* The view is valid: events stream in and the first list is here. */
	void (*up)(void *ctx);
	/* The event stream was lost (once after each up), or the first attempt failed (once until up): the view is
	 * stale, which says nothing about the containers. */
	void (*down)(void *ctx, const char *reason);
	/* While up: a container of this project appeared, vanished, or is not as it was. After a gap, called for each
	 * project that differs before `up` is. */
	void (*changed)(void *ctx, const char *project);
	void *ctx;
};

/* Starts to connect, from the loop. spec is copied. */
struct engine *engine_new(struct event_base *base, const struct engine_spec *spec);
/* Closes everything; pending callbacks are not called. NULL is fine. Not from within a callback of this engine. */
void engine_free(struct engine *e);
/* The answers to `connect`. An id that is no longer waited for closes the fd. */
void engine_connected(struct engine *e, long long id, int take_fd);
void engine_refused(struct engine *e, long long id, const char *reason);

bool engine_is_up(const struct engine *e);
/* The view: see view_each. The containers are borrowed until the loop runs on. */
void engine_containers(
    const struct engine *e, const char *project, bool (*cb)(void *ctx, const struct container *c), void *ctx);
size_t engine_container_count(const struct engine *e);

struct engine_reply {
	const struct err *err; /* err->num: 0 for a 2xx answer and for "missing"; else why there is no answer */
	int status;	       /* HTTP status; 0 when none came */
	bool missing;	       /* 404: there is no such thing */
	const json_t *body;    /* the JSON of a 2xx answer (NULL when it has none); borrowed */
};
typedef void engine_reply_fn(void *ctx, const struct engine_reply *reply);

/* Each is answered exactly once, within its deadline, unless cancelled. The handle is valid until then. Never NULL. */
struct engine_req *engine_image(struct engine *e, const char *name, engine_reply_fn *cb, void *ctx);
struct engine_req *engine_network(struct engine *e, const char *name, engine_reply_fn *cb, void *ctx);
/* A fresh list of all the project's containers, for `ps`. project: a valid service name. */
struct engine_req *engine_list(struct engine *e, const char *project, engine_reply_fn *cb, void *ctx);
/* The callback is not called; NULL is fine. */
void engine_cancel(struct engine_req *req);

/* The id (sha256:...) in the answer to engine_image; NULL when it is missing or malformed. */
const char *engine_image_id(const struct engine_reply *reply);

#endif
