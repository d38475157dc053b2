/* What a deploy would do to the containers, or does, and why: the plan (compose/plan.h) from what core knows. */
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "compose/pins.h"
#include "compose/plan.h"
#include "core/deploy_steps.h"
#include "core/runs.h"

/* Everything a plan is made of, held while it is made. */
struct basis {
	struct plan_input in;
	json_t *was;
	json_t *was_images;
	json_t *is;
	json_t *is_images; /* what images borrows from */
	struct plan_image *images;
	struct plan_state *states;
	struct strv names; /* of the states */
	char digest[MODEL_DIGEST_HEX];
};

static void
basis_done(struct basis *b)
{
	json_decref(b->was);
	json_decref(b->was_images);
	json_decref(b->is);
	json_decref(b->is_images);
	free(b->images);
	free(b->states);
	strv_done(&b->names);
}
#define auto_basis __attribute__((cleanup(basis_done)))

/* --- what runs --- */

static bool
never_stopped(const void *ctx, const char *service)
{
	(void)ctx;
	(void)service;
	return false;
}

static bool
add_container(void *ctx, const struct container *c)
{
	struct basis *b = ctx;
	size_t i = 0;

	if (c->oneoff)
		return true;
	while (i < b->names.n && !str_eq(b->names.v[i], c->service))
		i++;
	if (i == b->names.n && !strv_add(&b->names, c->service))
		return false;
	if (i >= b->in.nstates) {
		struct plan_state *grown = realloc(b->states, (i + 1) * sizeof(*grown));

		if (grown == NULL)
			abort();
		b->states = grown;
		b->states[b->in.nstates++] = (struct plan_state){0};
	}
	b->states[i].containers++;
	return true;
}

static void
add_wanted(struct basis *b, const struct model_services *facts)
{
	for (size_t i = 0; i < facts->n; i++) {
		if (!strv_has(&b->names, facts->v[i].name))
			strv_add(&b->names, facts->v[i].name);
	}
	b->states = realloc(b->states, (b->names.n + 1) * sizeof(*b->states));
	if (b->states == NULL)
		abort();
	memset(b->states + b->in.nstates, 0, (b->names.n - b->in.nstates) * sizeof(*b->states));
	b->in.nstates = b->names.n;
}

/* The containers that are there, and whether what the new model wants of each compose service runs. */
static int
look_at_containers(const struct deploy *d, struct basis *b, struct err *err)
{
	const struct service *svc = d->svc;
	auto_model_services struct model_services facts = {NULL, 0};
	auto_runs struct runs runs = RUNS_INIT;
	int rc = model_service_facts(b->is, &facts, err);

	if (rc < 0)
		return rc;
	engine_containers(svc->core->engine, svc->conf->name, add_container, b);
	add_wanted(b, &facts);
	runs_look(svc->core->engine, svc->conf->name, &facts, never_stopped, NULL, &runs);
	for (size_t i = 0; i < b->in.nstates; i++) {
		b->states[i].service = b->names.v[i];
		b->states[i].runs = !strv_has(&runs.missing, b->names.v[i]);
		b->states[i].unhealthy = strv_has(&runs.unhealthy, b->names.v[i]);
	}
	b->in.states = b->states;
	return 0;
}

/* --- models and images --- */

/* A release whose model is lost is one of which nothing is known. */
static void
load_was(const struct deploy *d, struct basis *b)
{
	const struct service *svc = d->svc;
	auto_buf struct buf text = BUF_INIT(2 * MODEL_MAX);
	auto_json json_t *approved = NULL;
	struct err err = ERR_INIT;

	b->in.release = svc->row.release;
	if (svc->row.release == 0)
		return;
	b->in.was_commit = svc->release.commit;
	b->in.was_digest = svc->release.digest;
	b->was_images = svc->images != NULL ? json_incref(svc->images) : NULL;
	if (appscale_model(svc, svc->row.release, svc->row.vars, &text, &err) >= 0)
		approved = model_parse(buf_str(&text), text.len, &err);
	b->was = approved != NULL ? model_unpin(approved) : NULL;
}

/* The approved form of the new model, so that only what differs differs; what is not there yet has no ID to go in. */
static int
load_is(const struct deploy *d, struct basis *b, struct err *err)
{
	static const char nobody[] = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
	auto_free struct model_image_id *ids = calloc(d->images.n + 1, sizeof(*ids));
	auto_json json_t *approved = NULL;

	if (ids == NULL)
		abort();
	if (d->approved != NULL) {
		approved = model_parse(d->approved, strlen(d->approved), err);
		b->is = approved != NULL ? model_unpin(approved) : NULL;
		return b->is != NULL ? 0 : -err->num;
	}
	for (size_t i = 0; i < d->images.n; i++)
		ids[i] = (struct model_image_id){d->images.v[i].service, d->ids[i] != NULL ? d->ids[i] : nobody};
	b->is = deploy_approved_model(d, ids, err);
	return b->is != NULL ? 0 : -err->num;
}

/* The images of a commit that is being prepared. */
static void
add_images(const struct deploy *d, struct basis *b)
{
	b->images = calloc(d->images.n + 1, sizeof(*b->images));
	if (b->images == NULL)
		abort();
	for (size_t i = 0; d->ids != NULL && i < d->images.n; i++) {
		const struct model_image *im = &d->images.v[i];

		b->images[i] = (struct plan_image){
		    .service = im->service,
		    .name = im->written,
		    .id = d->ids[i],
		    .pull = deploy_pulls(d, i),
		    .build = deploy_builds(d, i),
		    .asks = im->always,
		};
		b->in.nimages++;
	}
	b->in.images = b->images;
}

