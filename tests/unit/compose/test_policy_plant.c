/* Everything that the oracle forbids, put at every place of every model that is approved: it is refused. */
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
	json_error_t where;
	auto_json json_t *model = json_load_file(path, 0, &where);
	const char *found;
	size_t n = 0;

	if (model == NULL)
		fail_msg("%s: %s", path, where.text);
	found = oracle_find(model, &dirs);
	if (found != NULL)
		fail_msg("%s: the oracle finds %s in what must pass", path, found);
	for (size_t leaf = 0; leaf < oracle_size(); leaf++)
		n += plant_one(path, model, leaf);
	return n;
}

static void
a_forbidden_leaf_is_approved_somewhere(void **state)
{
	DIR *d = opendir(MODELS "/pass");
	struct dirent *entry;
	size_t n = 0;

	(void)state;
	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		auto_free char *path = str_printf(MODELS "/pass/%s", entry->d_name);

		if (str_ends(path, ".json"))
			n += plant_all(path);
	}
	closedir(d);
	assert_true(n > 3000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_forbidden_leaf_is_approved_somewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
