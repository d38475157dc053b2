#include "compose/start_first.h"

#include <string.h>

#include "base/auto.h"
#include "compose/app.h"
#include "compose/json.h"
#include "compose/model.h"
#include "compose/refs.h"
#include "compose/web.h"

static const json_t *
service_of(const json_t *model, const char *service)
{
	return json_object_get(json_object_get(model, "services"), service);
}

struct data_search {
	const struct strv *inputs;
	const struct strv *answers;
	bool found;
};

/* What the commit has is code, and may be mounted twice; anything else that can be written to is data. */
static void
find_data(const struct ref *ref, void *arg)
{
	struct data_search *s = arg;
	const char *answer = "absent";

	if (!ref->bind || !ref->writable)
		return;
	for (size_t i = 0; i < s->inputs->n && i < s->answers->n; i++) {
		if (str_eq(s->inputs->v[i], ref->path))
			answer = s->answers->v[i];
	}
	if (!str_starts(answer, "tree ") && !str_starts(answer, "blob "))
		s->found = true;
}

static bool
keeps_data(const json_t *model, const char *service, const struct strv *inputs, const struct strv *answers)
{
	const json_t *volumes = json_object_get(service_of(model, service), "volumes");
	struct data_search search = {.inputs = inputs, .answers = answers};
	json_t *mount;
	size_t i;

	json_array_foreach(volumes, i, mount)
	{
		if (str_eq(json_str(mount, "type"), "volume") && !json_is_true(json_object_get(mount, "read_only")))
			return true;
	}
	refs_of_service(model, service, find_data, &search);
	return search.found;
}

static bool
has_anonymous_volume(const json_t *def)
{
	json_t *mount;
	size_t i;

	json_array_foreach(json_object_get(def, "volumes"), i, mount)
	{
		if (str_eq(json_str(mount, "type"), "volume") && json_is_unset(json_object_get(mount, "source")))
			return true;
	}
	return false;
}

/* What of its networks could not be put back as it was. */
static bool
has_fixed_endpoint(const json_t *def)
{
	const char *network, *key;
	json_t *settings, *value;

	json_object_foreach(json_object_get(def, "networks"), network, settings)
	{
		json_object_foreach(settings, key, value)
		{
			if (!str_eq(key, "aliases") && !str_eq(key, "priority") && !json_is_unset(value))
				return true;
		}
	}
	return false;
}

static bool
lists(const json_t *list, const char *word)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		const char *s = json_string_value(entry);

		/* volumes_from: "web:ro" */
		if (s != NULL && str_starts(s, word) && (s[strlen(word)] == '\0' || s[strlen(word)] == ':'))
			return true;
	}
	return false;
}

/* Do others live in this one's namespaces or on its volumes? They hold on to one container. */
static bool
is_shared(const json_t *model, const char *service)
{
	static const char *const keys[] = {"network_mode", "pid", "ipc"};
	auto_free char *value = str_printf("service:%s", service);
	const char *name;
	json_t *def;

	json_object_foreach(json_object_get(model, "services"), name, def)
	{
		for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
			const char *s = json_str(def, keys[i]);

			if (s != NULL && str_eq(s, value))
				return true;
		}
		if (lists(json_object_get(def, "volumes_from"), service) ||
		    !json_is_unset(json_object_get(json_object_get(def, "links"), service)) ||
		    lists(json_object_get(def, "links"), service))
			return true;
	}
	return false;
}

/* An app's port tells whether it is ready; a worker's only sign is that it stays up. */
static bool
is_judged_without_healthcheck(const json_t *model, const char *service)
{
	const char *web = NULL;
	int port = 0;

	if (model_web(model, &web, &port))
		return str_eq(web, service);
	return app_is_made(model);
}

