#include "core/oneoff.h"

#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "core/service.h"
#include "engine/engine.h"

/* Compose names no container so: it puts its service behind the project's name, and a random word behind that. */
#define MARK "-pgo-run-"

static bool
is_ours(const struct service *svc, const struct container *c)
{
	size_t len = strlen(svc->conf->name);

	return c->oneoff && strncmp(c->name, svc->conf->name, len) == 0 && str_starts(c->name + len, MARK);
}

char *
oneoff_begin(struct service *svc)
{
	static unsigned last;
	char *name = str_printf("%s" MARK "%llx-%x", svc->conf->name, io_wall_ms(), ++last);

	strv_add(&svc->oneoffs.wanted, name);
	return name;
}

void
oneoff_end(struct service *svc, const char *name)
{
	struct strv left = {NULL, 0};

	for (size_t i = 0; i < svc->oneoffs.wanted.n; i++) {
		if (!str_eq(svc->oneoffs.wanted.v[i], name))
			strv_add(&left, svc->oneoffs.wanted.v[i]);
	}
	strv_done(&svc->oneoffs.wanted);
	svc->oneoffs.wanted = left;
	oneoff_sweep(svc);
}

static bool
find(void *ctx, const struct container *c)
{
	struct service *svc = ctx;
	struct oneoffs *o = &svc->oneoffs;

	if (!is_ours(svc, c) || strv_has(&o->wanted, c->name) || strv_has(&o->stuck, c->id) ||
	    c->state == CONTAINER_REMOVING)
		return true;
	o->id = str_dup(c->id);
	return false;
}

static void
ended(struct service *svc, const struct engine_reply *reply)
{
	struct oneoffs *o = &svc->oneoffs;

	if (reply->err->num != 0 && !reply->missing) {
		log_warn(
		    "container %.12s of run cannot be removed: %s service=%s", o->id, reply->err->msg, svc->conf->name);
		strv_add(&o->stuck, o->id);
	}
	free(TAKE(o->id));
	oneoff_sweep(svc);
}

static void
on_removed(void *ctx, const struct engine_reply *reply)
{
	struct service *svc = ctx;

	svc->oneoffs.req = NULL;
	/* Until its event has come it is in the view. */
	if (reply->err->num == 0 || reply->missing)
		strv_add(&svc->oneoffs.stuck, svc->oneoffs.id);
	ended(svc, reply);
}

static void
on_stopped(void *ctx, const struct engine_reply *reply)
{
	struct service *svc = ctx;

	svc->oneoffs.req = NULL;
	if (reply->err->num != 0)
		ended(svc, reply);
	else
		svc->oneoffs.req = engine_remove(svc->core->engine, svc->conf->name, svc->oneoffs.id, on_removed, svc);
}

void
oneoff_sweep(struct service *svc)
{
	struct oneoffs *o = &svc->oneoffs;

	if (o->id != NULL || !svc->core->engine_up || svc->core->quitting)
		return;
	engine_containers(svc->core->engine, svc->conf->name, find, svc);
	if (o->id == NULL)
		return;
	log_info("removing container %.12s of run, which nobody waits for service=%s", o->id, svc->conf->name);
	o->req = engine_stop(svc->core->engine, svc->conf->name, o->id, 0, on_stopped, svc);
}

void
oneoff_sweep_again(struct service *svc)
{
	strv_done(&svc->oneoffs.stuck);
	oneoff_sweep(svc);
}

void
oneoff_done(struct oneoffs *o)
{
	engine_cancel(o->req);
	strv_done(&o->wanted);
	strv_done(&o->stuck);
	free(TAKE(o->id));
}
