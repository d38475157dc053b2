#include "core/proxy_targets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "core/app_names.h"
#include "core/service.h"
#include "engine/engine.h"

enum { NETWORKS_MAX = 4096 };

enum reach {
	REACH_ASKED, /* the engine is being asked */
	REACH_YES,   /* a bridge: the host has a leg in it */
	REACH_HOST,  /* the host's own addresses */
	REACH_NO,    /* an overlay, a macvlan, ...: the host cannot go there, or not by itself */
};

struct network {
	struct networks *all;
	char name[CONTAINER_NETWORK_MAX + 1];
	char id[CONTAINER_NETWORK_ID + 1];
	enum reach reach;
};

struct networks {
	struct network **v;
	size_t n;
	size_t oldest;
	void (*changed)(void *ctx);
	void *ctx;
};

struct networks *
networks_new(void (*changed)(void *ctx), void *ctx)
{
	struct networks *ns = calloc(1, sizeof(*ns));

	if (ns == NULL)
		abort();
	ns->changed = changed;
	ns->ctx = ctx;
	return ns;
}

static void
on_network(void *ctx, const struct engine_reply *reply)
{
	struct network *n = ctx;
	const char *driver = json_string_value(json_object_get(reply->body, "Driver"));
	struct networks *all = n->all;

	n->reach = driver == NULL	      ? REACH_NO
		   : str_eq(driver, "bridge") ? REACH_YES
		   : str_eq(driver, "host")   ? REACH_HOST
					      : REACH_NO;
	/* The engine was away: it is asked again. */
	if (reply->err->num != 0 && reply->err->num != EINVAL)
		n->name[0] = '\0';
	all->changed(all->ctx);
}

/* A place for one more; that of one that was looked at long ago when there are many. */
static struct network *
place_for_one(struct networks *ns)
{
	struct network *n;

	if (ns->n == NETWORKS_MAX) {
		ns->oldest = (ns->oldest + 1) % NETWORKS_MAX;
		n = ns->v[ns->oldest];
		return n->reach == REACH_ASKED ? NULL : n;
	}
	if ((ns->v = reallocarray(ns->v, ns->n + 1, sizeof(*ns->v))) == NULL || (n = calloc(1, sizeof(*n))) == NULL)
		abort();
	ns->v[ns->n++] = n;
	return n;
}

/* Another network may have taken the name since: the id tells. */
static enum reach
reach_of(struct core *core, struct networks *ns, const struct container_address *a)
{
	struct network *n;

	for (size_t i = 0; i < ns->n; i++) {
		if (str_eq(ns->v[i]->name, a->network) && str_eq(ns->v[i]->id, a->id))
			return ns->v[i]->reach;
	}
	if ((n = place_for_one(ns)) == NULL)
		return REACH_ASKED;
	*n = (struct network){.all = ns, .reach = REACH_ASKED};
	memcpy(n->name, a->network, sizeof(n->name));
	memcpy(n->id, a->id, sizeof(n->id));
	engine_network(core->engine, a->network, on_network, n);
	return REACH_ASKED;
}

/* --- one route --- */

struct search {
	struct core *core;
	struct networks *networks;
	const struct route *route;
	const json_t *switching; /* what start-first has in hand, or NULL */
	bool to_new;
	struct strv *found;
	bool asked;
};

/* Of a switch either the old containers are there for visitors or the new ones: never those that are only being made,
 * or that are about to go. */
static bool
is_out(const struct search *s, const struct container *c)
{
	const char *service = json_string_value(json_object_get(s->switching, "service"));
	bool old = false;
	size_t i;
	json_t *id;

	if (service == NULL || !str_eq(service, c->service))
		return false;
	json_array_foreach(json_object_get(s->switching, "old"), i, id)
	{
		old = old || str_eq(json_string_value(id) == NULL ? "" : json_string_value(id), c->id);
	}
	return s->to_new ? old : !old;
}

static bool
serves(const struct container *c)
{
	return c->state == CONTAINER_RUNNING && !c->oneoff && (c->health == HEALTH_NONE || c->health == HEALTH_HEALTHY);
}

/* Is it called that, alone or with a network behind ("web.edge")? *ret_network then is that network's name, else NULL.
 */
static bool
is_called(const struct container *c, const char *upstream, const char **ret_network)
{
	const char *const names[] = {c->service, c->name};

	*ret_network = NULL;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq(names[i], upstream))
			return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (names[i][0] != '\0' && str_starts(upstream, names[i]) && upstream[strlen(names[i])] == '.') {
			*ret_network = upstream + strlen(names[i]) + 1;
			return true;
		}
	}
	return false;
}

