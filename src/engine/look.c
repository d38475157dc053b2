#include "engine/look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/io.h"
#include "base/log.h"
#include "base/str.h"

/* The other connections stay free for what people and deploys ask: a container that drains holds one for its grace
 * period. */
enum { LOOKS_AT_ONCE = 3 };

struct look {
	TAILQ_ENTRY(look) link;
	struct looks *looks;
	char id[CONTAINER_ID_LEN + 1];
	long long due_ms;
	bool again;		/* something happened while the engine was answering */
	struct engine_req *req; /* while it is being asked for */
};

struct looks {
	struct pool *pool;
	struct view *view;
	struct event *timer;
	bool open;
	TAILQ_HEAD(, look) queue;
	size_t n;
	size_t looking;	     /* of them with a request */
	long long looked_ms; /* the last one began */
};

static void
timer_in(struct event *timer, long long ms)
{
	struct timeval tv = {0, 0};

	if (ms > 0)
		tv = (struct timeval){ms / 1000, (ms % 1000) * 1000};
	evtimer_add(timer, &tv);
}

static void
look_free(struct looks *ls, struct look *l)
{
	if (l->req != NULL) {
		engine_cancel(l->req);
		ls->looking--;
	}
	TAILQ_REMOVE(&ls->queue, l, link);
	ls->n--;
	free(l);
}

void
looks_forget(struct looks *ls)
{
	struct look *l;

	while ((l = TAILQ_FIRST(&ls->queue)) != NULL)
		look_free(ls, l);
	evtimer_del(ls->timer);
	ls->open = false;
}

/* Sets the timer for the next look that may begin. */
static void
looks_plan(struct looks *ls)
{
	long long next = -1;
	struct look *l;

	if (!ls->open || ls->looking >= LOOKS_AT_ONCE)
		return;
	TAILQ_FOREACH(l, &ls->queue, link)
	{
		if (l->req == NULL && (next < 0 || l->due_ms < next))
			next = l->due_ms;
	}
	if (next >= 0)
		timer_in(ls->timer, next - io_now_ms());
}

static void
look_done(void *ctx, const struct engine_reply *reply)
{
	struct look *l = ctx;
	struct looks *ls = l->looks;
	bool failed = reply->err->num != 0;
	bool hopeless = reply->err->num == EPROTO || reply->err->num == EFBIG;

	l->req = NULL;
	ls->looking--;
	if (hopeless)
		log_warn("container %.12s cannot be looked at: %s", l->id, reply->err->msg);
	if (l->again || (failed && !hopeless)) {
		l->again = false;
		l->due_ms = failed ? io_now_ms() + ENGINE_AGAIN_MS : ls->looked_ms + ENGINE_COALESCE_MS;
	} else {
		look_free(ls, l);
	}
	looks_plan(ls);
}

static void
look_take(void *ctx, const struct engine_reply *reply)
{
	struct look *l = ctx;
	struct looks *ls = l->looks;
	char id[sizeof(l->id)];
	bool gone = reply->missing;

	memcpy(id, l->id, sizeof(id));
	look_done(l, reply);
	if (gone)
		view_remove(ls->view, id);
	else if (reply->body != NULL)
		view_inspect(ls->view, reply->body);
}

static void
on_look_timer(evutil_socket_t fd, short what, void *arg)
{
	struct looks *ls = arg;
	long long now = io_now_ms();
	struct look *l;

	(void)fd;
	(void)what;
	TAILQ_FOREACH(l, &ls->queue, link)
	{
		if (ls->looking >= LOOKS_AT_ONCE)
			break;
		if (l->req != NULL || l->due_ms > now)
			continue;
		l->again = false;
		l->req = pool_submit(ls->pool,
		    &(struct pool_call){.api = API_INSPECT, .args = {.arg = l->id}, .cb = look_take, .ctx = l});
		ls->looking++;
		ls->looked_ms = now;
	}
	looks_plan(ls);
}

int
looks_at(struct looks *ls, const char *id, struct err *err)
{
	long long now = io_now_ms();
	struct look *l;

	TAILQ_FOREACH(l, &ls->queue, link)
	{
		if (!str_eq(l->id, id))
			continue;
		l->again = l->req != NULL;
		return 0;
	}
	if (ls->n >= ENGINE_DIRTY_MAX)
		return err_set(err, EPROTO, "more happens than can be followed");
	if ((l = calloc(1, sizeof(*l))) == NULL)
		abort();
	l->looks = ls;
	memcpy(l->id, id, sizeof(l->id));
	l->due_ms = ls->looked_ms + ENGINE_COALESCE_MS > now ? ls->looked_ms + ENGINE_COALESCE_MS : now;
	TAILQ_INSERT_TAIL(&ls->queue, l, link);
	ls->n++;
	looks_plan(ls);
	return 0;
}

void
looks_begin(struct looks *ls)
{
	ls->open = true;
	looks_plan(ls);
}

struct looks *
looks_new(struct event_base *base, struct pool *pool, struct view *view)
{
	struct looks *ls = calloc(1, sizeof(*ls));

	if (ls == NULL || (ls->timer = evtimer_new(base, on_look_timer, ls)) == NULL)
		abort();
	ls->pool = pool;
	ls->view = view;
	TAILQ_INIT(&ls->queue);
	return ls;
}

void
looks_free(struct looks *ls)
{
	if (ls == NULL)
		return;
	looks_forget(ls);
	event_free(ls->timer);
	free(ls);
}
