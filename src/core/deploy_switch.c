/* Start-first: for each compose service in turn, the new containers are made beside the old ones, started where nobody
 * finds them, given the names when they are healthy; then the old ones are drained and removed. Whatever fails before
 * that leaves the old ones as they were. What is in hand is written down first, so that a later pgod can clean up. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "core/deploy_switch.h"

enum { SHORT_ID = 12 }; /* hex digits of a container's id that are a name in its networks */

static int next_swap(struct switching *sw, struct err *err);

struct switching *
switch_new(struct deploy *d)
{
	struct switching *sw = calloc(1, sizeof(*sw));

	if (sw == NULL)
		abort();
	sw->d = d;
	sw->was_touched = d->touched;
	return sw;
}

void
switch_free(struct switching *sw)
{
	if (sw == NULL)
		return;
	switch_unroute(sw);
	json_decref(sw->approved);
	json_decref(sw->networks);
	free(sw->hashes);
	swaps_done(&sw->swaps);
	moves_done(sw);
	free(sw);
}

enum outcome
switch_blames(const struct engine_reply *reply)
{
	return reply->status == 0 ? OUTCOME_FAILED : OUTCOME_UNHEALTHY;
}

static const char *
project(const struct switching *sw)
{
	return sw->d->svc->conf->name;
}

/* --- looking at what there is --- */

static void
on_list(void *ctx, const struct engine_reply *reply)
{
	struct switching *sw = ctx;
	struct deploy *d = sw->d;
	struct err err = ERR_INIT;
	int rc;

	d->req = NULL;
	if (reply->err->num != 0)
		rc = sw->unlisted(sw, reply->err->msg, &err);
	else {
		sw->listed(sw, reply->body);
		rc = sw->then(sw, &err);
	}
	deploy_continue(d, rc, &err);
}

int
switch_list(struct switching *sw, void (*listed)(struct switching *sw, const json_t *list), switch_fn *then,
    int (*unlisted)(struct switching *sw, const char *why, struct err *err))
{
	sw->listed = listed;
	sw->then = then;
	sw->unlisted = unlisted;
	sw->d->req = engine_list(sw->d->svc->core->engine, project(sw), on_list, sw);
	return STEP_WAIT;
}

/* --- what is written down --- */

/* {"service": "web", "old": [ids], "drain": false}. drain: the old ones are the ones to go. */
static int
write_down(struct switching *sw, bool drain, struct err *err)
{
	const struct swap *w = switch_in_hand(sw);
	auto_json json_t *old = json_array();
	auto_json json_t *all = NULL;
	auto_free char *text = NULL;

	for (size_t i = 0; i < w->old.n; i++)
		json_array_append_new(old, json_string(w->old.v[i]));
	all = json_pack("{ss sO sb}", "service", w->service, "old", old, "drain", drain);
	text = json_dumps(all, JSON_COMPACT);
	if (text == NULL)
		abort();
	str_set(&sw->d->svc->row.switching, text);
	return service_save(sw->d->svc, err);
}

static void
forget(struct switching *sw)
{
	str_set(&sw->d->svc->row.switching, "");
	service_save(sw->d->svc, NULL);
}

/* --- cleaning up --- */

static void
find_half_made(struct switching *sw, const json_t *list)
{
	auto_strv struct strv half_made = {NULL, 0};
	const struct swap *w = switch_in_hand(sw);

	swaps_ids(list, project(sw), w->service, &w->old, &half_made);
	moves_stop_and_remove(sw, &half_made);
}

static int
failure_told(struct switching *sw, struct err *err)
{
	struct deploy *d = sw->d;

	(void)err;
	if (!sw->left_over)
		forget(sw);
	if (!sw->drained && !sw->left_over)
		d->touched = sw->was_touched;
	if (d->mode != DEPLOY_BACK)
		return deploy_ends(d, sw->failed_as, "switch: %s", sw->failed_why);
	/* The good release comes back in any case, if not this way, then in place. */
	task_sayf(d->task, "switch: %s; replaced in place\n", sw->failed_why);
	return STEP_NEXT;
}

