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

int
step_compare_done(struct deploy *d, const struct job_result *r, struct err *err)
{
	(void)err;
	d->sw->hashes = str_dup(r->out);
	return switch_list(d->sw, find_swaps, look_at_images, not_listed);
}
