/* Everything that the oracle forbids, and a key that nobody knows, put at every place of every model that is approved:
 * it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <string.h>

#include "base/auto.h"
#include "compose/model.h"
#include "compose/policy.h"
#include "oracle.h"

static const struct oracle_dirs dirs = {"/var/lib/pgo/web", "/data/web"};
static const struct policy account = {.project = "web", .live = "/var/lib/pgo/web", .datadir = "/data/web"};

/* As core reads it; one that is refused already would prove nothing. */
static json_t *
read_model(const char *path)
{
	json_error_t where;
	auto_json json_t *printed = json_load_file(path, 0, &where);
	auto_free char *text = printed == NULL ? NULL : model_dump(printed);
	auto_violations struct violations vs = {0};
	struct err err = ERR_INIT;
	json_t *model = text == NULL ? NULL : model_parse(text, strlen(text), &err);

	if (model == NULL)
		fail_msg("%s: %s%s", path, where.text, err.msg);
	if (policy_check(model, &account, &vs) != 0)
		fail_msg("%s is refused", path);
	return model;
}

static size_t
plant_one(const char *path, const json_t *model, size_t leaf)
{
	size_t places = oracle_places(model, leaf);

	for (size_t i = 0; i < places; i++) {
		auto_json json_t *planted = oracle_plant(model, leaf, i, &dirs);
		auto_violations struct violations vs = {0};

		if (oracle_find(planted, &dirs) == NULL)
			fail_msg("%s: the oracle does not see its own %s", path, oracle_name(leaf));
		if (policy_check(planted, &account, &vs) == 0)
			fail_msg("%s: approved with %s", path, oracle_name(leaf));
	}
	return places;
}

static size_t
plant_all(const char *path)
{
	auto_json json_t *model = read_model(path);
	const char *found;
	size_t n = 0;

	found = oracle_find(model, &dirs);
	if (found != NULL)
		fail_msg("%s: the oracle finds %s in what must pass", path, found);
	for (size_t leaf = 0; leaf < oracle_size(); leaf++)
		n += plant_one(path, model, leaf);
	return n;
}

/* Mappings in which keys are the repository's own words. */
static bool
is_free(const char *key)
{
	return str_eq(key, "labels") || str_eq(key, "environment") || str_eq(key, "args") ||
	       str_eq(key, "aux_addresses") || str_starts(key, "x-");
}

/* Puts a key that nobody knows into the nth mapping; true once it is there. */
static bool
grow_nth(json_t *value, size_t *n)
{
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_object(value) && (*n)-- == 0) {
		json_object_set_new(value, "a_key_of_the_future", json_pack("{si}", "x", 1));
		return true;
	}
	json_array_foreach(value, i, child)
	{
		if (grow_nth(child, n))
			return true;
	}
	json_object_foreach(value, key, child)
	{
		if (!is_free(key) && grow_nth(child, n))
			return true;
	}
	return false;
}

static size_t
grow_all(const char *path)
{
	auto_json json_t *model = read_model(path);

	for (size_t n = 0;; n++) {
		auto_json json_t *grown = json_deep_copy(model);
		auto_violations struct violations vs = {0};
		auto_free char *text = NULL;
		size_t left = n;

		if (!grow_nth(grown, &left))
			return n;
		if (policy_check(grown, &account, &vs) > 0)
			continue;
		text = model_dump(grown);
		fail_msg("%s: a key that nobody knows is approved: %s", path, text);
	}
}

static size_t
each_model(size_t (*fn)(const char *path))
{
	DIR *d = opendir(MODELS "/pass");
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		auto_free char *path = str_printf(MODELS "/pass/%s", entry->d_name);

		if (str_ends(path, ".json"))
			n += fn(path);
	}
	closedir(d);
	return n;
}

static void
a_key_of_a_later_compose_is_approved_somewhere(void **state)
{
	(void)state;
	assert_true(each_model(grow_all) > 400);
}

static void
a_forbidden_leaf_is_approved_somewhere(void **state)
{
	(void)state;
	assert_true(each_model(plant_all) > 3000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_forbidden_leaf_is_approved_somewhere),
	    cmocka_unit_test(a_key_of_a_later_compose_is_approved_somewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
