/* The extension x-pgo: what a compose file says about how it wants to be run. */
#include "base/auto.h"
#include "compose/model.h"
#include "compose/policy_table.h"

static const char *const styles[] = {
    [MODEL_UPDATE_RECREATE] = "recreate",
    [MODEL_UPDATE_IN_PLACE] = "in-place",
    [MODEL_UPDATE_START_FIRST] = "start-first",
};

enum model_update
model_update_of(const char *word)
{
	for (size_t i = 0; word != NULL && i < ARRAY_LEN(styles); i++) {
		if (styles[i] != NULL && str_eq(styles[i], word))
			return (enum model_update)i;
	}
	return MODEL_UPDATE_UNSAID;
}

static enum model_update
update_in(const json_t *said)
{
	return model_update_of(json_string_value(json_object_get(said, "update")));
}

bool
model_reload(const json_t *model, bool otherwise)
{
	const json_t *reload = json_object_get(json_object_get(model, "x-pgo"), "reload");

	return json_is_boolean(reload) ? json_is_true(reload) : otherwise;
}

enum model_update
model_update(const json_t *model)
{
	return update_in(json_object_get(model, "x-pgo"));
}

enum model_update
model_service_update(const json_t *model, const char *service)
{
	return update_in(json_object_get(json_object_get(json_object_get(model, "x-pgo"), "services"), service));
}

/* --- judging --- */

static bool
is_mapping(const char *path, const json_t *value, struct violations *ret)
{
	if (value == NULL || json_is_null(value) || json_is_object(value))
		return true;
	violations_add(ret, str_dup(path), str_dup("must be a mapping"), str_dup("such as {update: in-place}"));
	return false;
}

static void
unknown_key(const char *path, const char *key, const char *known, struct violations *ret)
{
	violations_add(ret, str_printf("%s.%.64s", path, key), str_dup("unknown key"), str_dup(known));
}

static void
judge_update(const char *path, const json_t *value, bool of_service, struct violations *ret)
{
	enum model_update update = model_update_of(json_string_value(value));

	if (update == MODEL_UPDATE_UNSAID || (update == MODEL_UPDATE_RECREATE && of_service))
		violations_add(ret, str_printf("%s.update", path),
		    str_printf("must be %sin-place or start-first", of_service ? "" : "recreate, "),
		    str_dup("write one of these words, or leave the key out"));
}

static void
judge_service(const json_t *model, const char *service, const json_t *said, struct violations *ret)
{
	auto_free char *path = str_printf("x-pgo.services.%.64s", service);
	const char *key;
	json_t *value;

	if (json_object_get(json_object_get(model, "services"), service) == NULL)
		violations_add(ret, str_dup(path), str_dup("there is no such service in the file"),
		    str_dup("name one of its services, or leave the key out"));
	if (!is_mapping(path, said, ret))
		return;
	json_object_foreach((json_t *)said, key, value)
	{
		if (str_eq(key, "update"))
			judge_update(path, value, true, ret);
		else
			unknown_key(path, key, "its only key is update", ret);
	}
}

static void
judge_services(const json_t *model, const json_t *services, struct violations *ret)
{
	const char *name;
	json_t *said;

	if (is_mapping("x-pgo.services", services, ret))
		json_object_foreach((json_t *)services, name, said) judge_service(model, name, said, ret);
}

void
policy_x_pgo(const json_t *model, struct violations *ret)
{
	const json_t *pgo = json_object_get(model, "x-pgo");
	const char *key;
	json_t *value;

	if (!is_mapping("x-pgo", pgo, ret))
		return;
	json_object_foreach((json_t *)pgo, key, value)
	{
		if (str_eq(key, "update"))
			judge_update("x-pgo", value, false, ret);
		else if (str_eq(key, "services"))
			judge_services(model, value, ret);
		else if (!str_eq(key, "reload"))
			unknown_key("x-pgo", key, "its keys are reload, update and services", ret);
		else if (!json_is_boolean(value))
			violations_add(ret, str_dup("x-pgo.reload"), str_dup("must be true or false"),
			    str_dup("write one of these words, without quotes"));
	}
}
