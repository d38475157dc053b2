/* Start-first: the new containers of the swap in hand run where nobody finds them; are they healthy? */
#include <stdio.h>

#include "base/auto.h"
#include "core/deploy_switch.h"
#include "core/peek.h"
#include "core/watch.h"

struct health {
	const struct strv *ids;
	struct probes *probes;
	size_t healthy;
	const struct container *bad;
	char failed[ERR_MSG_MAX / 2]; /* what has no healthcheck will not get ready; "" */
};

static bool
is_bad(const struct container *c)
{
	return c->state == CONTAINER_EXITED || c->state == CONTAINER_DEAD || c->health == HEALTH_UNHEALTHY ||
	       c->deaths >= WATCH_DEATHS_MAX;
}

static bool
tally_health(void *ctx, const struct container *c)
{
	struct health *h = ctx;
	enum probe_state probe;
	const char *why = "";

	if (!strv_has(h->ids, c->id))
		return true;
	if (is_bad(c))
		h->bad = c;
	probe = probes_look(h->probes, c, &why);
	if (probe == PROBE_FAILED)
		snprintf(h->failed, sizeof(h->failed), "%s", why);
	h->healthy += c->state == CONTAINER_RUNNING && (c->health == HEALTH_HEALTHY || probe == PROBE_READY);
	return true;
}

static int
bad_container(struct switching *sw, const struct container *c)
{
	auto_free char *exited = container_exit_text("its new container exited with", c);

	if (c->health == HEALTH_UNHEALTHY)
		return switch_failed(sw, OUTCOME_UNHEALTHY, "its new container is unhealthy");
	if (c->state == CONTAINER_EXITED && c->exit_code >= 0)
		return switch_failed(sw, OUTCOME_UNHEALTHY, "%s", exited);
	return switch_failed(
	    sw, OUTCOME_UNHEALTHY, "its new container does not stay up: %s", container_state_text(c->state));
}

/* Healthy, bad, or on with it: STEP_WAIT. */
static int
look_at_health(struct switching *sw, struct err *err)
{
	struct deploy *d = sw->d;
	const struct swap *w = switch_in_hand(sw);
	const char *why = deploy_why_interrupted(d);
	struct health h = {.ids = &w->made, .probes = deploy_probes(d)};

	if (why != NULL) {
		d->left = d->release; /* and then the new ones are made again */
		return deploy_ends(d, OUTCOME_INTERRUPTED, "%s", why);
	}
	if (d->svc->core->engine_up)
		engine_containers(d->svc->core->engine, d->svc->conf->name, tally_health, &h);
	if (h.bad != NULL)
		return bad_container(sw, h.bad);
	if (h.failed[0] != '\0')
		return switch_failed(sw, OUTCOME_UNHEALTHY, "%s", h.failed);
	if (h.healthy < w->made.n && peek_yields(d))
		return switch_failed(sw, OUTCOME_UNHEALTHY,
		    "its new container was not healthy yet when the newer commit %.8s came, which goes first",
		    d->svc->newer);
	if (h.healthy < w->made.n)
		return STEP_WAIT;
	deploy_watch_end(d);
	return TAKE(sw->healthy)(sw, err);
}

static void
on_late(evutil_socket_t fd, short what, void *ctx)
{
	struct switching *sw = ctx;
	struct deploy *d = sw->d;
	struct err err = ERR_INIT;
	int64_t ms = deploy_health_timeout_ms(sw->d);

	(void)fd;
	(void)what;
	deploy_continue(d,
	    switch_failed(sw, sw->d->svc->core->engine_up ? OUTCOME_UNHEALTHY : OUTCOME_FAILED,
		"its new container is not healthy within %lld s", (long long)ms / 1000),
	    &err);
}

int
switch_await_health(struct switching *sw, switch_fn *healthy, struct err *err)
{
	struct deploy *d = sw->d;
	int64_t ms = deploy_health_timeout_ms(d);
	struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	sw->healthy = healthy;
	d->timer = evtimer_new(d->svc->core->base, on_late, sw);
	if (d->timer == NULL)
		abort();
	evtimer_add(d->timer, &tv);
	peek_begin(d);
	return look_at_health(sw, err);
}

bool
switch_on_containers(struct deploy *d)
{
	struct err err = ERR_INIT;

	if (d->sw == NULL || d->timer == NULL || d->sw->healthy == NULL)
		return false;
	deploy_continue(d, look_at_health(d->sw, &err), &err);
	return true;
}
