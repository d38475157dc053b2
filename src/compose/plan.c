#include "compose/plan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "compose/hash.h"
#include "compose/json.h"

enum { ID_SHOWN = 12 }; /* hex digits of an image's ID */

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

/* Sections of the model whose entries belong to the services that name them. */
static const char *const sections[] = {"configs", "secrets", "networks", "volumes"};

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

/* --- fields --------------------------------------------------------------------------------------------------------
 */

static const struct plan_image *
find_image(const struct plan_input *in, const char *service)
{
	for (size_t i = 0; i < in->nimages; i++) {
		if (str_eq(in->images[i].service, service))
			return &in->images[i];
	}
	return NULL;
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

/* "busybox:1", with the start of its ID when the name alone does not tell the difference. The caller frees. */
static char *
image_text(const char *name, const char *id, bool with_id)
{
	if (!with_id || id == NULL || !str_starts(id, "sha256:"))
		return str_dup(name);
	return str_printf("%s (%.*s)", name, ID_SHOWN, id + strlen("sha256:"));
}

static void
diff_image(const struct plan_input *in, const char *service, struct changes *ret)
{
	const json_t *old = json_object_get(in->was_images, service);
	const struct plan_image *im = find_image(in, service);
	const char *name = json_str(old, "name"), *id = json_str(old, "id");
	auto_free char *was = NULL;
	auto_free char *is = NULL;
	bool same_name;

	if (im == NULL || name == NULL || id == NULL)
		return;
	same_name = str_eq(name, im->name);
	if (im->id != NULL && !im->build && same_name && str_eq(id, im->id))
		return;
	was = image_text(name, id, same_name);
	if (im->build)
		is = str_printf("%s (to be built)", im->name);
	else if (im->id == NULL)
		is = str_printf("%s (to be pulled)", im->name);
	else
		is = image_text(im->name, im->id, same_name);
	diff_add(ret, "image", was, is);
}

/* A service's section without what diff_image tells and what the approved model has not. */
static json_t *
body_of(const json_t *service)
{
	static const char *const gone[] = {"image", "build", "pull_policy", "profiles", "develop"};
	json_t *body = json_copy((json_t *)service);
	auto_json json_t *labels = NULL;
	json_t *value;
	const char *key;
	void *next;

	if (body == NULL)
		abort();
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		json_object_del(body, gone[i]);
	labels = json_copy(json_object_get(body, "labels"));
	if (labels != NULL) {
		json_object_del(labels, MODEL_INPUTS_LABEL);
		if (json_object_size(labels) > 0)
			json_object_set(body, "labels", labels);
		else
			json_object_del(body, "labels");
	}
	/* Compose writes null for what is not there: "command: null". */
	json_object_foreach_safe(body, next, key, value)
	{
		if (json_is_null(value))
			json_object_del(body, key);
	}
	return body;
}

/* The digest of the files that the service reads in the repository; NULL without. Borrowed. */
static const char *
inputs_of(const json_t *service)
{
	return json_str(json_object_get(service, "labels"), MODEL_INPUTS_LABEL);
}

static void
diff_files(const json_t *was, const json_t *is, struct changes *ret)
{
	const char *old = inputs_of(was), *new = inputs_of(is);
	auto_free char *from = old != NULL ? str_printf("%.*s", ID_SHOWN, old) : NULL;
	auto_free char *to = new != NULL ? str_printf("%.*s", ID_SHOWN, new) : NULL;

	if (old != NULL && new != NULL && !str_eq(old, new))
		diff_add(ret, "files", from, to);
}

/* Does the service's section name this entry of a section? */
static bool
names(const json_t *service, const char *section, const char *entry)
{
	const json_t *used = json_object_get(service, section);
	const json_t *one;
	size_t i;

	if (json_object_get(used, entry) != NULL)
		return true;
	json_array_foreach(used, i, one)
	{
		if (str_eq(json_str(one, "source"), entry) && !str_eq(json_str(one, "type"), "bind"))
			return true;
	}
	return false;
}

static void
diff_entry(const struct plan_input *in, const char *section, const char *entry, struct changes *ret)
{
	auto_free char *path = str_printf("%s.%s", section, entry);

	diff_json(path, json_object_get(json_object_get(in->was, section), entry),
	    json_object_get(json_object_get(in->is, section), entry), ret);
}

/* What it uses of configs, secrets, networks and volumes. Entries that it uses newly or no more show in its own fields.
 */
static void
diff_used(const struct plan_input *in, const json_t *was, const json_t *is, struct changes *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		size_t n = 0;
		auto_free const char **keys = json_sorted_keys(json_object_get(in->is, sections[i]), &n);

		for (size_t k = 0; k < n; k++) {
			if (names(was, sections[i], keys[k]) && names(is, sections[i], keys[k]))
				diff_entry(in, sections[i], keys[k], ret);
		}
	}
}