/* The images of a release that is written down. */
static void
add_release_images(const struct deploy *d, struct basis *b)
{
	auto_store_release struct store_release r = {0};
	struct err err = ERR_INIT;
	const char *service;
	json_t *image;

	if (store_release_get(d->svc->core->store, d->release, &r, &err) <= 0)
		return;
	b->is_images = json_loads(r.images, 0, NULL);
	b->images = calloc(json_object_size(b->is_images) + 1, sizeof(*b->images));
	if (b->images == NULL)
		abort();
	json_object_foreach(b->is_images, service, image)
	{
		const char *name = json_string_value(json_object_get(image, "name"));

		b->images[b->in.nimages++] = (struct plan_image){
		    .service = service,
		    .name = name != NULL ? name : "",
		    .id = json_string_value(json_object_get(image, "id")),
		};
	}
	b->in.images = b->images;
}

/* Is it another release than the one that runs? In doubt it is: what is to be pulled or built is not known yet. */
static bool
differs(const struct deploy *d, const struct basis *b)
{
	auto_free struct model_image_id *ids = calloc(d->images.n + 1, sizeof(*ids));
	char digest[MODEL_DIGEST_HEX];
	struct err err = ERR_INIT;

	if (ids == NULL)
		abort();
	if (d->approved != NULL)
		return d->changed;
	for (size_t i = 0; i < b->in.nimages; i++) {
		if (b->images[i].id == NULL || b->images[i].build)
			return true;
		ids[i] = (struct model_image_id){b->images[i].service, b->images[i].id};
	}
	if (model_digest(d->model, ids, b->in.nimages, &d->inputs, &d->answers, digest, &err) < 0)
		return true;
	return deploy_differs(d->svc, digest);
}

static const char *
because(const struct service *svc, const struct basis *b)
{
	if (svc->row.release == 0)
		return "nothing is recorded of what is there";
	if (b->was == NULL)
		return "the model of what runs is lost";
	return deploy_unfinished(svc) ? "an earlier deploy was interrupted" : NULL;
}

static int
make_plan(const struct deploy *d, struct plan *ret, struct err *err)
{
	const struct service *svc = d->svc;
	auto_basis struct basis b = {.was = NULL};
	int rc;

	if (!svc->core->engine_up)
		return err_set(err, EAGAIN, "the engine does not answer: %s", svc->core->engine_reason);
	load_was(d, &b);
	rc = load_is(d, &b, err);
	if (rc >= 0)
		rc = look_at_containers(d, &b, err);
	if (rc < 0)
		return rc;
	if (d->approved != NULL)
		add_release_images(d, &b);
	else
		add_images(d, &b);
	b.in.project = svc->conf->name;
	b.in.live = svc->live_path;
	b.in.commit = d->commit;
	b.in.basis = d->basis;
	b.in.update = deploy_update(d);
	b.in.was = b.was;
	b.in.was_images = b.was_images;
	b.in.is = b.is;
	b.in.changed = differs(d, &b);
	b.in.because = because(svc, &b);
	plan_make(&b.in, ret);
	return 0;
}

/* --- the step --- */

static int
tell(struct deploy *d, const struct plan *p)
{
	auto_free char *text = d->task->json ? plan_json(p) : plan_text(p);

	task_say(d->task, 1, text, strlen(text));
	d->told = true;
	return deploy_ends(d, plan_changes(p) ? OUTCOME_CHANGES : OUTCOME_CHECKED, "%s", "");
}

static int
apply_reviewed(struct deploy *d, const struct plan *p, struct err *err)
{
	auto_free char *text = NULL;

	if (str_eq(p->digest, d->task->plan))
		return deploy_promote(d, err);
	text = plan_text(p);
	task_sayf(d->task, "This is not what would happen any more, so nothing is done. The plan is now:\n\n%s", text);
	d->told = true;
	return deploy_ends(d, OUTCOME_OUTDATED, "the plan is another one now");
}

int
step_explain(struct deploy *d, struct err *err)
{
	auto_plan struct plan p = {0};
	int rc;

	deploy_decide_port(d);
	rc = make_plan(d, &p, err);
	if (rc < 0)
		return rc;
	return d->task->plan[0] == '\0' ? tell(d, &p) : apply_reviewed(d, &p, err);
}

/* What is replaced and why, a line each; above it what an operator asked for, when that was no commit. */
static char *
why_of(const struct deploy *d, const struct plan *p)
{
	auto_free char *changes = plan_why(p);
	const char *asked = d->task->why;

	if (asked == NULL)
		return TAKE(changes);
	return str_printf("%s%s%s", asked, changes[0] != '\0' ? "\n" : "", changes);
}

/* A deploy that cannot be explained is a deploy all the same. */
void
deploy_explain(struct deploy *d)
{
	auto_plan struct plan p = {0};
	auto_free char *why = NULL;
	struct err err = ERR_INIT;
	int rc = make_plan(d, &p, &err);

	if (rc >= 0) {
		why = why_of(d, &p);
		task_say(d->task, 2, why, strlen(why));
		rc = store_deploy_why(d->svc->core->store, d->id, why, &err);
	}
	if (rc < 0)
		log_warn("why it happens is not known: %s service=%s deploy=%lld", err.msg, d->svc->conf->name,
		    (long long)d->id);
}
