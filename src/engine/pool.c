#include "engine/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/str.h"
#include "engine/conn.h"
#include "engine/reply.h"
#include "engine/req.h"

enum { REQUEST_MAX = 64 * 1024 };

/* One possible connection: none (all empty), asked for (waiting), idle (conn), busy (conn and req). */
struct slot {
	struct pool *pool;
	bool waiting;
	long long id;
	struct event *timer; /* while waiting */
	struct conn *conn;
	struct engine_req *req;
};

struct pool {
	struct event_base *base;
	struct pool_spec spec;
	struct event *pump;
	struct slot slots[ENGINE_CONNECTIONS_MAX];
	struct req_queue queue;
	size_t queued;		 /* requests in it */
	struct req_queue doomed; /* to be answered without having been sent */
	bool unversioned;
	bool refused;	      /* since the last pump */
	long long refused_ms; /* when */
	char *reason;
};

static void
pump_soon(struct pool *p)
{
	static const struct timeval now = {0, 0};

	evtimer_add(p->pump, &now);
}

static void
enqueue(struct req_queue *queue, struct engine_req *req)
{
	TAILQ_INSERT_TAIL(queue, req, link);
	req->queue = queue;
	req->pool->queued += queue == &req->pool->queue;
}

static void
dequeue(struct engine_req *req)
{
	TAILQ_REMOVE(req->queue, req, link);
	req->pool->queued -= req->queue == &req->pool->queue;
	req->queue = NULL;
}

static void
slot_close(struct slot *s)
{
	conn_free(s->conn);
	s->conn = NULL;
	s->req = NULL;
}

/* Out of the queue, or off its connection, which then cannot be used again. */
static void
req_detach(struct engine_req *req)
{
	if (req->slot != NULL) {
		slot_close(req->slot);
		req->slot = NULL;
	} else {
		dequeue(req);
	}
	pump_soon(req->pool);
}

/* The request is detached already. */
static void
answer(struct engine_req *req, const struct engine_reply *reply)
{
	req->answered = true;
	req->cb(req->ctx, reply);
	req_free(req);
}

static void
answer_err(struct engine_req *req, const struct err *err)
{
	answer(req, &(struct engine_reply){.err = err});
}

void
engine_cancel(struct engine_req *req)
{
	if (req == NULL || req->answered)
		return;
	req_detach(req);
	req_free(req);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct engine_req *req = arg;
	struct err err = ERR_INIT;

	(void)fd;
	(void)what;
	err_set(&err, ETIMEDOUT, "the engine did not answer within %g s", req->deadline_ms / 1000.0);
	req_detach(req);
	answer_err(req, &err);
}

/* To the front: it has waited already. */
static void
requeue(struct engine_req *req)
{
	req->slot = NULL;
	TAILQ_INSERT_HEAD(&req->pool->queue, req, link);
	req->queue = &req->pool->queue;
	req->pool->queued++;
	pump_soon(req->pool);
}

/* The engine closes kept connections when it restarts: none of the idle ones is worth a try then. */
static void
close_idle(struct pool *p)
{
	for (size_t i = 0; i < ARRAY_LEN(p->slots); i++) {
		if (p->slots[i].conn != NULL && p->slots[i].req == NULL)
			slot_close(&p->slots[i]);
	}
}

/* Sends again what failed for a reason that is not its own. */
static bool
try_again(struct engine_req *req, const struct conn *c, const struct http *h, const struct err *err)
{
	struct pool *p = req->pool;

	if (err->num != 0 && conn_was_stale(c) && !req->retried) {
		req->retried = true;
		return true;
	}
	if (err->num == 0 && h->status == 400 && req->versioned && api_version_refused(buf_str(&h->body))) {
		p->unversioned = true;
		return true;
	}
	return false;
}

