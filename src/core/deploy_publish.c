/* What an app's release built goes to the registry of [push], last of all: it runs, and that is written down, so
 * whatever fails here is told and changes nothing. That it is to go there is written down before anything is touched,
 * in the names that its images will have: a core that finds those of what runs goes on with it. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "core/deploy_steps.h"
#include "core/push.h"

struct publish {
	struct deploy *d;
	struct strv services; /* compose's, whose images were built; their IDs, and their names there: */
	struct strv ids;
	struct strv names;
	size_t at; /* the image that gets its name */
	struct engine_req *req;
	struct job *job;
	const char *stopped; /* why it is not awaited any more; NULL */
};

static const char *
registry_of(const struct service *svc)
{
	const struct conf_push *push = svc->app != NULL ? svc->core->conf->push : NULL;

	return push != NULL ? push->registry_name : NULL;
}

static bool
is_built(const json_t *image)
{
	return json_is_true(json_object_get(image, "built")) && json_is_string(json_object_get(image, "id"));
}

static size_t
count_built(json_t *images)
{
	const char *service;
	json_t *image;
	size_t n = 0;

	json_object_foreach(images, service, image) n += is_built(image);
	return n;
}

/* The app's own image has the number of the release; others have their service's name behind it. */
static char *
name_of(const struct service *svc, int64_t release, const char *service, size_t built)
{
	bool alone = built == 1 || str_eq(service, "web");

	return str_printf("%s/%s:%lld%s%s", registry_of(svc), svc->conf->name, (long long)release, alone ? "" : "-",
	    alone ? "" : service);
}

/* From what was written down with the release, so that a later core finds the same. */
static void
add_built(struct publish *p, const struct service *svc, int64_t release, json_t *images)
{
	const char *service;
	json_t *image;

	json_object_foreach(images, service, image)
	{
		if (!is_built(image))
			continue;
		strv_add(&p->services, service);
		strv_add(&p->ids, json_string_value(json_object_get(image, "id")));
		strv_add_take(&p->names, name_of(svc, release, service, count_built(images)));
	}
}

int
publish_intend(const struct deploy *d, struct err *err)
{
	const struct service *svc = d->svc;
	auto_store_release struct store_release r = {0};
	auto_json json_t *images = NULL;
	const char *service;
	json_t *image;
	int rc = registry_of(svc) == NULL ? 0 : store_release_get(svc->core->store, d->release, &r, err);

	if (rc <= 0)
		return rc;
	images = json_loads(r.images, 0, NULL);
	json_object_foreach(images, service, image)
	{
		auto_free char *name = name_of(svc, d->release, service, count_built(images));

		if (rc >= 0 && is_built(image))
			rc = store_image_kept(svc->core->store, svc->conf->name, name, true, err);
	}
	return rc;
}

bool
publish_is_intended(const struct service *svc, int64_t release)
{
	auto_free char *name = registry_of(svc) == NULL
				   ? NULL
				   : str_printf("%s/%s:%lld", registry_of(svc), svc->conf->name, (long long)release);
	auto_strv struct strv kept = {NULL, 0};
	struct err err = ERR_INIT;

	if (name == NULL)
		return false;
	if (store_images_kept(svc->core->store, svc->conf->name, &kept, &err) < 0)
		log_err("%s service=%s", err.msg, svc->conf->name);
	for (size_t i = 0; i < kept.n; i++) {
		const char *end = kept.v[i] + strlen(name);

		if (str_starts(kept.v[i], name) && (*end == '\0' || *end == '-'))
			return true;
	}
	return false;
}

bool
deploy_publishes(const struct deploy *d)
{
	if (d->back || d->task->mode == DEPLOY_BACK || registry_of(d->svc) == NULL || count_built(d->svc->images) == 0)
		return false;
	if (d->task->mode == DEPLOY_RESUME)
		return (d->outcome == OUTCOME_LIVE || d->outcome == OUTCOME_UNCHANGED) &&
		       publish_is_intended(d->svc, d->release);
	return d->outcome == OUTCOME_LIVE;
}

