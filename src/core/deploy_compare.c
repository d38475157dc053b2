/* Start-first, before anything is touched: which containers differ from the release, and which of those can have the
 * new one beside them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "compose/start_first.h"
#include "core/deploy_switch.h"

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

static const char *
image_of(const struct switching *sw, const char *service)
{
	const json_t *services = json_object_get(sw->approved, "services");

	return json_string_value(json_object_get(json_object_get(services, service), "image"));
}

static int next_image(struct switching *sw, struct err *err);

static void
on_image(void *ctx, const struct engine_reply *reply)
{
	struct switching *sw = ctx;
	struct deploy *d = sw->d;
	struct swap *w = &sw->swaps.v[sw->looking++];
	struct err err = ERR_INIT;

	d->req = NULL;
	if (reply->err->num != 0) {
		switch_go_on(d, err_set(&err, EIO, "%s", reply->err->msg), &err);
		return;
	}
	w->why = reply->missing ? "its image is not there" : image_in_place(sw->approved, w->service, reply->body);
	switch_go_on(d, next_image(sw, &err), &err);
}

static int
next_image(struct switching *sw, struct err *err)
{
	struct swaps *s = &sw->swaps;
	const char *image;

	(void)err;
	while (sw->looking < s->n && s->v[sw->looking].why != NULL)
		sw->looking++;
	if (sw->looking == s->n) {
		swaps_order(s, sw->approved);
		say(sw);
		return STEP_NEXT;
	}
	image = image_of(sw, s->v[sw->looking].service);
	sw->d->req = engine_image(sw->d->svc->core->engine, image != NULL ? image : "", on_image, sw);
	return STEP_WAIT;
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

int
step_compare_done(struct deploy *d, const struct job_result *r, struct err *err)
{
	(void)err;
	d->sw->hashes = str_dup(r->out);
	return switch_list(d->sw, find_swaps, next_image, not_listed);
}
