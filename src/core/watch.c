#include "core/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "core/runs.h"
#include "engine/engine.h"

struct look {
	const struct model_service *facts;
	const struct watch_death *before;
	size_t nbefore;
	bool fresh;
	const struct watch_asks *asks;
	struct watch *watch;
	int good;
	bool settles; /* one of the good ones has no healthcheck */
	const char *waits_for;
};

void
watch_done(struct watch *w)
{
	buf_done(&w->why);
	strv_done(&w->who);
}

struct deaths {
	struct watch_death *v;
	size_t n;
};

static bool
add_deaths(void *ctx, const struct container *c)
{
	struct deaths *all = ctx;
	struct watch_death *v = reallocarray(all->v, all->n + 1, sizeof(*v));

	if (v == NULL)
		abort();
	v[all->n] = (struct watch_death){.deaths = c->deaths};
	memcpy(v[all->n++].id, c->id, sizeof(c->id));
	all->v = v;
	return true;
}

struct watch_death *
watch_deaths(const struct engine *e, const char *project, size_t *ret_n)
{
	struct deaths all = {NULL, 0};

	engine_containers(e, project, add_deaths, &all);
	*ret_n = all.n;
	return all.v;
}

static const struct watch_death *
known_before(const struct look *l, const struct container *c)
{
	for (size_t i = 0; i < l->nbefore; i++) {
		if (str_eq(l->before[i].id, c->id))
			return &l->before[i];
	}
	return NULL;
}

static unsigned
deaths_of(const struct watch_death *before, const struct container *c)
{
	if (before != NULL)
		return c->deaths > before->deaths ? c->deaths - before->deaths : 0;
	/* One that this deploy made: it may have died faster than could be seen. */
	return c->deaths > c->restarts ? c->deaths : c->restarts;
}

static void
add_why(struct watch *w, const char *service, const char *what)
{
	runs_add_why(&w->why, service, what);
	if (!strv_has(&w->who, service))
		strv_add(&w->who, service);
}

/* What is bad is the reason, whatever else is still awaited. */
static void
bad(struct look *l, const char *what)
{
	if (l->watch->state != WATCH_BAD) {
		buf_reset(&l->watch->why);
		strv_done(&l->watch->who);
	}
	l->watch->state = WATCH_BAD;
	add_why(l->watch, l->facts->name, what);
}

static void
bad_exit(struct look *l, const char *what, const struct container *c)
{
	auto_free char *text = container_exit_text(what, c);

	bad(l, text);
}

static void
add_print(struct watch *w, const struct container *c, unsigned deaths)
{
	uint64_t print = 1469598103934665603u; /* FNV-1a */

	for (const char *p = c->id; *p != '\0'; p++)
		print = (print ^ (unsigned char)*p) * 1099511628211u;
	w->print += (print ^ deaths) * 1099511628211u; /* whatever their order */
}

/* It has no healthcheck. */
static void
look_ready(struct look *l, const struct container *c, unsigned deaths)
{
	const char *why = "";

	switch (l->asks->probe(l->asks->probes, c, &why)) {
	case PROBE_WAITS:
		l->waits_for = why;
		break;
	case PROBE_FAILED:
		bad(l, why);
		break;
	case PROBE_READY:
		l->good++;
		break;
	case PROBE_NOT_ASKED:
		l->good++;
		l->settles = true;
		add_print(l->watch, c, deaths);
	}
}

static void
look_running(struct look *l, const struct container *c, unsigned deaths)
{
	switch (c->health) {
	case HEALTH_UNHEALTHY:
		bad(l, "unhealthy");
		break;
	case HEALTH_HEALTHY:
		l->good++;
		break;
	case HEALTH_STARTING:
		l->waits_for = "its healthcheck has not passed yet";
		break;
	default:
		if (l->facts->healthcheck) {
			l->waits_for = "its healthcheck has not passed yet";
			break;
		}
		look_ready(l, c, deaths);
	}
}

static bool
is_well(const struct model_service *facts, const struct container *c)
{
	return runs_finished(facts, c) || (c->state == CONTAINER_RUNNING && c->health != HEALTH_UNHEALTHY) ||
	       c->state == CONTAINER_PAUSED;
}

static bool
look_at(void *ctx, const struct container *c)
{
	struct look *l = ctx;
	const struct watch_death *before = known_before(l, c);
	unsigned deaths = deaths_of(before, c);

	if (c->oneoff || !str_eq(c->service, l->facts->name) || (before != NULL && before->gone))
		return true;
	if (before != NULL && l->fresh && !is_well(l->facts, c)) {
		l->waits_for = container_state_text(c->state);
		return true;
	}
	if (deaths >= WATCH_DEATHS_MAX)
		bad_exit(
		    l, c->exit_code < 0 ? "dies again and again" : "dies again and again, last with exit status", c);
	else if (c->state == CONTAINER_RUNNING || c->state == CONTAINER_PAUSED)
		look_running(l, c, deaths);
	else if (runs_finished(l->facts, c))
		l->good++;
	else if (c->state == CONTAINER_EXITED && c->exit_code > 0 && l->facts->restart == MODEL_RESTART_NO)
		bad_exit(l, "exited with", c);
	else
		l->waits_for = container_state_text(c->state);
	return true;
}

void
watch_look(const struct engine *e, const char *project, const struct model_services *facts,
    const struct watch_death *before, size_t nbefore, bool fresh, const struct watch_asks *asks, struct watch *ret)
{
	ret->state = WATCH_GOOD;
	for (size_t i = 0; i < facts->n; i++) {
		struct look l = {.facts = &facts->v[i],
		    .before = before,
		    .nbefore = nbefore,
		    .fresh = fresh,
		    .asks = asks,
		    .watch = ret};

		if (asks->is_stopped(asks->ctx, facts->v[i].name))
			continue;
		engine_containers(e, project, look_at, &l);
		if (l.good < l.facts->scale && ret->state != WATCH_BAD) {
			ret->state = WATCH_WAIT;
			add_why(ret, l.facts->name, l.waits_for != NULL ? l.waits_for : "no container");
		} else if (l.settles && ret->state == WATCH_GOOD) {
			ret->state = WATCH_SETTLE;
		}
	}
}