static const char *
why_in_place(
    const json_t *model, const struct model_service *facts, const struct strv *inputs, const struct strv *answers)
{
	const json_t *def = service_of(model, facts->name);
	enum model_update said = model_service_update(model, facts->name);

	if (said == MODEL_UPDATE_IN_PLACE)
		return "its x-pgo says so";
	if (facts->healthcheck_off && !is_judged_without_healthcheck(model, facts->name))
		return "it has no healthcheck";
	if (facts->scale < 1)
		return "its scale is 0";
	if (!json_is_unset(json_object_get(def, "container_name")))
		return "it has a container_name";
	if (!json_is_unset(json_object_get(def, "network_mode")) || json_is_unset(json_object_get(def, "networks")))
		return "it is in no network of its own";
	if (has_fixed_endpoint(def) || !json_is_unset(json_object_get(def, "mac_address")))
		return "it has a fixed address";
	if (!json_is_unset(json_object_get(def, "links")) || !json_is_unset(json_object_get(def, "external_links")))
		return "it has links";
	if (is_shared(model, facts->name))
		return "other services are tied to its container";
	if (has_anonymous_volume(def))
		return "it has an anonymous volume";
	/* Two databases on the same files destroy them. More than one container, or its own word, say that it can bear
	 * it. */
	if (facts->scale == 1 && said != MODEL_UPDATE_START_FIRST && keeps_data(model, facts->name, inputs, answers))
		return "it can write to data that two containers at once might spoil; if they cannot, mount it read-only or "
		       "say so at the top of the file: \"x-pgo: {services: {NAME: {update: start-first}}}\"";
	return NULL;
}

void
model_mark_in_place(json_t *approved, const json_t *model, const struct strv *inputs, const struct strv *answers)
{
	auto_model_services struct model_services facts = {NULL, 0};
	json_t *marks = json_object();
	const char *why;

	if (marks == NULL || json_object_set_new(approved, MODEL_IN_PLACE_KEY, marks) < 0)
		abort();
	if (model_service_facts(model, &facts, NULL) < 0) {
		json_object_del(approved, MODEL_IN_PLACE_KEY);
		return;
	}
	for (size_t i = 0; i < facts.n; i++) {
		why = why_in_place(model, &facts.v[i], inputs, answers);
		if (why != NULL && json_object_set_new(marks, facts.v[i].name, json_string(why)) < 0)
			abort();
	}
}

const char *
model_in_place(const json_t *approved, const char *service)
{
	const json_t *marks = json_object_get(approved, MODEL_IN_PLACE_KEY);

	/* A release that was approved for another style. */
	if (!json_is_object(marks))
		return "it was approved without start-first";
	return json_str(marks, service);
}

bool
model_publishes(const json_t *model, const char *service)
{
	return !json_is_unset(json_object_get(service_of(model, service), "ports"));
}

static bool
is_mounted(const json_t *def, const char *target)
{
	json_t *mount;
	size_t i;

	json_array_foreach(json_object_get(def, "volumes"), i, mount)
	{
		const char *s = json_str(mount, "target");

		if (s != NULL && str_eq(s, target))
			return true;
	}
	return false;
}

static bool
has_test(const json_t *healthcheck)
{
	const json_t *test = json_object_get(healthcheck, "test");
	const char *first;

	if (test == NULL)
		test = json_object_get(healthcheck, "Test");
	first = json_is_string(test) ? json_string_value(test) : json_string_value(json_array_get(test, 0));
	return first != NULL && !str_eq(first, "NONE");
}

const char *
image_in_place(const json_t *approved, const char *service, const json_t *inspect)
{
	const json_t *config = json_object_get(inspect, "Config");
	const json_t *def = service_of(approved, service);
	const char *target;
	json_t *value;

	json_object_foreach(json_object_get(config, "Volumes"), target, value)
	{
		if (!is_mounted(def, target))
			return "its image has an anonymous volume";
	}
	/* The model may change the times of the image's test, or bring its own. */
	if (!has_test(json_object_get(config, "Healthcheck")) && !has_test(json_object_get(def, "healthcheck")) &&
	    !is_judged_without_healthcheck(approved, service))
		return "it has no healthcheck";
	return NULL;
}

bool
model_depends_on(const json_t *model, const char *service, const char *other)
{
	const json_t *depends = json_object_get(service_of(model, service), "depends_on");

	return json_object_get(depends, other) != NULL || lists(depends, other);
}
