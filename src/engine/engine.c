#include "engine/engine.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/ask.h"
#include "engine/conn.h"
#include "engine/look.h"
#include "engine/pool.h"
#include "engine/split.h"

enum {
	/* The engine answers /events a moment before it listens to itself, and says "die" a moment before a list shows
	 * it (both measured, and read in its source): so the stream begins this much in the past, and what happened
	 * since is looked at again. */
	SINCE_S = 10,
	REQUEST_MAX = 8 * 1024,
};

enum stream_state {
	STREAM_WAITING,	   /* for the retry timer */
	STREAM_CONNECTING, /* for engine_connected */
	STREAM_OPENING,	   /* for the headers */
	STREAM_LISTING,	   /* for the first list; events are noted */
	STREAM_UP,
};

struct engine {
	struct event_base *base;
	struct engine_spec spec;
	struct pool *pool;
	struct view *view;
	struct looks *looks;
	long long last_id;

	enum stream_state state;
	struct event *stream_timer; /* retry, or the deadline of connecting and opening */
	long long stream_id;
	struct conn *stream;
	struct split events;
	struct engine_req *list_req;
	struct split list;
	bool versioned; /* how the stream was asked for */
	bool told_down;
	unsigned failures; /* in a row: how long to wait */
	long long up_ms;
	uint64_t jitter;
	char *lost;	    /* why the stream has to be given up, as soon as no callback of it runs */
	long long event_ns; /* the newest event's time */
};

static void stream_lost(struct engine *e, const char *reason);

static void
timer_in(struct event *timer, long long ms)
{
	struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	evtimer_add(timer, &tv);
}

/* --- the event stream --- */

/* The stream begins in the past: what was counted must not count again when it is told again. */
static bool
is_news(struct engine *e, const json_t *event)
{
	long long ns = json_integer_value(json_object_get(event, "timeNano"));

	if (ns <= e->event_ns)
		return false;
	e->event_ns = ns;
	return true;
}

static void
on_oom(struct engine *e, const char *id)
{
	const struct container *c = view_find(e->view, id);

	if (c != NULL)
		e->spec.oom(e->spec.ctx, c);
}

/* An event only says where to look: what it claims about the container is not taken for true, but for its life, its
 * end, and that it ran out of memory, which is only told. */
static int
on_event(void *ctx, const char *json, size_t len, struct err *err)
{
	struct engine *e = ctx;
	json_t *event = json_loadb(json, len, JSON_ALLOW_NUL, NULL);
	const char *id = json_string_value(json_object_get(json_object_get(event, "Actor"), "ID"));
	const char *action = json_string_value(json_object_get(event, "Action"));
	bool news = is_news(e, event);
	int r = 0;

	if (event == NULL || action == NULL || id == NULL) {
		r = err_set(err, EPROTO, "the engine's event is not the JSON it should be");
	} else if (container_id_ok(id)) {
		r = looks_at(e->looks, id, err);
		if (e->state == STREAM_UP && news)
			view_told(e->view, id, action);
		if (e->state == STREAM_UP && str_eq(action, "oom") && news)
			on_oom(e, id);
		if (e->state == STREAM_UP && str_eq(action, "destroy"))
			view_remove(e->view, id);
	}
	json_decref(event);
	return r;
}

static int
on_stream_piece(void *ctx, const char *data, size_t len, struct err *err)
{
	struct engine *e = ctx;

	return split_feed(&e->events, data, len, err);
}

static bool
look_if_unclear(void *ctx, const struct container *c)
{
	/* Killed: was it for want of memory? */
	if ((c->state == CONTAINER_DEAD && c->exit_code < 0) || c->exit_code == 128 + SIGKILL)
		(void)looks_at(ctx, c->id, NULL);
	return true;
}

static void
go_up(struct engine *e)
{
	e->state = STREAM_UP;
	e->told_down = false;
	e->up_ms = io_now_ms();
	view_each(e->view, NULL, look_if_unclear, e->looks);
	looks_begin(e->looks);
	e->spec.up(e->spec.ctx);
}

