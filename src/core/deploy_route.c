/* Start-first, where a proxy leads to this service: it leads to the new containers before the old ones go,
 * or the old ones stay. */
#include "base/auto.h"
#include "compose/web.h"
#include "core/app_names.h"
#include "core/deploy_switch.h"
#include "core/lead.h"
#include "core/proxy.h"
#include "engine/engine.h"

enum {
	/* nginx's old processes take new requests for a moment after the reload, and send them where they know. They
	 * are waited for as long as they live, and this at most: one of them may have a visitor for hours. */
	ROUTE_LINGER_MS = 2000,
};

static int next_look(struct switching *sw, struct err *err);

static void
go_on(struct switching *sw)
{
	struct err err = ERR_INIT;

	deploy_continue(sw->d, TAKE(sw->routed)(sw, &err), &err);
}

static void
on_lingered(evutil_socket_t fd, short what, void *ctx)
{
	struct switching *sw = ctx;

	(void)fd;
	(void)what;
	proxy_abandon(TAKE(sw->left));
	go_on(sw);
}

static void
on_left(void *ctx, const char *error)
{
	struct switching *sw = ctx;

	(void)error;
	sw->left = NULL;
	event_del(sw->linger);
	go_on(sw);
}

static int
linger(struct switching *sw)
{
	static const struct timeval tv = {ROUTE_LINGER_MS / 1000, 0};

	if (sw->linger == NULL)
		sw->linger = evtimer_new(sw->d->svc->core->base, on_lingered, sw);
	if (sw->linger == NULL || event_add(sw->linger, &tv) < 0)
		abort();
	sw->left = proxy_await_left(sw->d->svc->core, on_left, sw);
	return STEP_WAIT;
}

/* A proxy in a container finds the new ones by the same name; nothing but another port is news to it. */
static void
on_led(void *ctx, enum lead how, const char *why)
{
	struct switching *sw = ctx;
	struct err err = ERR_INIT;
	int rc;

	sw->wait = NULL;
	if (how == LEAD_DONE) {
		rc = sw->d->svc->core->conf->proxied ? linger(sw) : TAKE(sw->routed)(sw, &err);
	} else {
		sw->routed = NULL;
		rc = switch_failed(sw, OUTCOME_FAILED, "the proxy does not lead to its new container: %s", why);
	}
	deploy_continue(sw->d, rc, &err);
}

/* The port of an app may be another one from this release on. */
static void
take_port(struct switching *sw, const json_t *approved)
{
	const char *service = NULL;
	int port;

	if (sw->d->svc->app != NULL && model_web(sw->approved, &service, &port) &&
	    str_eq(service, switch_in_hand(sw)->service))
		names_next(sw->d->svc, approved);
}

static int
await(struct switching *sw, struct err *err)
{
	struct service *svc = sw->d->svc;

	svc->switch_to_new = true;
	take_port(sw, sw->approved);
	sw->wait = lead_await(svc->core, svc->conf->name, on_led, sw);
	return sw->wait == NULL ? TAKE(sw->routed)(sw, err) : STEP_WAIT;
}

/* What the view knows of a new container's addresses may be of before it was given its names. */
static void
on_looked(void *ctx, const struct engine_reply *reply)
{
	struct switching *sw = ctx;
	struct err err = ERR_INIT;
	int rc;

	sw->d->req = NULL;
	engine_saw(sw->d->svc->core->engine, reply);
	if (reply->err->num != 0) {
		rc = switch_failed(sw, switch_blames(reply), "%s", reply->err->msg);
	} else {
		sw->looking++;
		rc = next_look(sw, &err);
	}
	deploy_continue(sw->d, rc, &err);
}

static int
next_look(struct switching *sw, struct err *err)
{
	const struct strv *made = &switch_in_hand(sw)->made;

	if (sw->looking == made->n)
		return await(sw, err);
	sw->d->req = engine_inspect(sw->d->svc->core->engine, made->v[sw->looking], on_looked, sw);
	return STEP_WAIT;
}

static bool
is_led_to(const struct service *svc)
{
	return (svc->core->conf->proxied && svc->conf->urls.n > 0) || (svc->app != NULL && names_led(svc));
}

int
switch_route(struct switching *sw, switch_fn *then, struct err *err)
{
	if (!is_led_to(sw->d->svc))
		return then(sw, err);
	task_sayf(sw->d->task, "%s: the proxy is led to the new container\n", switch_in_hand(sw)->service);
	sw->routed = then;
	sw->looking = 0;
	return next_look(sw, err);
}

void
switch_unled(struct switching *sw)
{
	take_port(sw, NULL);
	switch_unroute(sw);
}

void
switch_unroute(struct switching *sw)
{
	struct service *svc = sw->d->svc;

	lead_abandon(TAKE(sw->wait));
	proxy_abandon(TAKE(sw->left));
	if (sw->linger != NULL)
		event_free(TAKE(sw->linger));
	sw->routed = NULL;
	if (svc->switch_to_new)
		lead_changed(svc->core, svc->conf->name);
	svc->switch_to_new = false;
}