static void
diff_service(const struct plan_input *in, const char *name, struct changes *ret)
{
	const json_t *was = json_object_get(json_object_get(in->was, "services"), name);
	const json_t *is = json_object_get(json_object_get(in->is, "services"), name);
	auto_json json_t *old = NULL;
	auto_json json_t *new = NULL;

	if (was == NULL || is == NULL)
		return;
	old = body_of(was);
	new = body_of(is);
	diff_image(in, name, ret);
	diff_files(was, is, ret);
	diff_json("", old, new, ret);
	diff_used(in, was, is, ret);
}

static bool
used_by_any(const json_t *model, const char *section, const char *entry)
{
	const char *name;
	json_t *service;

	json_object_foreach(json_object_get(model, "services"), name, service)
	{
		if (names(service, section, entry))
			return true;
	}
	return false;
}

/* A section without the entries that belong to services. */
static json_t *
unused_of(const json_t *model, const char *section)
{
	json_t *copy = json_copy(json_object_get(model, section));
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(copy, next, key, value)
	{
		if (used_by_any(model, section, key))
			json_object_del(copy, key);
	}
	return copy;
}

/* The model without its services and what belongs to them. */
static json_t *
whole_of(const json_t *model)
{
	json_t *copy = json_copy((json_t *)model);

	if (copy == NULL)
		abort();
	json_object_del(copy, "services");
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		auto_json json_t *rest = unused_of(model, sections[i]);

		if (rest == NULL || json_object_size(rest) == 0)
			json_object_del(copy, sections[i]);
		else
			json_object_set(copy, sections[i], rest);
	}
	return copy;
}

static void
diff_whole(const struct plan_input *in, struct changes *ret)
{
	auto_json json_t *old = NULL;
	auto_json json_t *new = NULL;

	if (in->was == NULL)
		return;
	old = whole_of(in->was);
	new = whole_of(in->is);
	diff_json("", old, new, ret);
}

/* --- actions -------------------------------------------------------------------------------------------------------
 */

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
	return state->runs ? PLAN_KEEP : PLAN_START;
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
	const struct plan_image *im = find_image(in, name);

	if (s->action == PLAN_REMOVE)
		return "";
	if (s->fields.n == 0 && s->action == PLAN_RECREATE) {
		if (in->because != NULL)
			return in->because;
		for (size_t i = 0; i < p->n; i++) {
			if (p->v[i].fields.n > 0 || p->v[i].action == PLAN_REMOVE || p->v[i].action == PLAN_CREATE)
				return "with the others";
		}
		return p->whole.n > 0 ? "with the whole" : "files that it reads have changed";
	}
	return im != NULL && im->asks ? "its registry is asked for a newer image" : "";
}

/* --- digest --------------------------------------------------------------------------------------------------------
 */

static void
add_service(SHA2_CTX *ctx, const struct plan_input *in, const char *name, const struct plan_service *s)
{
	const struct plan_image *im = find_image(in, name);

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
	for (size_t i = 0; i < p->n; i++)
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
	diff_whole(in, &ret->whole);
	for (size_t i = 0; i < all.n; i++) {
		const struct plan_image *im = find_image(in, all.v[i]);
		struct plan_service *s = &ret->v[i];

		s->name = escaped(all.v[i]);
		diff_service(in, all.v[i], &s->fields);
		s->action = decide(in, all.v[i], &s->fields);
		s->pull = im != NULL && im->pull;
		s->build = im != NULL && im->build;
	}
	for (size_t i = 0; i < all.n; i++)
		ret->v[i].reason = str_dup(reason_of(in, ret, &ret->v[i], all.v[i]));
	make_digest(in, &all, ret);
}
