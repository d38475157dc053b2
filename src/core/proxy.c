#include "core/proxy.h"

#include <stdlib.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/routes.h"
#include "core/app_names.h"
#include "core/proxy_targets.h"
#include "core/service.h"
#include "ipc/upstreams.h"

enum {
	PROXY_CALM_MS = 100, /* a burst of events is one change */
	/* A container that comes and goes makes the proxy read its file again and again: less and less often. */
	PROXY_SERIES_FREE = 10,
	PROXY_PAUSE_MAX_MS = 5 * 1000,
	PROXY_QUIET_MS = 30 * 1000, /* without a change: the next one is told at once again */
	PROXY_RETRY_MIN_MS = 2 * 1000,
	PROXY_RETRY_MAX_MS = 5 * 60 * 1000,
};

struct proxy_wait {
	TAILQ_ENTRY(proxy_wait) entry;
	struct proxy *proxy;
	struct proxy_waits *list;
	void (*done)(void *ctx, const char *error);
	void *ctx;
	int64_t since; /* the first message that counts */
};

TAILQ_HEAD(proxy_waits, proxy_wait);

struct proxy {
	struct core *core;
	struct routes routes;
	struct networks *networks;
	struct event *timer;
	struct proxy_waits waits;   /* for the proxy to have the routes */
	struct proxy_waits leaving; /* and for the end of who goes by those of before */
	char *said;		    /* the last message's addresses; NULL: none yet */
	int64_t id;		    /* of the last message */
	int64_t leaving_id;	    /* of the one whose proxy-left is to come; 0: none is */
	bool asked;		    /* it has no answer yet */
	bool changed;		    /* look again when it has */
	char *error;		    /* of the last answer; "" when all is well */
	int64_t written_ms;
	int retry_ms;	  /* the next pause after a refusal */
	long long due_ms; /* when what was refused is tried again */
	int series;	  /* messages without a quiet time between them */
	int pause_ms;	  /* between two of them */
	long long said_ms;
};

static void
in_ms(struct proxy *p, int ms)
{
	struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	event_add(p->timer, &tv);
}

static void
tell_waits(struct proxy_waits *list, int64_t id, const char *error)
{
	struct proxy_wait *w = TAILQ_FIRST(list);

	while (w != NULL) {
		struct proxy_wait *next = TAILQ_NEXT(w, entry);

		if (w->since <= id) {
			TAILQ_REMOVE(list, w, entry);
			w->proxy = NULL;
			if (w->done != NULL)
				w->done(w->ctx, error);
			free(w);
		}
		w = next;
	}
}

/* One more message: how long the one after it has to wait. */
static void
pace(struct proxy *p)
{
	long long now_ms = io_now_ms();

	p->series = now_ms - p->said_ms > PROXY_QUIET_MS ? 0 : p->series + 1;
	if (p->series < PROXY_SERIES_FREE)
		p->pause_ms = PROXY_CALM_MS;
	else
		p->pause_ms = p->pause_ms * 2 > PROXY_PAUSE_MAX_MS ? PROXY_PAUSE_MAX_MS : p->pause_ms * 2;
	p->said_ms = now_ms;
}

static void
say(struct proxy *p, const struct buf *text)
{
	struct err err = ERR_INIT;
	auto_close int fd = text->full ? -1 : io_memfd("upstreams", buf_str(text), text->len, &err);

	if (fd < 0) {
		log_err("cannot say where the routes lead: %s", text->full ? "there are too many" : err.msg);
		in_ms(p, PROXY_RETRY_MAX_MS);
		return;
	}
	str_set(&p->said, buf_str(text));
	pace(p);
	p->id++;
	p->asked = true;
	channel_send(p->core->pgod, msg_new("upstreams", "sI", "id", (json_int_t)p->id), &fd, 1);
}

/* How long the message has to wait for its turn; whoever waits for the proxy does not. */
static long long
turn_in_ms(const struct proxy *p, bool news)
{
	long long due_ms = news ? p->said_ms + p->pause_ms : p->due_ms;

	return p->said == NULL || !TAILQ_EMPTY(&p->waits) ? 0 : due_ms - io_now_ms();
}

/* Says where everything leads, unless pgod knows that already. */
static void
look(struct proxy *p)
{
	auto_upstreams struct upstreams u = {0};
	auto_buf struct buf text = BUF_INIT(UPSTREAMS_BYTES);
	bool news;

	/* What does not answer is no reason to lead nobody anywhere. */
	if (!p->core->engine_up) {
		tell_waits(&p->waits, INT64_MAX, "the engine does not answer");
		return;
	}
	if (!targets_find(p->core, &p->routes, p->networks, &u))
		return; /* a network is being asked for; its answer is a change */
	upstreams_pack(&u, &text);
	news = p->said == NULL || !str_eq(p->said, buf_str(&text));
	if (!news && p->error[0] == '\0') {
		tell_waits(&p->waits, INT64_MAX, "");
		return;
	}
	if (turn_in_ms(p, news) > 0) {
		in_ms(p, (int)turn_in_ms(p, news));
		return;
	}
	if (news)
		p->retry_ms = PROXY_RETRY_MIN_MS;
	say(p, &text);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct proxy *p = ctx;

	(void)fd;
	(void)what;
	if (p->asked)
		p->changed = true;
	else
		look(p);
}

