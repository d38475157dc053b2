/* Start-first, one container at a time: what is asked of the engine, in order. */
#include <stdlib.h>

#include "base/auto.h"
#include "base/log.h"
#include "core/deploy_switch.h"

struct move_kind {
	const char *what; /* "cannot <what> container 0123" */
	struct engine_req *(*ask)(
	    struct engine *e, const char *service, const struct move *m, engine_reply_fn *cb, void *ctx);
};

static struct engine_req *
ask_stop(struct engine *e, const char *service, const struct move *m, engine_reply_fn *cb, void *ctx)
{
	return engine_stop(e, service, m->container, SWITCH_STOP_MS, cb, ctx);
}

static struct engine_req *
ask_remove(struct engine *e, const char *service, const struct move *m, engine_reply_fn *cb, void *ctx)
{
	return engine_remove(e, service, m->container, cb, ctx);
}

static struct engine_req *
ask_start(struct engine *e, const char *service, const struct move *m, engine_reply_fn *cb, void *ctx)
{
	return engine_start(e, service, m->container, cb, ctx);
}

static struct engine_req *
ask_connect(struct engine *e, const char *service, const struct move *m, engine_reply_fn *cb, void *ctx)
{
	return engine_connect_network(e, service, m->network, m->container, &m->aliases, cb, ctx);
}

static struct engine_req *
ask_disconnect(struct engine *e, const char *service, const struct move *m, engine_reply_fn *cb, void *ctx)
{
	return engine_disconnect_network(e, service, m->network, m->container, cb, ctx);
}

static const struct move_kind stops = {"stop", ask_stop};
static const struct move_kind removes = {"remove", ask_remove};
static const struct move_kind starts = {"start", ask_start};
static const struct move_kind connects = {"connect", ask_connect};
static const struct move_kind disconnects = {"disconnect", ask_disconnect};

static struct move *
add(struct switching *sw, const struct move_kind *kind, const char *container, const char *network)
{
	struct move *all = reallocarray(sw->moves, sw->nmoves + 1, sizeof(*all));

	if (all == NULL)
		abort();
	sw->moves = all;
	all[sw->nmoves] = (struct move){
	    .kind = kind, .container = str_dup(container), .network = network != NULL ? str_dup(network) : NULL};
	return &all[sw->nmoves++];
}

void
moves_done(struct switching *sw)
{
	for (size_t i = 0; i < sw->nmoves; i++) {
		free(sw->moves[i].container);
		free(sw->moves[i].network);
		strv_done(&sw->moves[i].aliases);
	}
	free(TAKE(sw->moves));
	sw->nmoves = sw->next = 0;
}

void
moves_stop_and_remove(struct switching *sw, const struct strv *ids)
{
	for (size_t i = 0; i < ids->n; i++) {
		add(sw, &stops, ids->v[i], NULL);
		add(sw, &removes, ids->v[i], NULL);
	}
}

void
moves_start(struct switching *sw, const struct strv *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		add(sw, &starts, ids->v[i], NULL);
}

void
moves_reconnect(struct switching *sw, const struct strv *ids, bool with_names)
{
	const char *network;
	json_t *names, *name;
	size_t k;

	for (size_t i = 0; i < ids->n; i++) {
		json_object_foreach(json_object_get(sw->networks, ids->v[i]), network, names)
		{
			struct move *m;

			add(sw, &disconnects, ids->v[i], network);
			m = add(sw, &connects, ids->v[i], network);
			json_array_foreach(names, k, name)
			{
				if (with_names && json_is_string(name))
					strv_add(&m->aliases, json_string_value(name));
			}
		}
	}
}

static int next_move(struct switching *sw, struct err *err);

static void
on_moved(void *ctx, const struct engine_reply *reply)
{
	struct switching *sw = ctx;
	struct deploy *d = sw->d;
	const struct move *m = &sw->moves[sw->next];
	struct err err = ERR_INIT;
	int rc;

	d->req = NULL;
	if (reply->err->num != 0 && !sw->forgiving) {
		rc = switch_failed(sw, switch_blames(reply), "cannot %s its new container %.12s: %s", m->kind->what,
		    m->container, reply->err->msg);
	} else {
		if (reply->err->num != 0) {
			sw->left_over = true;
			log_warn("cannot %s container %.12s: %s service=%s", m->kind->what, m->container,
			    reply->err->msg, sw->d->svc->conf->name);
			task_sayf(sw->d->task, "cannot %s container %.12s: %s\n", m->kind->what, m->container,
			    reply->err->msg);
		}
		sw->next++;
		rc = next_move(sw, &err);
	}
	deploy_continue(d, rc, &err);
}

static int
next_move(struct switching *sw, struct err *err)
{
	const struct service *svc = sw->d->svc;
	const struct move *m;

	if (sw->next == sw->nmoves) {
		moves_done(sw);
		return sw->then(sw, err);
	}
	m = &sw->moves[sw->next];
	sw->d->req = m->kind->ask(svc->core->engine, svc->conf->name, m, on_moved, sw);
	return STEP_WAIT;
}

int
moves_run(struct switching *sw, bool forgiving, switch_fn *then, struct err *err)
{
	sw->forgiving = forgiving;
	sw->left_over = false;
	sw->then = then;
	return next_move(sw, err);
}