static void
on_done(void *ctx, struct conn *c, const struct http *h, const struct err *conn_err)
{
	struct slot *s = ctx;
	struct engine_req *req = s->req;
	struct err err = *conn_err;
	struct engine_reply reply = {.err = &err};
	json_t *body = NULL;
	struct api_args args = req_args(req);
	bool again = try_again(req, c, h, conn_err);

	if (!again && err.num == 0)
		reply_read(req->call, args.arg, h, &reply, &body, &err);
	if (again && conn_err->num != 0)
		close_idle(req->pool);
	again = again || req_passes_guard(req, &reply, &err);
	s->req = NULL;
	if (!conn_reusable(c))
		slot_close(s);
	if (again) {
		requeue(req);
	} else {
		pump_soon(req->pool);
		answer(req, &reply);
	}
	json_decref(body);
}

/* There is no connection: with none left that could serve them, the waiting requests fail (from the pump). */
static void
slot_refused(struct slot *s, const char *reason)
{
	struct pool *p = s->pool;

	s->waiting = false;
	evtimer_del(s->timer);
	p->refused = true;
	p->refused_ms = io_now_ms();
	free(p->reason);
	p->reason = str_printf("no connection to the engine: %s", reason);
	pump_soon(p);
}

/* An engine that accepts and closes at once would otherwise be asked again and again without a pause. */
static void
on_idle(void *ctx, struct conn *c, bool by_peer)
{
	struct slot *s = ctx;
	bool refused = by_peer && conn_unused(c);

	slot_close(s);
	if (refused)
		slot_refused(s, "the engine closed it at once");
}

static void
on_connect_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	slot_refused(arg, "none came in time");
}

static struct slot *
slot_waiting(struct pool *p, long long id)
{
	for (size_t i = 0; i < ARRAY_LEN(p->slots); i++) {
		if (p->slots[i].waiting && p->slots[i].id == id)
			return &p->slots[i];
	}
	return NULL;
}

bool
pool_connected(struct pool *p, long long id, int take_fd)
{
	struct slot *s = slot_waiting(p, id);

	if (s == NULL)
		return false;
	s->waiting = false;
	evtimer_del(s->timer);
	s->conn = conn_new(p->base, take_fd,
	    &(struct conn_spec){.done = on_done, .idle = on_idle, .idle_ms = ENGINE_IDLE_MS, .ctx = s});
	pump_soon(p);
	return true;
}

bool
pool_refused(struct pool *p, long long id, const char *reason)
{
	struct slot *s = slot_waiting(p, id);

	if (s == NULL)
		return false;
	slot_refused(s, reason);
	return true;
}

/* Slots that are, or will be, connections. */
static size_t
slots_used(const struct pool *p)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(p->slots); i++)
		n += p->slots[i].waiting || p->slots[i].conn != NULL;
	return n;
}

static void
slot_connect(struct slot *s)
{
	struct timeval tv = {ENGINE_CONNECT_MS / 1000, 0};

	s->waiting = true;
	s->id = ++*s->pool->spec.last_id;
	evtimer_add(s->timer, &tv);
	s->pool->spec.connect(s->pool->spec.ctx, s->id);
}

static void
send_on(struct slot *s, struct engine_req *req)
{
	struct pool *p = s->pool;
	auto_buf struct buf text = BUF_INIT(REQUEST_MAX);
	struct api_args args = req_args(req);

	dequeue(req);
	req->slot = s;
	s->req = req;
	req->versioned = !p->unversioned;
	api_request(&text, req->call, req->versioned, &args);
	conn_request(s->conn, buf_str(&text), text.len, &req->http);
}

/* It will never reach the engine; its callback learns that from the pump. */
static void
doom(struct engine_req *req, int num, const char *why)
{
	req->doom_num = num;
	req->doom = str_dup(why);
	enqueue(&req->pool->doomed, req);
}

