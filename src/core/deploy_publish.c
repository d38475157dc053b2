/* What an app's release built goes to the registry of [push], last of all: it runs, and that is written down, so
 * whatever fails here is told and changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "core/deploy_steps.h"
#include "core/push.h"

struct publish {
	struct deploy *d;
	struct strv services; /* compose's, whose images were built; what they are called there: */
	struct strv versions;
	size_t at; /* the image that gets its name */
	struct engine_req *req;
	struct job *job;
	const char *stopped; /* why it is not awaited any more; NULL */
};

static const char *
registry_of(const struct deploy *d)
{
	const struct conf_push *push = d->svc->app != NULL ? d->svc->core->conf->push : NULL;

	return push != NULL ? push->registry_name : NULL;
}

static bool
is_built(const struct deploy *d, size_t i)
{
	return d->ids != NULL && d->ids[i] != NULL && d->images.v[i].build;
}

static size_t
count_built(const struct deploy *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->images.n; i++)
		n += is_built(d, i);
	return n;
}

bool
deploy_publishes(const struct deploy *d)
{
	return d->outcome == OUTCOME_LIVE && !d->back && registry_of(d) != NULL && count_built(d) > 0;
}

static char *
name_of(const struct publish *p, size_t i)
{
	return str_printf("%s/%s:%s", registry_of(p->d), p->d->svc->conf->name, p->versions.v[i]);
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
	strv_done(&p->versions);
	free(p);
}

/* The names that the images have for it go with what else is not needed any more, at the end. */
static void
end(struct publish *p, const char *why)
{
	struct deploy *d = p->d;
	const char *registry = registry_of(d);

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
		auto_free char *name = name_of(p, i);
		json_t *service = json_pack("{ss ss}", "image", name, "build", ".");

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

	for (size_t i = 0; i < p->services.n; i++) {
		auto_free char *name = name_of(p, i);

		task_sayf(p->d->task, "%s\n", name);
	}
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

static const char *
id_of(const struct deploy *d, const char *service)
{
	for (size_t i = 0; i < d->images.n; i++) {
		if (str_eq(d->images.v[i].service, service))
			return d->ids[i];
	}
	return NULL;
}

/* Written down before the name is there, so that it is taken off again whatever happens. */
static void
next_name(struct publish *p)
{
	struct deploy *d = p->d;
	const char *service = d->svc->conf->name;
	auto_free char *name = NULL;
	struct err err = ERR_INIT;

	if (p->at == p->services.n) {
		push(p);
		return;
	}
	name = name_of(p, p->at);
	if (store_image_kept(d->svc->core->store, service, name, true, &err) < 0) {
		end(p, err.msg);
		return;
	}
	p->req = engine_publish(d->svc->core->engine, service, id_of(d, p->services.v[p->at]), registry_of(d),
	    p->versions.v[p->at], on_named, p);
}

/* The app's own image has the number of the release; others have their service's name behind it. */
static char *
version_of(const struct deploy *d, const char *service, size_t built)
{
	bool alone = built == 1 || str_eq(service, "web");

	return str_printf("%lld%s%s", (long long)d->release, alone ? "" : "-", alone ? "" : service);
}

void
deploy_publish(struct deploy *d)
{
	struct publish *p = calloc(1, sizeof(*p));
	size_t built = count_built(d);

	if (p == NULL)
		abort();
	p->d = d;
	d->publish = p;
	for (size_t i = 0; i < d->images.n; i++) {
		if (!is_built(d, i))
			continue;
		strv_add(&p->services, d->images.v[i].service);
		strv_add_take(&p->versions, version_of(d, d->images.v[i].service, built));
	}
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
