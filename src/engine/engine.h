/* How core deals with the Docker Engine: a view kept current by the event stream, a few requests, and a few writes on
 * what is ours (compose changes a project; these are for what compose cannot do). It opens no sockets: connections are
 * asked for and handed in. All callbacks come from the event loop, never from within a call of this interface. */
#ifndef PGO_ENGINE_ENGINE_H
#define PGO_ENGINE_ENGINE_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "engine/view.h"

enum {
	ENGINE_CONNECTIONS_MAX = 8, /* for requests; the event stream has one of its own */
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
	/* While up: the kernel ended a process of this container, which has used all the memory that it may. It may run
	 * on. */
	void (*oom)(void *ctx, const struct container *c);
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
/* One container, by its id: what the engine knows about it. */
struct engine_req *engine_inspect(struct engine *e, const char *id, engine_reply_fn *cb, void *ctx);

/* The view learns what the answer to engine_inspect says, which nothing else may have told: no event of a container
 * comes with another address in a network. */
void engine_saw(struct engine *e, const struct engine_reply *reply);

/* The writes. service: the name of the service to which the object must belong: the name in an image's tag, the compose
 * project of a container (asked of the engine before each write; another's: EPERM). id: of a container, 64 hex digits.
 * They are answered like the others. */

/* Tags the image sha256:... as pgo.local/<service>:<first 32 hex digits>, so that nobody's prune takes it. missing:
 * there is no such image. */
struct engine_req *engine_tag(
    struct engine *e, const char *service, const char *image_id, engine_reply_fn *cb, void *ctx);
/* Takes that tag off again; the image goes with its last name. missing: it had no such tag. Status 409 (in err): it is
 * its last name, and a container uses it. */
struct engine_req *engine_untag(
    struct engine *e, const char *service, const char *image_id, engine_reply_fn *cb, void *ctx);
/* Tags the image sha256:... as <registry>/<service>:<version>, by which compose pushes it. missing: as above. */
struct engine_req *engine_publish(struct engine *e, const char *service, const char *image_id, const char *registry,
    const char *version, engine_reply_fn *cb, void *ctx);
/* Takes that tag off again. missing: there was none. */
struct engine_req *engine_unpublish(
    struct engine *e, const char *service, const char *registry, const char *version, engine_reply_fn *cb, void *ctx);
/* Fine when it runs already. */
struct engine_req *engine_start(struct engine *e, const char *service, const char *id, engine_reply_fn *cb, void *ctx);
/* Its own signal, its own grace period, then KILL; answered when it has ended. Fine when it does not run. deadline_ms:
 * longer than its grace period; 0: a minute. */
struct engine_req *engine_stop(
    struct engine *e, const char *service, const char *id, int deadline_ms, engine_reply_fn *cb, void *ctx);
/* A container that does not run; its volumes stay. */
struct engine_req *engine_remove(struct engine *e, const char *service, const char *id, engine_reply_fn *cb, void *ctx);
/* Status 409 (in err): another container has the name. */
struct engine_req *engine_rename(
    struct engine *e, const char *service, const char *id, const char *name, engine_reply_fn *cb, void *ctx);
/* network: its name. aliases: names by which others in the network find it, beside its own; NULL: none. */
struct engine_req *engine_connect_network(struct engine *e, const char *service, const char *network, const char *id,
    const struct strv *aliases, engine_reply_fn *cb, void *ctx);
struct engine_req *engine_disconnect_network(
    struct engine *e, const char *service, const char *network, const char *id, engine_reply_fn *cb, void *ctx);
/* The callback is not called; NULL is fine. */
void engine_cancel(struct engine_req *req);

/* The id (sha256:...) in the answer to engine_image; NULL when it is missing or malformed. */
const char *engine_image_id(const struct engine_reply *reply);

#endif
