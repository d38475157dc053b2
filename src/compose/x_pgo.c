/* The extension x-pgo: what a compose file says about how it wants to be run. */
#include <errno.h>

#include "base/auto.h"
#include "compose/model.h"

/* What x-pgo says in one place. */
struct said {
	bool reload;
	enum model_update update;
};

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

static int
read_update(const char *where, const json_t *value, enum model_update *ret, struct err *err)
{
	const char *word = json_string_value(value);
	enum model_update update = model_update_of(word);

	if (update == MODEL_UPDATE_UNSAID)
		return err_set(err, EINVAL, "%s.update: must be recreate, in-place or start-first", where);
	*ret = update;
	return 0;
}

static int
read_top(const json_t *pgo, struct said *ret, struct err *err)
{
	const char *key;
	json_t *value;

	if (pgo != NULL && !json_is_null(pgo) && !json_is_object(pgo))
		return err_set(err, EINVAL, "x-pgo: must be a mapping, such as {reload: false}");
	json_object_foreach((json_t *)pgo, key, value)
	{
		if (str_eq(key, "update")) {
			int rc = read_update("x-pgo", value, &ret->update, err);

			if (rc < 0)
				return rc;
			continue;
		}
		if (!str_eq(key, "reload"))
			return err_set(err, EINVAL, "x-pgo.%.64s: unknown key; the keys are reload and update", key);
		if (!json_is_boolean(value))
			return err_set(err, EINVAL, "x-pgo.reload: must be true or false");
		ret->reload = json_is_true(value);
	}
	return 0;
}

static int
read_service(const char *name, const json_t *pgo, enum model_update *ret, struct err *err)
{
	auto_free char *where = str_printf("services.%.64s.x-pgo", name);
	const char *key;
	json_t *value;

	if (pgo != NULL && !json_is_null(pgo) && !json_is_object(pgo))
		return err_set(err, EINVAL, "%s: must be a mapping, such as {update: in-place}", where);
	json_object_foreach((json_t *)pgo, key, value)
	{
		int rc;

		if (!str_eq(key, "update"))
			return err_set(err, EINVAL, "%s.%.64s: unknown key; the only one is update", where, key);
		rc = read_update(where, value, ret, err);
		if (rc < 0)
			return rc;
		if (*ret == MODEL_UPDATE_RECREATE)
			return err_set(err, EINVAL, "%s.update: must be in-place or start-first", where);
	}
	return 0;
}

static int
read_all(const json_t *model, struct said *ret, struct err *err)
{
	struct said said = {.reload = true, .update = MODEL_UPDATE_UNSAID};
	int rc = read_top(json_object_get(model, "x-pgo"), &said, err);
	const char *name;
	json_t *service;

	json_object_foreach(json_object_get(model, "services"), name, service)
	{
		enum model_update update = MODEL_UPDATE_UNSAID;

		if (rc >= 0)
			rc = read_service(name, json_object_get(service, "x-pgo"), &update, err);
	}
	if (rc >= 0)
		*ret = said;
	return rc;
}

int
model_reload(const json_t *model, bool *ret_reload, struct err *err)
{
	struct said said;
	int rc = read_all(model, &said, err);

	if (rc >= 0)
		*ret_reload = said.reload;
	return rc;
}

int
model_update(const json_t *model, enum model_update *ret, struct err *err)
{
	struct said said;
	int rc = read_all(model, &said, err);

	if (rc >= 0)
		*ret = said.update;
	return rc;
}

enum model_update
model_service_update(const json_t *service)
{
	const json_t *said = json_object_get(json_object_get(service, "x-pgo"), "update");

	return model_update_of(json_string_value(said));
}
