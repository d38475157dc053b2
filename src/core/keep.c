#include "core/keep.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "compose/json.h"
#include "compose/model.h"
#include "core/store.h"
#include "engine/engine.h"

struct keep {
	struct core *core;
	char *service;
	struct strv images;
	size_t at;
	struct engine_req *req;
	void (*done)(void *ctx);
	void *ctx;
};

static bool
add_images(void *ctx, const struct store_release *r)
{
	auto_json json_t *images = json_loads(r->images, 0, NULL);
	const char *name;
	json_t *image;

	json_object_foreach(images, name, image)
	{
		const char *id = json_string_value(json_object_get(image, "id"));

		if (id != NULL)
			strv_add(ctx, id);
	}
	return true;
}

int
keep_unneeded(struct store *st, const char *service, struct strv *ret, struct err *err)
{
	auto_strv struct strv kept = {NULL, 0};
	auto_strv struct strv needed = {NULL, 0};
	int rc = store_images_kept(st, service, &kept, err);

	if (rc >= 0)
		rc = store_release_each(st, service, add_images, &needed, err);
	for (size_t i = 0; rc >= 0 && i < kept.n; i++) {
		if (!strv_has(&needed, kept.v[i]))
			strv_add(ret, kept.v[i]);
	}
	return rc;
}

static void next_image(struct keep *k);

/* By its ID; or by its name in a registry, which has the service's in it. */
static struct engine_req *
untag(struct keep *k, const char *image, engine_reply_fn *cb)
{
	auto_free char *end = str_printf("/%s", k->service);
	const char *version = strrchr(image, ':');
	auto_free char *name = str_printf("%.*s", version == NULL ? 0 : (int)(version - image), image);

	if (str_starts(image, "sha256:") || !str_ends(name, end))
		return engine_untag(k->core->engine, k->service, image, cb, k);
	name[strlen(name) - strlen(end)] = '\0';
	return engine_unpublish(k->core->engine, k->service, name, version + 1, cb, k);
}

static void
on_untagged(void *ctx, const struct engine_reply *reply)
{
	struct keep *k = ctx;
	struct err err = ERR_INIT;

	k->req = NULL;
	if (reply->err->num != 0)
		log_info("an image of an earlier release stays: %s service=%s image=%.19s", reply->err->msg, k->service,
		    k->images.v[k->at]);
	else if (store_image_kept(k->core->store, k->service, k->images.v[k->at], false, &err) < 0)
		log_err("%s service=%s", err.msg, k->service);
	k->at++;
	next_image(k);
}

static void
next_image(struct keep *k)
{
	void (*done)(void *) = k->done;
	void *ctx = k->ctx;

	if (k->at < k->images.n) {
		k->req = untag(k, k->images.v[k->at], on_untagged);
		return;
	}
	keep_abandon(k);
	done(ctx);
}

struct keep *
keep_drop(struct core *core, const char *service, const struct strv *images, void (*done)(void *ctx), void *ctx)
{
	struct keep *k = calloc(1, sizeof(*k));

	if (k == NULL)
		abort();
	k->core = core;
	k->service = str_dup(service);
	k->done = done;
	k->ctx = ctx;
	for (size_t i = 0; i < images->n; i++)
		strv_add(&k->images, images->v[i]);
	next_image(k);
	return k;
}

void
keep_abandon(struct keep *k)
{
	if (k == NULL)
		return;
	engine_cancel(k->req);
	strv_done(&k->images);
	free(k->service);
	free(k);
}
