#include "compose/plan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "compose/hash.h"
#include "compose/plan_fields.h"

static const char *const actions[PLAN_ACTIONS] = {
    [PLAN_KEEP] = "keep",
    [PLAN_CREATE] = "create",
    [PLAN_START] = "start",
    [PLAN_SCALE] = "scale",
    [PLAN_RECREATE] = "recreate",
    [PLAN_REMOVE] = "remove",
};

static const char *const updates[] = {
    [MODEL_UPDATE_UNSAID] = "",
    [MODEL_UPDATE_RECREATE] = "recreate",
    [MODEL_UPDATE_IN_PLACE] = "in-place",
    [MODEL_UPDATE_START_FIRST] = "start-first",
};

const char *
plan_action_text(enum plan_action a)
{
	return actions[a];
}

const char *
plan_update_text(enum model_update u)
{
	return updates[u];
}

void
plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].name);
		free(p->v[i].reason);
		changes_done(&p->v[i].fields);
	}
	free(p->v);
	changes_done(&p->whole);
	free(p->project);
	free(p->commit);
	free(p->was_commit);
	*p = (struct plan){0};
}

bool
plan_changes(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].action != PLAN_KEEP)
			return true;
	}
	return false;
}

/* --- actions --- */

static bool
is_scale(const char *path)
{
	return str_eq(path, "scale") || str_eq(path, "deploy.replicas");
}

/* How many of the fields make containers of the old model useless? What is ours (x-*) and how many there are do not. */
static size_t
replacing(const struct changes *fields)
{
	size_t n = fields->more;

	for (size_t i = 0; i < fields->n; i++)
		n += !is_scale(fields->v[i].path) && !str_starts(fields->v[i].path, "x-");
	return n;
}

static bool
scales(const struct changes *fields)
{
	for (size_t i = 0; i < fields->n; i++) {
		if (is_scale(fields->v[i].path))
			return true;
	}
	return false;
}

static const struct plan_state *
find_state(const struct plan_input *in, const char *service)
{
	for (size_t i = 0; i < in->nstates; i++) {
		if (str_eq(in->states[i].service, service))
			return &in->states[i];
	}
	return NULL;
}

static enum plan_action
decide(const struct plan_input *in, const char *name, const struct changes *fields)
{
	const struct plan_state *state = find_state(in, name);

	if (json_object_get(json_object_get(in->is, "services"), name) == NULL)
		return PLAN_REMOVE;
	if (state == NULL || state->containers == 0)
		return state != NULL && state->runs ? PLAN_KEEP : PLAN_CREATE;
	if (in->changed && (in->update == MODEL_UPDATE_RECREATE || in->because != NULL))
		return PLAN_RECREATE;
	if (replacing(fields) > 0)
		return PLAN_RECREATE;
	if (scales(fields))
		return PLAN_SCALE;
	if (!state->runs)
		return PLAN_START;
	return state->unhealthy ? PLAN_RECREATE : PLAN_KEEP;
}

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
add_names(const json_t *model, struct strv *ret)
{
	const char *name;
	json_t *service;

	json_object_foreach(json_object_get(model, "services"), name, service)
	{
		if (!strv_has(ret, name))
			strv_add(ret, name);
	}
}

/* Of the model, and of the containers that are there. */
static void
all_names(const struct plan_input *in, struct strv *ret)
{
	add_names(in->is, ret);
	for (size_t i = 0; i < in->nstates; i++) {
		if (in->states[i].containers > 0 && !strv_has(ret, in->states[i].service))
			strv_add(ret, in->states[i].service);
	}
	if (ret->n > 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_strings);
}

static char *
escaped(const char *s)
{
	auto_buf struct buf out = BUF_INIT(DIFF_TEXT_MAX);

	buf_vis(&out, s, strlen(s), false);
	return buf_take(&out);
}

/* Why, where its fields do not tell it. */
static const char *
reason_of(const struct plan_input *in, const struct plan *p, const struct plan_service *s, const char *name)
{
	const struct plan_image *im = plan_image_of(in, name);

	if (s->action == PLAN_REMOVE)
		return "";
	if (s->fields.n == 0 && s->action == PLAN_RECREATE) {
		if (in->because != NULL)
			return in->because;
		if (!in->changed || in->update != MODEL_UPDATE_RECREATE)
			return "unhealthy";
		for (size_t i = 0; i < p->n; i++) {
			if (p->v[i].fields.n > 0 || p->v[i].action == PLAN_REMOVE || p->v[i].action == PLAN_CREATE)
				return "with the others";
		}
		return p->whole.n > 0 ? "with the whole" : "files that it reads have changed";
	}
	return im != NULL && im->asks ? "its registry is asked for a newer image" : "";
}

/* --- digest --- */

static void
add_service(SHA2_CTX *ctx, const struct plan_input *in, const char *name, const struct plan_service *s)
{
	const struct plan_image *im = plan_image_of(in, name);

	hash_text(ctx, name);
	hash_text(ctx, actions[s->action]);
	hash_text(ctx, s->pull ? "pull" : "");
	hash_text(ctx, s->build ? "build" : "");
	hash_text(ctx, im != NULL ? im->name : "");
	hash_text(ctx, im != NULL && im->id != NULL ? im->id : "");
}

static void
make_digest(const struct plan_input *in, const struct strv *all, struct plan *p)
{
	auto_free char *release = str_printf("%lld", in->release);
	uint8_t sum[SHA256_DIGEST_LENGTH];
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	hash_text(&ctx, "pgo plan 1");
	hash_text(&ctx, in->project);
	hash_text(&ctx, in->commit);
	hash_text(&ctx, in->basis);
	hash_text(&ctx, updates[in->update]);
	hash_text(&ctx, release);
	hash_text(&ctx, in->was_digest != NULL ? in->was_digest : "");
	hash_text(&ctx, in->changed ? "changed" : "");
	for (size_t i = 0; i < all->n; i++)
		add_service(&ctx, in, all->v[i], &p->v[i]);
	SHA256Final(sum, &ctx);
	str_hex(sum, sizeof(p->digest) / 2, p->digest);
}

void
plan_make(const struct plan_input *in, struct plan *ret)
{
	auto_strv struct strv all = {NULL, 0};

	all_names(in, &all);
	*ret = (struct plan){
	    .update = in->update,
	    .project = escaped(in->project),
	    .commit = escaped(in->commit),
	    .was_commit = escaped(in->was_commit != NULL ? in->was_commit : ""),
	    .release = in->release,
	    .v = calloc(all.n + 1, sizeof(*ret->v)),
	    .n = all.n,
	};
	if (ret->v == NULL)
		abort();
	plan_whole(in, &ret->whole);
	for (size_t i = 0; i < all.n; i++) {
		const struct plan_image *im = plan_image_of(in, all.v[i]);
		struct plan_service *s = &ret->v[i];

		s->name = escaped(all.v[i]);
		plan_fields(in, all.v[i], &s->fields);
		s->action = decide(in, all.v[i], &s->fields);
		s->pull = im != NULL && im->pull;
		s->build = im != NULL && im->build;
	}
	for (size_t i = 0; i < all.n; i++)
		ret->v[i].reason = str_dup(reason_of(in, ret, &ret->v[i], all.v[i]));
	make_digest(in, &all, ret);
}