static int
on_list_item(void *ctx, const char *json, size_t len, struct err *err)
{
	struct engine *e = ctx;
	json_t *item = json_loadb(json, len, JSON_ALLOW_NUL, NULL);

	(void)err;
	if (item == NULL)
		log_warn("the engine's list has a container that is not the JSON it should be");
	else
		view_list_item(e->view, item);
	json_decref(item);
	return 0;
}

static int
on_list_piece(void *ctx, const char *data, size_t len, struct err *err)
{
	struct engine *e = ctx;

	return split_feed(&e->list, data, len, err);
}

static void
on_list(void *ctx, const struct engine_reply *reply)
{
	struct engine *e = ctx;

	e->list_req = NULL;
	if (reply->err->num != 0) {
		stream_lost(e, reply->err->msg);
		return;
	}
	if (!split_whole(&e->list)) {
		stream_lost(e, "the engine's list of containers is not whole");
		return;
	}
	if (e->list.too_large > 0)
		log_warn("the engine's list leaves out containers that say too much: count=%zu", e->list.too_large);
	split_done(&e->list);
	view_list_end(e->view);
	go_up(e);
}

static void
on_stream_head(void *ctx, int status)
{
	struct engine *e = ctx;

	if (status != 200 || e->state != STREAM_OPENING)
		return;
	e->state = STREAM_LISTING;
	evtimer_del(e->stream_timer);
	split_done(&e->list);
	split_init(&e->list, true, api_call(API_LIST_ALL)->limit_bytes, on_list_item, e);
	view_list_begin(e->view);
	e->list_req = pool_submit(e->pool,
	    &(struct pool_call){.api = API_LIST_ALL, .cb = on_list, .ctx = e, .piece = on_list_piece, .piece_ctx = e});
}

static void
stream_connect(struct engine *e)
{
	e->state = STREAM_CONNECTING;
	timer_in(e->stream_timer, ENGINE_CONNECT_MS);
	e->stream_id = ++e->last_id;
	e->spec.connect(e->spec.ctx, e->stream_id);
}

/* The stream ends: it was asked for in a version that the engine does not speak, or it is lost. */
static void
on_stream_done(void *ctx, struct conn *c, const struct http *h, const struct err *err)
{
	struct engine *e = ctx;
	auto_free char *reason = NULL;

	(void)c;
	if (err->num == 0 && h->status == 400 && e->versioned && api_version_refused(buf_str(&h->body))) {
		pool_set_versioned(e->pool, false);
		conn_free(e->stream);
		e->stream = NULL;
		stream_connect(e);
		return;
	}
	if (err->num != 0)
		reason = str_dup(err->msg);
	else if (h->status != 200)
		reason = str_printf("the engine answers %d to the request for events", h->status);
	else
		reason = str_dup("the engine ended the stream of events");
	stream_lost(e, reason);
}

static void
on_stream_idle(void *ctx, struct conn *c, bool by_peer)
{
	(void)c;
	(void)by_peer;
	stream_lost(ctx, "the engine closed the connection");
}

/* Between 50 and 100 % of a time that doubles, so that many who wait do not all come back at once. */
static long long
backoff_ms(struct engine *e)
{
	long long ms = ENGINE_RETRY_MIN_MS;

	for (unsigned i = 1; i < e->failures && ms < ENGINE_RETRY_MAX_MS; i++)
		ms *= 2;
	if (ms > ENGINE_RETRY_MAX_MS)
		ms = ENGINE_RETRY_MAX_MS;
	e->jitter = e->jitter * 6364136223846793005U + 1442695040888963407U;
	return ms / 2 + (long long)((e->jitter >> 33) % (uint64_t)(ms / 2 + 1));
}

/* The last thing to do in a callback of the stream's connection. */
static void
stream_lost(struct engine *e, const char *reason)
{
	auto_free char *why = str_dup(reason);

	/* A stream that breaks soon after it came up is as bad as one that never came up. */
	if (e->state == STREAM_UP && io_now_ms() - e->up_ms >= ENGINE_RETRY_MAX_MS)
		e->failures = 0;
	e->failures++;
	e->state = STREAM_WAITING;
	e->stream_id = 0;
	conn_free(e->stream);
	e->stream = NULL;
	engine_cancel(e->list_req);
	e->list_req = NULL;
	split_done(&e->list);
	looks_forget(e->looks);
	timer_in(e->stream_timer, backoff_ms(e));
	if (e->told_down)
		return;
	e->told_down = true;
	e->spec.down(e->spec.ctx, why);
}