static int
remove_half_made(struct switching *sw, struct err *err)
{
	return moves_run(sw, true, failure_told, err);
}

static int
not_cleaned(struct switching *sw, const char *why, struct err *err)
{
	log_warn("new containers may lie about: %s service=%s", why, project(sw));
	sw->left_over = true;
	return failure_told(sw, err);
}

static int
clean_up(struct deploy *d, struct err *err)
{
	(void)err;
	return switch_list(d->sw, find_half_made, remove_half_made, not_cleaned);
}

struct numbers {
	const struct strv *ids;
	int first; /* of compose; 0: none of them is there */
};

static bool
find_number(void *ctx, const struct container *c)
{
	struct numbers *n = ctx;

	if (n->first == 0 && strv_has(n->ids, c->id))
		n->first = c->number;
	return n->first == 0;
}

/* What the new container has said goes with it. */
static int
hear_and_clean_up(struct switching *sw)
{
	struct deploy *d = sw->d;
	struct numbers n = {.ids = &switch_in_hand(sw)->made};
	auto_strv struct strv who = {NULL, 0};
	struct err err = ERR_INIT;

	engine_containers(d->svc->core->engine, project(sw), find_number, &n);
	if (n.first > 0 && sw->failed_as == OUTCOME_UNHEALTHY)
		strv_add(&who, switch_in_hand(sw)->service);
	return deploy_last_words(d, &who, n.first, clean_up, &err);
}

int
switch_failed(struct switching *sw, enum outcome outcome, const char *fmt, ...)
{
	int n = snprintf(sw->failed_why, sizeof(sw->failed_why), "%s: ", switch_in_hand(sw)->service);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sw->failed_why + n, sizeof(sw->failed_why) - (size_t)n, fmt, ap);
	va_end(ap);
	sw->failed_as = outcome;
	sw->healthy = NULL;
	deploy_watch_end(sw->d);
	switch_unled(sw);
	moves_done(sw);
	return hear_and_clean_up(sw);
}

/* --- one compose service --- */

static int
drained(struct switching *sw, struct err *err)
{
	if (!sw->left_over)
		forget(sw);
	switch_unroute(sw);
	sw->at++;
	return next_swap(sw, err);
}

/* From here on the new ones are what runs, whatever becomes of the old. */
static int
drain(struct switching *sw, struct err *err)
{
	int rc = write_down(sw, true, err);

	if (rc < 0)
		return switch_failed(sw, OUTCOME_FAILED, "%s", err->msg);
	sw->drained = true;
	moves_stop_and_remove(sw, &switch_in_hand(sw)->old);
	return moves_run(sw, true, drained, err);
}

static int
lead_there(struct switching *sw, struct err *err)
{
	return switch_route(sw, drain, err);
}

static int
give_names(struct switching *sw, struct err *err)
{
	moves_reconnect(sw, &switch_in_hand(sw)->made, true);
	return moves_run(sw, false, lead_there, err);
}

static int
await_healthy(struct switching *sw, struct err *err)
{
	return switch_await_health(sw, give_names, err);
}

static int
start_hidden(struct switching *sw, struct err *err)
{
	const struct strv *made = &switch_in_hand(sw)->made;

	moves_reconnect(sw, made, false);
	moves_start(sw, made);
	return moves_run(sw, false, await_healthy, err);
}

/* Its networks and the names that compose gave it there. The engine adds the beginning of the id by itself. */
static json_t *
names_in_networks(const json_t *inspect, const char *id)
{
	const json_t *networks = json_object_get(json_object_get(inspect, "NetworkSettings"), "Networks");
	json_t *all = json_object(), *settings, *alias;
	const char *network;
	size_t i;

	json_object_foreach((json_t *)networks, network, settings)
	{
		json_t *names = json_array();

		json_array_foreach(json_object_get(settings, "Aliases"), i, alias)
		{
			const char *s = json_string_value(alias);

			if (s != NULL && strncmp(id, s, SHORT_ID) != 0)
				json_array_append(names, alias);
		}
		json_object_set_new(all, network, names);
	}
	return all;
}

