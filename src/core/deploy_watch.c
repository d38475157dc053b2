/* The release has been brought up; does it run well, and does it stay so? */
#include <stdarg.h>
#include <stdio.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "core/deploy_steps.h"
#include "core/ended.h"
#include "core/peek.h"
#include "core/watch.h"

void
deploy_watch_end(struct deploy *d)
{
	if (d->timer != NULL)
		event_free(TAKE(d->timer));
	peek_end(d);
}

const char *
deploy_why_interrupted(const struct deploy *d)
{
	if (d->svc->core->quitting)
		return "pgod is stopping";
	if (d->svc->held)
		return "the service is held down";
	if (service_stop_waits(d->svc))
		return "an operator takes it down";
	return NULL;
}

int64_t
deploy_health_timeout_ms(const struct deploy *d)
{
	return d->svc->conf->health_timeout_ms > 0 ? d->svc->conf->health_timeout_ms : HEALTH_TIMEOUT_MS;
}

int
deploy_good(struct deploy *d)
{
	struct service *svc = d->svc;
	struct err err = ERR_INIT;

	if (store_release_good(svc->core->store, d->release, &err) < 0)
		log_err("%s service=%s deploy=%lld", err.msg, svc->conf->name, (long long)d->id);
	else
		svc->release.good_ms = io_wall_ms();
	ended_revived(svc);
	ended_record(svc);
	return deploy_ends(d, d->changed || d->task->scales ? OUTCOME_LIVE : OUTCOME_UNCHANGED, "%s", "");
}

/* Visitors are led to an app by its names, which come next. */
static int
runs_well(struct deploy *d)
{
	return d->svc->app != NULL ? STEP_NEXT : deploy_good(d);
}

static void
wake_at(struct deploy *d, int64_t at_ms, int64_t now_ms)
{
	int64_t ms = at_ms > now_ms ? at_ms - now_ms : 0;
	struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	event_add(d->timer, &tv);
}

static bool
is_stopped(const void *ctx, const char *compose_service)
{
	return service_stopped(ctx, compose_service);
}

static int
words_told(struct deploy *d, struct err *err)
{
	(void)err;
	return deploy_ends(d, OUTCOME_UNHEALTHY, "%s", d->words_why);
}

/* who: the compose services that are to blame. */
static int __attribute__((format(printf, 3, 4)))
is_unhealthy(struct deploy *d, const struct strv *who, const char *fmt, ...)
{
	struct err err = ERR_INIT;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->words_why, sizeof(d->words_why), fmt, ap);
	va_end(ap);
	deploy_watch_end(d);
	return deploy_last_words(d, who, 0, words_told, &err);
}

/* Good, bad, too late, or on with it: STEP_WAIT. */
static int
look(struct deploy *d)
{
	struct service *svc = d->svc;
	int64_t now = io_now_ms();
	auto_watch struct watch w = WATCH_INIT;
	const char *why = deploy_why_interrupted(d);
	const struct watch_asks asks = {is_stopped, svc, probes_look, deploy_probes(d)};

	if (why != NULL) {
		d->left = d->release;
		return deploy_ends(d, OUTCOME_INTERRUPTED, "%s", why);
	}
	/* The view is stale: nobody knows. It is watched again when somebody does. */
	if (!svc->core->engine_up) {
		if (now < d->watch_end_ms)
			return STEP_WAIT;
		d->left = d->release;
		return deploy_ends(d, OUTCOME_INTERRUPTED, "the engine does not answer: %s", svc->core->engine_reason);
	}
	watch_look(svc->core->engine, svc->conf->name, &svc->facts, d->deaths, d->ndeaths,
	    now - d->watch_ms < WATCH_FRESH_MS, &asks, &w);
	if (w.state == WATCH_GOOD)
		return runs_well(d);
	if (w.state == WATCH_BAD)
		return is_unhealthy(d, &w.who, "watch: %s", buf_str(&w.why));
	if (w.state == WATCH_SETTLE) {
		if (d->calm_ms == 0 || w.print != d->print)
			d->calm_ms = now;
		d->print = w.print;
		if (now - d->calm_ms >= svc->conf->settle_ms)
			return runs_well(d);
		wake_at(d, d->calm_ms + svc->conf->settle_ms, now);
		return STEP_WAIT;
	}
	d->calm_ms = 0;
	if (peek_yields(d))
		return deploy_ends(d, OUTCOME_UNHEALTHY,
		    "watch: not healthy yet when the newer commit %.8s came, which goes first: %s", svc->newer,
		    buf_str(&w.why));
	if (now >= d->watch_end_ms)
		return is_unhealthy(d, &w.who, "watch: not within %lld s: %s",
		    (long long)(d->watch_end_ms - d->watch_ms) / 1000, buf_str(&w.why));
	wake_at(d, now - d->watch_ms < WATCH_FRESH_MS ? d->watch_ms + WATCH_FRESH_MS : d->watch_end_ms, now);
	return STEP_WAIT;
}

static void
look_again(struct deploy *d)
{
	struct err err = ERR_INIT;
	int result = look(d);

	if (result == STEP_WAIT)
		return;
	deploy_watch_end(d);
	deploy_continue(d, result, &err);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	look_again(ctx);
}

static int
begin_to_look(struct deploy *d)
{
	int result;

	d->watch_ms = io_now_ms();
	d->watch_end_ms = d->watch_ms + deploy_health_timeout_ms(d);
	d->calm_ms = 0;
	d->timer = event_new(d->svc->core->base, -1, 0, on_timer, d);
	wake_at(d, d->watch_end_ms, d->watch_ms);
	peek_begin(d);
	result = look(d);
	if (result != STEP_WAIT)
		deploy_watch_end(d);
	return result;
}

static bool
is_listed(const json_t *list, const char *id)
{
	size_t i;
	json_t *entry;

	json_array_foreach(list, i, entry)
	{
		if (str_eq(json_string_value(json_object_get(entry, "Id")), id))
			return true;
	}
	return false;
}

/* compose has ended, and its last events may still be on their way: what is gone must not be taken for what runs, or
 * for what has failed. */
static void
on_listed(void *ctx, const struct engine_reply *reply)
{
	struct deploy *d = ctx;
	struct err err = ERR_INIT;
	int result;

	d->req = NULL;
	for (size_t i = 0; reply->err->num == 0 && i < d->ndeaths; i++)
		d->deaths[i].gone = !is_listed(reply->body, d->deaths[i].id);
	result = begin_to_look(d);
	if (result != STEP_WAIT)
		deploy_continue(d, result, &err);
}

int
step_watch(struct deploy *d, struct err *err)
{
	(void)err;
	d->req = engine_list(d->svc->core->engine, d->svc->conf->name, on_listed, d);
	return STEP_WAIT;
}

void
deploy_on_containers(struct deploy *d)
{
	const char *why = d->publish != NULL ? deploy_why_interrupted(d) : NULL;

	if (why != NULL)
		publish_stop(d->publish, why);
	else if (!switch_on_containers(d) && d->timer != NULL)
		look_again(d);
}