void
publish_free(struct publish *p)
{
	if (p == NULL)
		return;
	engine_cancel(p->req);
	if (p->job != NULL) {
		job_signal(p->job, "TERM");
		job_abandon(p->job);
	}
	strv_done(&p->services);
	strv_done(&p->ids);
	strv_done(&p->names);
	free(p);
}

/* The names that the images have for it go with what else is not needed any more, at the end. */
static void
end(struct publish *p, const char *why)
{
	struct deploy *d = p->d;
	const char *registry = registry_of(d->svc);

	if (why != NULL) {
		auto_free char *text = str_printf("The images were not pushed to %s: %s", registry, why);

		log_warn("images not pushed registry=%s: %s service=%s deploy=%lld", registry, why, d->svc->conf->name,
		    (long long)d->id);
		deploy_warn(d, text);
	} else {
		log_info(
		    "images pushed registry=%s service=%s deploy=%lld", registry, d->svc->conf->name, (long long)d->id);
	}
	publish_free(TAKE(d->publish));
	deploy_finish(d);
}

static void
on_piece(void *ctx, int stream, const char *data, size_t len)
{
	struct publish *p = ctx;

	task_say(p->d->task, p->d->task->json ? 2 : stream, data, len);
}

static void
on_pushed(void *ctx, const struct job_result *r)
{
	struct publish *p = ctx;
	char reason[ERR_MSG_MAX];

	p->job = NULL;
	if (p->stopped != NULL)
		end(p, p->stopped);
	else
		end(p, r->status != 0 ? job_reason(r, reason, sizeof(reason)) : NULL);
}

/* compose pushes what has a build section, and looks at nothing else of it. */
static char *
model_to_push(const struct publish *p)
{
	json_t *services = json_object();
	auto_json json_t *model = json_pack("{so}", "services", services);

	for (size_t i = 0; i < p->services.n; i++) {
		json_t *service = json_pack("{ss ss}", "image", p->names.v[i], "build", ".");

		if (service == NULL || json_object_set_new(services, p->services.v[i], service) != 0)
			abort();
	}
	return model_dump(model);
}

static void
push(struct publish *p)
{
	const struct service *svc = p->d->svc;
	auto_free char *model = model_to_push(p);

	for (size_t i = 0; i < p->names.n; i++)
		task_sayf(p->d->task, "%s\n", p->names.v[i]);
	p->job = job_start(svc->core, &(struct job_spec){
					  .kind = "push-image",
					  .service = svc->conf->name,
					  .in = model,
					  .in_len = strlen(model),
					  .piece = on_piece,
					  .done = on_pushed,
					  .ctx = p,
				      });
}

static void next_name(struct publish *p);

static void
on_named(void *ctx, const struct engine_reply *reply)
{
	struct publish *p = ctx;

	p->req = NULL;
	if (p->stopped != NULL || reply->err->num != 0 || reply->missing) {
		auto_free char *why = str_dup(p->stopped != NULL ? p->stopped
					      : reply->missing	 ? "an image was removed from this machine meanwhile"
								 : reply->err->msg);

		end(p, why);
		return;
	}
	p->at++;
	next_name(p);
}

/* Written down before the name is there, so that it is taken off again whatever happens. */
static void
next_name(struct publish *p)
{
	struct deploy *d = p->d;
	const char *service = d->svc->conf->name, *name;
	struct err err = ERR_INIT;

	if (p->at == p->names.n) {
		push(p);
		return;
	}
	name = p->names.v[p->at];
	if (store_image_kept(d->svc->core->store, service, name, true, &err) < 0) {
		end(p, err.msg);
		return;
	}
	p->req = engine_publish(
	    d->svc->core->engine, service, p->ids.v[p->at], registry_of(d->svc), strrchr(name, ':') + 1, on_named, p);
}

void
deploy_publish(struct deploy *d)
{
	struct publish *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->d = d;
	d->publish = p;
	add_built(p, d->svc, d->release, d->svc->images);
	deploy_note(d, "== push images\n");
	next_name(p);
}

void
publish_stop(struct publish *p, const char *why)
{
	p->stopped = why;
	if (p->job != NULL)
		job_signal(p->job, "TERM");
}