static void
answer_doomed(struct pool *p)
{
	struct engine_req *req = TAILQ_FIRST(&p->doomed);
	struct err err = ERR_INIT;

	if (req == NULL)
		return;
	err_set(&err, req->doom_num, "%s", req->doom);
	dequeue(req);
	/* One a round, so that a callback that asks again cannot keep the loop from everything else. */
	pump_soon(p);
	answer_err(req, &err);
}

static struct slot *
slot_idle(struct pool *p)
{
	for (size_t i = 0; i < ARRAY_LEN(p->slots); i++) {
		if (p->slots[i].conn != NULL && p->slots[i].req == NULL)
			return &p->slots[i];
	}
	return NULL;
}

/* Asks for as many connections as the queue could use; for one at a time while they are refused. */
static void
connect_more(struct pool *p)
{
	bool scarce = p->refused_ms != 0 && io_now_ms() - p->refused_ms < ENGINE_AGAIN_MS;
	size_t max = scarce ? 1 : ENGINE_CONNECTIONS_MAX;
	size_t used = slots_used(p);
	size_t waiting = 0;

	for (size_t i = 0; i < ARRAY_LEN(p->slots); i++)
		waiting += p->slots[i].waiting;
	for (size_t i = 0; i < ARRAY_LEN(p->slots) && used < max && waiting < p->queued; i++) {
		if (p->slots[i].waiting || p->slots[i].conn != NULL)
			continue;
		slot_connect(&p->slots[i]);
		used++;
		waiting++;
	}
}

static void
on_pump(evutil_socket_t fd, short what, void *arg)
{
	struct pool *p = arg;
	struct engine_req *req;
	struct slot *s;

	(void)fd;
	(void)what;
	while ((req = TAILQ_FIRST(&p->queue)) != NULL && (s = slot_idle(p)) != NULL)
		send_on(s, req);
	while (p->refused && slots_used(p) == 0 && (req = TAILQ_FIRST(&p->queue)) != NULL) {
		dequeue(req);
		doom(req, ECONNREFUSED, p->reason);
	}
	p->refused = false;
	connect_more(p);
	answer_doomed(p);
}

struct pool *
pool_new(struct event_base *base, const struct pool_spec *spec)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->base = base;
	p->spec = *spec;
	TAILQ_INIT(&p->queue);
	TAILQ_INIT(&p->doomed);
	if ((p->pump = evtimer_new(base, on_pump, p)) == NULL)
		abort();
	for (size_t i = 0; i < ARRAY_LEN(p->slots); i++) {
		p->slots[i].pool = p;
		p->slots[i].timer = evtimer_new(base, on_connect_deadline, &p->slots[i]);
		if (p->slots[i].timer == NULL)
			abort();
	}
	return p;
}

void
pool_free(struct pool *p)
{
	struct engine_req *req;

	if (p == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(p->slots); i++) {
		if (p->slots[i].req != NULL)
			req_free(p->slots[i].req);
		slot_close(&p->slots[i]);
		event_free(p->slots[i].timer);
	}
	while ((req = TAILQ_FIRST(&p->queue)) != NULL || (req = TAILQ_FIRST(&p->doomed)) != NULL) {
		dequeue(req);
		req_free(req);
	}
	event_free(p->pump);
	free(p->reason);
	free(p);
}

struct engine_req *
pool_submit(struct pool *p, const struct pool_call *call)
{
	struct engine_req *req = req_new(p, p->base, call, on_deadline);

	if (!api_args_ok(api_call(call->api), &call->args))
		doom(req, EINVAL, "the engine cannot know such a name");
	else if (p->queued >= ENGINE_QUEUE_MAX)
		doom(req, EAGAIN, "too many requests wait for the engine");
	else
		enqueue(&p->queue, req);
	pump_soon(p);
	return req;
}

bool
pool_versioned(const struct pool *p)
{
	return !p->unversioned;
}

void
pool_set_versioned(struct pool *p, bool versioned)
{
	p->unversioned = !versioned;
}