/* network NULL: any of its own. */
static enum target
find_address(struct core *core, struct networks *networks, const struct container *c, const char *network,
    char ret_ip[CONTAINER_ADDRESS_MAX])
{
	enum target none = TARGET_NONE;
	struct container_address a;
	const char *at = c->addresses;

	while (container_address(&at, &a)) {
		enum reach reach =
		    network == NULL || str_eq(network, a.network) ? reach_of(core, networks, &a) : REACH_NO;
		const char *ip = reach == REACH_HOST ? "127.0.0.1" : a.ip;

		if (reach == REACH_ASKED)
			none = TARGET_ASKED;
		if ((reach != REACH_YES && reach != REACH_HOST) || !upstream_ok(ip))
			continue;
		snprintf(ret_ip, CONTAINER_ADDRESS_MAX, "%s", ip);
		return none == TARGET_ASKED ? TARGET_ASKED : TARGET_FOUND;
	}
	return none;
}

enum target
target_address(
    struct core *core, struct networks *networks, const struct container *c, char ret_ip[CONTAINER_ADDRESS_MAX])
{
	return find_address(core, networks, c, NULL, ret_ip);
}

static void
add_address(struct search *s, const struct container *c, const char *network)
{
	char ip[CONTAINER_ADDRESS_MAX] = "";
	enum target target = find_address(s->core, s->networks, c, network, ip);

	s->asked = s->asked || target == TARGET_ASKED;
	if (target == TARGET_FOUND && s->found->n < UPSTREAMS_EACH_MAX && !strv_has(s->found, ip))
		strv_add(s->found, ip);
}

static bool
look_at(void *ctx, const struct container *c)
{
	struct search *s = ctx;
	const char *network;

	if (serves(c) && !is_out(s, c) && is_called(c, s->route->upstream, &network))
		add_address(s, c, network);
	return true;
}

/* What start-first has in hand for the service. */
struct hand {
	json_t *switching; /* NULL: nothing */
	bool to_new;
};

static void
hand_done(struct hand *h)
{
	json_decref(h->switching);
}

static struct hand
hand_of(const struct service *svc)
{
	const char *text = svc == NULL || svc->row.switching == NULL ? "" : svc->row.switching;
	json_t *switching = json_loads(text, 0, NULL);

	return (struct hand){.switching = switching,
	    .to_new = (svc != NULL && svc->switch_to_new) || json_is_true(json_object_get(switching, "drain"))};
}

/* Where a route leads; false: a network is being asked for. */
static bool
find(struct core *core, struct networks *networks, const struct route *r, const struct hand *hand, struct strv *found)
{
	struct search s = {.core = core,
	    .networks = networks,
	    .route = r,
	    .switching = hand->switching,
	    .to_new = hand->to_new,
	    .found = found};

	engine_containers(core->engine, r->service, look_at, &s);
	return !s.asked;
}

struct finding {
	struct core *core;
	struct networks *networks;
	struct upstreams *u;
	bool asked;
};

/* The port is that of the containers that visitors are led to. */
static void
find_app(void *ctx, const struct service *svc, const char *host)
{
	__attribute__((cleanup(hand_done))) struct hand hand = hand_of(svc);
	const struct app *app = svc->app;
	const struct app_web *web = app->next.service != NULL ? &app->next : &app->web;
	struct route r = {.service = svc->conf->name, .upstream = web->service, .port = web->port};
	struct finding *f = ctx;

	f->asked = !find(f->core, f->networks, &r, &hand, &upstreams_add_app(f->u, host, web->port)->to) || f->asked;
}

bool
targets_find(struct core *core, const struct routes *routes, struct networks *networks, struct upstreams *ret)
{
	struct upstreams u = {.v = calloc(routes->n + 1, sizeof(*u.v)), .n = routes->n};
	struct finding f = {.core = core, .networks = networks, .u = &u};

	if (u.v == NULL)
		abort();
	for (size_t i = 0; i < routes->n; i++) {
		const struct route *r = &routes->v[i];
		__attribute__((cleanup(hand_done))) struct hand hand = hand_of(core_service(core, r->service));

		f.asked = !find(core, networks, r, &hand, &u.v[i]) || f.asked;
	}
	names_each_led(core, find_app, &f);
	if (f.asked)
		upstreams_done(&u);
	else
		*ret = u;
	return !f.asked;
}