static void
on_stream_timer(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;

	(void)fd;
	(void)what;
	if (e->state == STREAM_WAITING && e->lost == NULL) {
		/* Perhaps another engine answers now. */
		pool_set_versioned(e->pool, true);
		stream_connect(e);
		return;
	}
	if (e->lost != NULL) {
		auto_free char *reason = TAKE(e->lost);

		stream_lost(e, reason);
		return;
	}
	stream_lost(
	    e, e->state == STREAM_OPENING ? "the engine does not answer" : "no connection to the engine came in time");
}

static void
stream_open(struct engine *e, int take_fd)
{
	auto_buf struct buf text = BUF_INIT(REQUEST_MAX);
	auto_free char *since = str_printf("%lld", io_wall_ms() / 1000 - SINCE_S);

	split_done(&e->events);
	split_init(&e->events, false, api_call(API_EVENTS)->limit_bytes, on_event, e);
	e->state = STREAM_OPENING;
	timer_in(e->stream_timer, ENGINE_CONNECT_MS);
	e->stream = conn_new(e->base, take_fd,
	    &(struct conn_spec){.head = on_stream_head, .done = on_stream_done, .idle = on_stream_idle, .ctx = e});
	e->versioned = pool_versioned(e->pool);
	api_request(&text, api_call(API_EVENTS), e->versioned, &(struct api_args){.arg = since});
	conn_request(e->stream, buf_str(&text), text.len,
	    &(struct http_spec){api_call(API_EVENTS)->limit_bytes, on_stream_piece, e});
}

/* --- the interface --- */

static void
on_pool_connect(void *ctx, long long id)
{
	struct engine *e = ctx;

	e->spec.connect(e->spec.ctx, id);
}

static void
on_view_changed(void *ctx, const char *project)
{
	struct engine *e = ctx;

	e->spec.changed(e->spec.ctx, project);
}

struct engine *
engine_new(struct event_base *base, const struct engine_spec *spec)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (e == NULL)
		abort();
	e->base = base;
	e->spec = *spec;
	e->jitter = (uint64_t)io_wall_ms() ^ (uint64_t)getpid() << 32;
	e->pool = pool_new(base, &(struct pool_spec){on_pool_connect, e, &e->last_id});
	e->view = view_new(on_view_changed, e);
	e->looks = looks_new(base, e->pool, e->view);
	if ((e->stream_timer = evtimer_new(base, on_stream_timer, e)) == NULL)
		abort();
	e->state = STREAM_WAITING;
	timer_in(e->stream_timer, 0);
	return e;
}

void
engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	conn_free(e->stream);
	engine_cancel(e->list_req);
	looks_free(e->looks);
	pool_free(e->pool);
	view_free(e->view);
	split_done(&e->events);
	split_done(&e->list);
	event_free(e->stream_timer);
	free(e->lost);
	free(e);
}

void
engine_connected(struct engine *e, long long id, int take_fd)
{
	if (e->state == STREAM_CONNECTING && e->stream_id == id)
		stream_open(e, take_fd);
	else if (!pool_connected(e->pool, id, take_fd))
		close(take_fd);
}

void
engine_refused(struct engine *e, long long id, const char *reason)
{
	if (pool_refused(e->pool, id, reason) || e->state != STREAM_CONNECTING || e->stream_id != id)
		return;
	/* `down` is told from the loop. */
	e->stream_id = 0;
	free(e->lost);
	e->lost = str_dup(reason);
	timer_in(e->stream_timer, 0);
}

bool
engine_is_up(const struct engine *e)
{
	return e->state == STREAM_UP;
}

void
engine_containers(
    const struct engine *e, const char *project, bool (*cb)(void *ctx, const struct container *c), void *ctx)
{
	view_each(e->view, project, cb, ctx);
}

size_t
engine_container_count(const struct engine *e)
{
	return view_count(e->view);
}

void
engine_saw(struct engine *e, const struct engine_reply *reply)
{
	if (reply->body != NULL)
		view_inspect(e->view, reply->body);
}

struct pool *
engine_pool(const struct engine *e)
{
	return e->pool;
}