static int next_inspect(struct switching *sw, struct err *err);

static void
on_inspect(void *ctx, const struct engine_reply *reply)
{
	struct switching *sw = ctx;
	struct deploy *d = sw->d;
	const char *id = switch_in_hand(sw)->made.v[sw->looking];
	struct err err = ERR_INIT;
	int rc;

	d->req = NULL;
	if (reply->err->num != 0)
		rc = switch_failed(sw, switch_blames(reply), "%s", reply->err->msg);
	else if (reply->missing)
		rc = switch_failed(sw, OUTCOME_FAILED, "its new container %.12s was removed", id);
	else {
		json_object_set_new(sw->networks, id, names_in_networks(reply->body, id));
		sw->looking++;
		rc = next_inspect(sw, &err);
	}
	deploy_continue(d, rc, &err);
}

static int
next_inspect(struct switching *sw, struct err *err)
{
	const struct strv *made = &switch_in_hand(sw)->made;

	if (sw->looking == made->n)
		return start_hidden(sw, err);
	sw->d->req = engine_inspect(sw->d->svc->core->engine, made->v[sw->looking], on_inspect, sw);
	return STEP_WAIT;
}

static void
find_made(struct switching *sw, const json_t *list)
{
	struct swap *w = switch_in_hand(sw);

	swaps_ids(list, project(sw), w->service, &w->old, &w->made);
}

static int
inspect_made(struct switching *sw, struct err *err)
{
	const struct swap *w = switch_in_hand(sw);

	if (w->made.n != (size_t)w->wanted)
		return switch_failed(
		    sw, OUTCOME_FAILED, "compose made %zu new containers instead of %d", w->made.n, w->wanted);
	json_decref(sw->networks);
	sw->networks = json_object();
	sw->looking = 0;
	return next_inspect(sw, err);
}

static int
made_not_listed(struct switching *sw, const char *why, struct err *err)
{
	(void)err;
	return switch_failed(sw, OUTCOME_FAILED, "%s", why);
}

int
step_switch_done(struct deploy *d, const struct job_result *r, struct err *err)
{
	(void)r;
	(void)err;
	return switch_list(d->sw, find_made, inspect_made, made_not_listed);
}

int
step_switch_failed(struct deploy *d, const struct job_result *r, struct err *err)
{
	bool killed = r->status < 0 || r->status > 128;
	char reason[ERR_MSG_MAX / 4];

	(void)err;
	return switch_failed(d->sw, killed || !d->svc->core->engine_up ? OUTCOME_FAILED : OUTCOME_UNHEALTHY, "%s",
	    job_reason(r, reason, sizeof(reason)));
}

static int
next_swap(struct switching *sw, struct err *err)
{
	auto_strv struct strv args = {NULL, 0};
	struct swap *w;
	int rc;

	while (sw->at < sw->swaps.n && switch_in_hand(sw)->why != NULL)
		sw->at++;
	if (sw->at == sw->swaps.n)
		return STEP_NEXT;
	w = switch_in_hand(sw);
	rc = write_down(sw, false, err);
	if (rc < 0)
		return rc;
	sw->d->touched = true;
	strv_add(&args, "--scale");
	strv_add_take(&args, str_printf("%s=%zu", w->service, w->old.n + (size_t)w->wanted));
	strv_add(&args, w->service);
	return deploy_job(sw->d, "create", &args, sw->d->approved, strlen(sw->d->approved), true);
}

int
step_switch(struct deploy *d, struct err *err)
{
	return d->sw == NULL ? STEP_NEXT : next_swap(d->sw, err);
}
