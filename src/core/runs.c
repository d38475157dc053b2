#include "core/runs.h"

#include <string.h>

#include "base/auto.h"
#include "engine/engine.h"

struct tally {
	const struct model_service *facts;
	struct runs *runs;
	int good; /* run, or have finished well */
	const struct container *bad;
	bool all_restart; /* every bad one will be restarted by the engine */
};

void
runs_done(struct runs *r)
{
	strv_done(&r->missing);
	strv_done(&r->unhealthy);
	strv_done(&r->finished);
	strv_done(&r->doubtful);
	buf_done(&r->why);
}

static bool
restarts(const struct model_service *facts, const struct container *c)
{
	switch (facts->restart) {
	case MODEL_RESTART_ALWAYS:
	case MODEL_RESTART_UNLESS_STOPPED:
		return true;
	case MODEL_RESTART_ON_FAILURE:
		return c->exit_code != 0;
	default:
		return false;
	}
}

bool
runs_finished(const struct model_service *facts, const struct container *c)
{
	return c->state == CONTAINER_EXITED && c->exit_code == 0 &&
	       (facts->restart == MODEL_RESTART_NO || facts->restart == MODEL_RESTART_ON_FAILURE);
}

void
runs_add_why(struct buf *why, const char *service, const char *what)
{
	if (why->len > 0)
		buf_str_add(why, "; ");
	buf_vis(why, service, strlen(service), false);
	buf_printf(why, ": %s", what);
}

static bool
count_container(void *ctx, const struct container *c)
{
	struct tally *t = ctx;

	if (c->oneoff || !str_eq(c->service, t->facts->name))
		return true;
	switch (c->state) {
	case CONTAINER_RUNNING:
	case CONTAINER_PAUSED:
		t->good++;
		if (c->health == HEALTH_UNHEALTHY) {
			t->runs->dying = true;
			if (!strv_has(&t->runs->unhealthy, c->service))
				strv_add(&t->runs->unhealthy, c->service);
			runs_add_why(&t->runs->why, c->service, "unhealthy");
		}
		break;
	case CONTAINER_RESTARTING:
		t->good++;
		t->runs->dying = true;
		runs_add_why(&t->runs->why, c->service,
		    c->oom ? "restarts again and again (out of memory)" : "restarts again and again");
		break;
	default:
		if (runs_finished(t->facts, c)) {
			t->good++;
			if (!strv_has(&t->runs->finished, c->service))
				strv_add(&t->runs->finished, c->service);
			if (!c->ended_alone && !strv_has(&t->runs->doubtful, c->service))
				strv_add(&t->runs->doubtful, c->service);
			break;
		}
		t->bad = c;
		if (c->state != CONTAINER_EXITED || !restarts(t->facts, c))
			t->all_restart = false;
	}
	return true;
}

static void
judge(struct runs *r, const struct tally *t)
{
	auto_free char *text = NULL;

	if (t->good >= t->facts->scale)
		return;
	strv_add(&r->missing, t->facts->name);
	if (t->bad == NULL) {
		r->engine_restarts = false;
		runs_add_why(&r->why, t->facts->name, "no container");
		return;
	}
	if (!t->all_restart)
		r->engine_restarts = false;
	if (t->bad->state == CONTAINER_EXITED && t->bad->exit_code >= 0)
		text = container_exit_text("exited with", t->bad);
	else
		text = str_dup(container_state_text(t->bad->state));
	runs_add_why(&r->why, t->facts->name, text);
}

static bool
count_all(void *ctx, const struct container *c)
{
	struct runs *r = ctx;

	if (c->oneoff)
		return true;
	r->containers++;
	if (c->state == CONTAINER_RUNNING || c->state == CONTAINER_PAUSED || c->state == CONTAINER_RESTARTING)
		r->running++;
	return true;
}

void
runs_look(const struct engine *e, const char *project, const struct model_services *facts,
    bool (*is_stopped)(const void *ctx, const char *service), const void *ctx, struct runs *ret)
{
	engine_containers(e, project, count_all, ret);
	ret->engine_restarts = true;
	for (size_t i = 0; i < facts->n; i++) {
		struct tally t = {.facts = &facts->v[i], .runs = ret, .all_restart = true};

		if (is_stopped(ctx, facts->v[i].name))
			continue;
		engine_containers(e, project, count_container, &t);
		judge(ret, &t);
	}
	if (ret->missing.n == 0)
		ret->engine_restarts = false;
}