/* The sites of pgo.toml, and the names of an app that visitors are led to. */
static size_t
count_sites(const struct proxy *p, const char *project)
{
	const struct service *svc = core_service(p->core, project);
	auto_strv struct strv urls = {NULL, 0};
	size_t n = 0;

	for (size_t i = 0; i < p->routes.n; i++)
		n += str_eq(p->routes.v[i].service, project) ? 1 : 0;
	if (svc != NULL && svc->app != NULL)
		app_urls(svc, &urls);
	return n + urls.n;
}

/* An app that is led to nowhere now may have been a moment ago. */
static bool
has_routes(const struct proxy *p, const char *project)
{
	const struct service *svc = project == NULL ? NULL : core_service(p->core, project);

	for (size_t i = 0; i < p->routes.n; i++) {
		if (project == NULL || str_eq(p->routes.v[i].service, project))
			return true;
	}
	return project == NULL || (svc != NULL && svc->app != NULL);
}

static void
on_network(void *ctx)
{
	proxy_changed(ctx, NULL);
}

void
proxy_changed(struct core *core, const char *project)
{
	struct proxy *p = core->proxy;

	if (p == NULL || !has_routes(p, project))
		return;
	/* A refusal's next try may be minutes away: what is new does not wait for that. */
	if (p->error[0] != '\0' || !event_pending(p->timer, EV_TIMEOUT, NULL))
		in_ms(p, PROXY_CALM_MS);
}

void
proxy_on_answer(struct core *core, int64_t id, const char *error, int64_t written_ms, bool leaving)
{
	struct proxy *p = core->proxy;

	if (p == NULL || !p->asked || id != p->id)
		return;
	p->asked = false;
	if (error[0] == '\0') {
		if (p->error[0] != '\0')
			log_info("the proxy has the routes of now again");
		p->written_ms = written_ms;
		p->leaving_id = leaving ? id : 0;
	}
	str_set(&p->error, error);
	tell_waits(&p->waits, id, error);
	if (p->changed || error[0] != '\0')
		in_ms(p, p->changed ? 0 : p->retry_ms);
	if (error[0] != '\0') {
		p->due_ms = io_now_ms() + p->retry_ms;
		p->retry_ms = p->retry_ms * 2 > PROXY_RETRY_MAX_MS ? PROXY_RETRY_MAX_MS : p->retry_ms * 2;
	}
	p->changed = false;
}

void
proxy_on_left(struct core *core, int64_t id)
{
	struct proxy *p = core->proxy;

	if (p == NULL)
		return;
	if (p->leaving_id <= id)
		p->leaving_id = 0;
	tell_waits(&p->leaving, id, "");
}

static struct proxy_wait *
wait_in(struct proxy *p, struct proxy_waits *list, int64_t since, void (*done)(void *ctx, const char *error), void *ctx)
{
	struct proxy_wait *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	*w = (struct proxy_wait){.proxy = p, .list = list, .done = done, .ctx = ctx, .since = since};
	TAILQ_INSERT_TAIL(list, w, entry);
	return w;
}

struct proxy_wait *
proxy_await_left(struct core *core, void (*done)(void *ctx, const char *error), void *ctx)
{
	struct proxy *p = core->proxy;

	return p == NULL ? NULL : wait_in(p, &p->leaving, p->id, done, ctx);
}

bool
proxy_is_leaving(const struct core *core)
{
	return core->proxy != NULL && core->proxy->leaving_id != 0;
}

struct proxy_wait *
proxy_await(struct core *core, const char *project, void (*done)(void *ctx, const char *error), void *ctx)
{
	struct proxy *p = core->proxy;
	struct proxy_wait *w;

	if (p == NULL || !has_routes(p, project))
		return NULL;
	w = wait_in(p, &p->waits, p->id + 1, done, ctx);
	if (p->asked)
		p->changed = true;
	else
		in_ms(p, 0);
	return w;
}

void
proxy_abandon(struct proxy_wait *w)
{
	if (w == NULL || w->proxy == NULL)
		return;
	TAILQ_REMOVE(w->list, w, entry);
	free(w);
}

bool
proxy_state(const struct core *core, bool *ret_ok, int64_t *ret_written_ms)
{
	const struct proxy *p = core->proxy;

	if (p == NULL || (p->written_ms == 0 && p->error[0] == '\0'))
		return false;
	*ret_ok = p->error[0] == '\0';
	*ret_written_ms = p->written_ms;
	return true;
}

bool
proxy_tells(const struct core *core, const char *project, bool *ret_ok, struct buf *ret)
{
	const struct proxy *p = core->proxy;
	char when[IO_UTC_TEXT];
	size_t n = p == NULL ? 0 : count_sites(p, project);

	if (n == 0)
		return false;
	*ret_ok = p->error[0] == '\0' && p->written_ms != 0;
	io_utc_text(p->written_ms, when);
	if (p->error[0] != '\0')
		buf_printf(ret, "the proxy has not taken what they lead to now: %s", p->error);
	else if (p->written_ms == 0)
		buf_str_add(ret, "the proxy's file has not been written yet");
	else
		buf_printf(ret, "%zu, in the proxy's file of %s UTC", n, when);
	return true;
}

struct proxy *
proxy_new(struct core *core)
{
	struct proxy *p;

	if (!core->conf->proxied)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (p == NULL || (p->timer = evtimer_new(core->base, on_timer, p)) == NULL)
		abort();
	p->core = core;
	p->error = str_dup("");
	p->retry_ms = PROXY_RETRY_MIN_MS;
	p->pause_ms = PROXY_CALM_MS;
	TAILQ_INIT(&p->waits);
	TAILQ_INIT(&p->leaving);
	routes_of(core->conf, &p->routes);
	p->networks = networks_new(on_network, core);
	return p;
}
