/* Which fields of the model differ, a service at a time. */
#include <string.h>

#include "base/auto.h"
#include "compose/json.h"
#include "compose/plan_fields.h"

enum {
	ID_SHOWN = 12, /* hex digits of an image's ID */
	OID_SHOWN = 8, /* of a git object's */
};

/* Sections of the model whose entries belong to the services that name them. */
static const char *const sections[] = {"configs", "secrets", "networks", "volumes"};

const struct plan_image *
plan_image_of(const struct plan_input *in, const char *service)
{
	for (size_t i = 0; i < in->nimages; i++) {
		if (str_eq(in->images[i].service, service))
			return &in->images[i];
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
	const struct plan_image *im = plan_image_of(in, service);
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
	static const char *const gone[] = {"image", "build", "pull_policy", "profiles", "develop", MODEL_INPUTS_KEY};
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

/* "./conf" for what lies in the service's directory. The caller frees. */
static char *
relative(const struct plan_input *in, const char *path)
{
	size_t len = in->live != NULL ? strlen(in->live) : 0;

	if (len == 0 || strncmp(path, in->live, len) != 0 || (path[len] != '/' && path[len] != '\0'))
		return str_dup(path);
	return str_printf(".%s", path + len);
}

/* "tree 1a2b3c4d" of an answer of the job `inputs`. NULL for none. The caller frees. */
static char *
answer_text(const json_t *answer)
{
	const char *text = json_string_value(answer);
	const char *blank = text != NULL ? strchr(text, ' ') : NULL;

	if (blank == NULL || !str_is_oid(blank + 1))
		return text != NULL ? str_dup(text) : NULL;
	return str_printf("%.*s", (int)(blank - text) + 1 + OID_SHOWN, text);
}

/* Which files differ; for a release that has not noted them, only that some do. */
static void
diff_files(const struct plan_input *in, const json_t *was, const json_t *is, struct changes *ret)
{
	const char *old = inputs_of(was), *new = inputs_of(is);
	const json_t *noted = json_object_get(was, MODEL_INPUTS_KEY), *now = json_object_get(is, MODEL_INPUTS_KEY);
	size_t before = ret->n, n = 0;
	auto_free const char **keys = json_sorted_keys(now, &n);

	for (size_t i = 0; i < n; i++) {
		const json_t *a = json_object_get(noted, keys[i]), *b = json_object_get(now, keys[i]);
		auto_free char *place = relative(in, keys[i]);
		auto_free char *path = str_printf("files[%s]", place);
		auto_free char *from = answer_text(a);
		auto_free char *to = answer_text(b);

		if (a != NULL && !json_equal(a, b))
			diff_add(ret, path, from, to);
	}
	if (old != NULL && new != NULL && !str_eq(old, new) && ret->n == before)
		diff_add(ret, "files", NULL, "changed");
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

/* "./data:/data" reads better than where pgo keeps the service. */
static void
shorten(const struct plan_input *in, struct changes *cs)
{
	for (size_t i = 0; i < cs->n; i++) {
		char **texts[] = {&cs->v[i].was, &cs->v[i].is};

		for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
			char *text = *texts[k];

			if (text == NULL)
				continue;
			*texts[k] = relative(in, text);
			free(text);
		}
	}
}

void
plan_fields(const struct plan_input *in, const char *name, struct changes *ret)
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
	diff_files(in, was, is, ret);
	diff_json("", old, new, ret);
	diff_used(in, was, is, ret);
	shorten(in, ret);
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

void
plan_whole(const struct plan_input *in, struct changes *ret)
{
	auto_json json_t *old = NULL;
	auto_json json_t *new = NULL;

	if (in->was == NULL)
		return;
	old = whole_of(in->was);
	new = whole_of(in->is);
	diff_json("", old, new, ret);
}
