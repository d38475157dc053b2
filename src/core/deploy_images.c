/* The images of a release: what is there is looked up, the rest pulled or built, while what runs is untouched. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "core/deploy_steps.h"

/* What a name stands for. An image that we build must have been built for this service: another one's compose service
 * can lead to the same name (`a` with `b-web`, `a-b` with `web`). compose labels what it builds. */
static const char *
image_behind(const struct deploy *d, size_t i, const struct engine_reply *reply)
{
	const json_t *labels = json_object_get(json_object_get(reply->body, "Config"), "Labels");
	const char *project = json_string_value(json_object_get(labels, "com.docker.compose.project"));

	if (reply->missing || (d->images.v[i].build && !str_eq(project, d->svc->conf->name)))
		return NULL;
	return engine_image_id(reply);
}

/* For step_image_labels, once pull and build are through. */
static void
keep_config(struct deploy *d, size_t i, const struct engine_reply *reply)
{
	json_t *config = json_object_get(reply->body, "Config");

	json_object_set_new(
	    d->image_configs, d->images.v[i].service, json_is_object(config) ? json_incref(config) : json_object());
}

static int
ask_image(struct deploy *d, size_t i, engine_reply_fn *cb, struct err *err)
{
	(void)err;
	d->req = engine_image(d->svc->core->engine, d->images.v[i].image, cb, d);
	return STEP_WAIT;
}

static int
got_image(struct deploy *d, size_t i, const struct engine_reply *reply, struct err *err)
{
	const char *id = image_behind(d, i, reply);

	(void)err;
	d->ids[i] = id != NULL ? str_dup(id) : NULL;
	keep_config(d, i, reply);
	return 0;
}

/* Looks up the image behind each name; once before and once after pull and build. */
int
step_images(struct deploy *d, struct err *err)
{
	int rc;

	if (d->ids == NULL) {
		rc = model_images(d->model, d->svc->conf->name, &d->images, err);
		if (rc >= 0)
			rc = model_digest(d->model, NULL, 0, &d->inputs, &d->answers, d->basis, err);
		if (rc < 0)
			return rc;
		d->ids = calloc(d->images.n + 1, sizeof(*d->ids));
		d->image_configs = json_object();
		if (d->ids == NULL || d->image_configs == NULL)
			abort();
	}
	for (size_t i = 0; i < d->images.n; i++)
		free(TAKE(d->ids[i]));
	return deploy_ask_each(d, &(struct asking){d->images.n, ask_image, got_image, NULL}, err);
}

/* The resolved model goes to compose as it was approved, never the repository's file. */
static int
image_job(struct deploy *d, const char *kind, const struct strv *services)
{
	auto_json json_t *named = str_eq(kind, "build") ? model_for_build(d->model) : json_incref(d->model);
	auto_free char *text = model_dump(named);

	for (size_t i = 0; i < services->n; i++)
		task_sayf(d->task, "%s: %s\n", kind, services->v[i]);
	return deploy_job(d, kind, services, text, strlen(text), true);
}

/* An operator's pull asks the registries again, for all or for the compose services he named. */
static bool
asked_to_pull(const struct deploy *d, const char *service)
{
	return d->mode == DEPLOY_PULL && (d->task->args.n == 0 || strv_has(&d->task->args, service));
}

bool
deploy_pulls(const struct deploy *d, size_t i)
{
	const struct model_image *im = &d->images.v[i];

	return im->pull && (d->ids[i] == NULL || im->always || asked_to_pull(d, im->service));
}

/* The model and all it reads are as they were: so is the image. */
bool
deploy_builds(const struct deploy *d, size_t i)
{
	const struct model_image *im = &d->images.v[i];

	return im->build && (d->ids[i] == NULL || im->rebuild || !str_eq(d->basis, d->svc->release.basis));
}

/* The compose services whose images are asked for. */
static void
named(const struct deploy *d, bool (*is_asked)(const struct deploy *d, size_t i), struct strv *ret)
{
	for (size_t i = 0; i < d->images.n; i++) {
		if (is_asked(d, i))
			strv_add(ret, d->images.v[i].service);
	}
}

static int
start_images(struct deploy *d, const char *kind, bool (*is_asked)(const struct deploy *d, size_t i))
{
	auto_strv struct strv services = {NULL, 0};

	named(d, is_asked, &services);
	return services.n == 0 ? STEP_NEXT : image_job(d, kind, &services);
}

/* Length of the registry that the name of an image begins with; 0 without one. As docker sees it: the part before the
 * first "/", when it looks like a host. */
static size_t
registry_span(const char *image)
{
	size_t len = strcspn(image, "/");
	auto_free char *first = str_printf("%.*s", (int)len, image);

	return image[len] == '/' && (strpbrk(first, ".:") != NULL || str_eq(first, "localhost")) ? len : 0;
}

/* What compose says last is about one of them, and rarely says which. */
static int
images_failed(
    struct deploy *d, bool (*is_asked)(const struct deploy *d, size_t i), const struct job_result *r, struct err *err)
{
	auto_buf struct buf names = BUF_INIT(ERR_MSG_MAX / 4);
	char reason[ERR_MSG_MAX / 2];

	for (size_t i = 0; i < d->images.n; i++) {
		const struct model_image *im = &d->images.v[i];
		size_t host = im->build ? 0 : registry_span(im->image);

		if (!is_asked(d, i))
			continue;
		buf_printf(&names, "%s%s", names.len > 0 ? ", " : "", im->service);
		if (host > 0)
			buf_printf(&names, " (%.*s)", (int)host, im->image);
	}
	return err_set(
	    err, EIO, "%s%s: %s", buf_str(&names), names.full ? "…" : "", job_reason(r, reason, sizeof(reason)));
}

int
step_pull(struct deploy *d, struct err *err)
{
	(void)err;
	return start_images(d, "pull", deploy_pulls);
}

int
step_pull_failed(struct deploy *d, const struct job_result *r, struct err *err)
{
	return images_failed(d, deploy_pulls, r, err);
}

int
step_build(struct deploy *d, struct err *err)
{
	(void)err;
	return start_images(d, "build", deploy_builds);
}

int
step_build_failed(struct deploy *d, const struct job_result *r, struct err *err)
{
	if (deploy_tries_again(d, r))
		return deploy_step_again(d, err);
	return images_failed(d, deploy_builds, r, err);
}
