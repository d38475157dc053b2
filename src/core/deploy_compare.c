/* Start-first, before anything is touched: which containers differ from the release, and which of those can have the
 * new one beside them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "compose/start_first.h"
#include "core/deploy_switch.h"
#include "engine/container.h"
#include "engine/engine.h"

static const char *
image_of(const struct switching *sw, const char *service)
{
	const json_t *services = json_object_get(sw->approved, "services");

	return json_string_value(json_object_get(json_object_get(services, service), "image"));
}

struct like {
	const struct switching *sw;
	const json_t *was; /* images of the release that runs: {service: {"id": ID}} */
	bool found;
};

static bool
is_like(void *ctx, const struct container *c)
{
	struct like *like = ctx;
	const char *was = json_string_value(json_object_get(json_object_get(like->was, c->service), "id"));
	const char *image = image_of(like->sw, c->service);

	like->found = !c->oneoff && (was == NULL || image == NULL || !str_eq(c->image_id, was) || str_eq(was, image));
	return !like->found;
}

/* What runs the image of before, and is to run another one, differs: then compose, which would have to be started for
 * it, need not tell. An engine that calls images otherwise when it speaks of containers is not believed. */
static bool
may_be_alike(const struct switching *sw)
{
	const struct service *svc = sw->d->svc;
	auto_json json_t *was = svc->release.images != NULL ? json_loads(svc->release.images, 0, NULL) : NULL;
	struct like like = {.sw = sw, .was = was};

	engine_containers(svc->core->engine, svc->conf->name, is_like, &like);
	return like.found;
}

static int look_at_containers(struct deploy *d, const char *hashes);

int
step_compare(struct deploy *d, struct err *err)
{
	switch_free(TAKE(d->sw));
	if (!d->changed || d->previous == 0 || deploy_update(d) != MODEL_UPDATE_START_FIRST)
		return STEP_NEXT;
	if (!d->svc->core->engine_up)
		return err_set(err, EAGAIN, "the engine does not answer: %s", d->svc->core->engine_reason);
	d->sw = switch_new(d);
	d->sw->approved = model_parse(d->approved, strlen(d->approved), err);
	if (d->sw->approved == NULL)
		return -err->num;
	if (!may_be_alike(d->sw))
		return look_at_containers(d, "");
	return deploy_job(d, "hash", NULL, d->approved, strlen(d->approved), false);
}

static void
say(const struct switching *sw)
{
	for (size_t i = 0; i < sw->swaps.n; i++) {
		const struct swap *w = &sw->swaps.v[i];

		if (w->why == NULL)
			task_sayf(sw->d->task, "%s: the new beside the old\n", w->service);
		else if (!w->fresh)
			task_sayf(sw->d->task, "%s: replaced in place: %s\n", w->service, w->why);
	}
}

static int
ask_image(struct deploy *d, size_t i, engine_reply_fn *cb, struct err *err)
{
	const struct swap *w = &d->sw->swaps.v[i];
	const char *image;

	(void)err;
	if (w->why != NULL)
		return STEP_NEXT;
	image = image_of(d->sw, w->service);
	d->req = engine_image(d->svc->core->engine, image != NULL ? image : "", cb, d);
	return STEP_WAIT;
}

static int
got_image(struct deploy *d, size_t i, const struct engine_reply *reply, struct err *err)
{
	struct swap *w = &d->sw->swaps.v[i];

	(void)err;
	w->why = reply->missing ? "its image is not there" : image_in_place(d->sw->approved, w->service, reply->body);
	return 0;
}

static int
compared(struct deploy *d, struct err *err)
{
	(void)err;
	swaps_order(&d->sw->swaps, d->sw->approved);
	say(d->sw);
	return STEP_NEXT;
}

static int
look_at_images(struct switching *sw, struct err *err)
{
	return deploy_ask_each(sw->d, &(struct asking){sw->swaps.n, ask_image, got_image, compared}, err);
}

static bool
is_stopped(const void *ctx, const char *compose_service)
{
	return service_stopped(ctx, compose_service);
}

static void
find_swaps(struct switching *sw, const json_t *list)
{
	struct err err = ERR_INIT;

	/* The model was read before: what fails here fails there. */
	swaps_find(sw->approved, sw->d->svc->conf->name, sw->hashes, list, is_stopped, sw->d->svc, &sw->swaps, &err);
}

static int
not_listed(struct switching *sw, const char *why, struct err *err)
{
	(void)sw;
	return err_set(err, EIO, "%s", why);
}

static int
look_at_containers(struct deploy *d, const char *hashes)
{
	d->sw->hashes = str_dup(hashes);
	return switch_list(d->sw, find_swaps, look_at_images, not_listed);
}

int
step_compare_done(struct deploy *d, const struct job_result *r, struct err *err)
{
	(void)err;
	return look_at_containers(d, r->out);
}

/* --- when all of it has been switched --- */

static bool
is_made(const struct switching *sw, const char *id)
{
	for (size_t i = 0; i < sw->swaps.n; i++) {
		if (strv_has(&sw->swaps.v[i].made, id))
			return true;
	}
	return false;
}

static void
find_others(struct switching *sw, const json_t *list)
{
	struct container c;
	json_t *entry;
	size_t i, running = 0, wanted = 0;

	sw->whole = true;
	json_array_foreach(list, i, entry)
	{
		bool read = container_from_list(&c, entry);

		sw->whole = sw->whole && read && (c.oneoff || is_made(sw, c.id));
		running += read && !c.oneoff && c.state == CONTAINER_RUNNING;
	}
	for (i = 0; i < sw->swaps.n; i++)
		wanted += (size_t)sw->swaps.v[i].wanted;
	sw->whole = sw->whole && running == wanted;
}

static int
others_found(struct switching *sw, struct err *err)
{
	return switch_up(sw->d, sw->whole, err);
}

static int
not_seen(struct switching *sw, const char *why, struct err *err)
{
	(void)why;
	return switch_up(sw->d, false, err);
}

bool
switch_may_be_whole(const struct deploy *d)
{
	auto_model_services struct model_services facts = {NULL, 0};
	struct err err = ERR_INIT;
	const struct switching *sw = d->sw;

	if (sw == NULL || sw->left_over || d->svc->row.stopped[0] != '\0' ||
	    model_service_facts(d->model, &facts, &err) < 0 || facts.n != sw->swaps.n)
		return false;
	for (size_t i = 0; i < sw->swaps.n; i++) {
		if (sw->swaps.v[i].made.n == 0)
			return false;
	}
	return true;
}

int
switch_look_whole(struct deploy *d)
{
	return switch_list(d->sw, find_others, others_found, not_seen);
}
