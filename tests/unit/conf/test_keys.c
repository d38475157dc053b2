#include "cmocka_all.h"

#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/keys.h"

static void
every_key_is_found_in_any_case(void **state)
{
	size_t n = service_menu.n;
	const struct key *keys = service_menu.keys;

	(void)state;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(menu_find(&service_menu, keys[i].name), i);
	assert_int_equal(menu_find(&service_menu, "RePository"), KEY_REPOSITORY);
	assert_int_equal(menu_find(&service_menu, "name "), -1);
	assert_int_equal(menu_find(&service_menu, ""), -1);
}

static void
every_key_has_its_words(void **state)
{
	size_t n = service_menu.n;
	const struct key *keys = service_menu.keys;

	(void)state;
	assert_int_equal(n, KEY_IDS);
	for (size_t i = 0; i < n; i++) {
		assert_true(strlen(keys[i].help) > 10 && str_ends(keys[i].help, "."));
		assert_true(str_starts(keys[i].example, keys[i].name));
		assert_true(keys[i].type == KEY_BOOL || (keys[i].rule != NULL) != key_is_amount(&keys[i]));
	}
}

/* What a sentence tells people to write must not be refused when they do. */
static void
every_example_is_accepted(void **state)
{
	const struct key *keys = service_menu.keys;

	(void)state;
	for (size_t i = 0; i < KEY_IDS; i++) {
		bool source = i == KEY_REPOSITORY || i == KEY_HOSTED;
		auto_free char *text =
		    str_printf("[push]\n[[services]]\n%s\n%s\n%s\n%s\n", keys[KEY_NAME].example, keys[KEY_USER].example,
			source ? "" : keys[KEY_REPOSITORY].example, keys[i].state == KEY_NEEDED ? "" : keys[i].example);
		json_t *doc = check_text(text, strlen(text));

		assert_int_equal(json_array_size(json_object_get(doc, "errors")), 0);
		assert_int_equal(json_array_size(json_object_get(doc, "services")), 1);
		json_decref(doc);
	}
}

static void
near_misses_find_the_key_that_was_meant(void **state)
{
	static const char *const samples[][2] = {{"repositry", "repository"}, {"repo", NULL}, {"nam", "name"},
	    {"username", NULL}, {"Comopse", "compose"}, {"registry", NULL}, {"registrys", "registries"},
	    {"network", "networks"}, {"en", "env"}, {"x", NULL}, {"", NULL}, {"env", "env"},
	    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const char *near = menu_near(&service_menu, samples[i][0]);

		if (samples[i][1] == NULL)
			assert_null(near);
		else
			assert_string_equal(near, samples[i][1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_key_is_found_in_any_case),
	    cmocka_unit_test(every_key_has_its_words),
	    cmocka_unit_test(every_example_is_accepted),
	    cmocka_unit_test(near_misses_find_the_key_that_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
