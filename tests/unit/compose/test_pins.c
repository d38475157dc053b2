/* The approved model names pins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "base/path.h"
#include "compose/model.h"
#include "compose/pins.h"

#define LIVE "/var/lib/pgo/web"

static const struct model_place place = {
    .pins = "/run/pgo/pins/var-lib-pgo", .service = "web", .live = LIVE, .datadir = "/data/web"};

#define BIND(source) \
	"{\"type\":\"bind\",\"source\":\"" source "\",\"target\":\"/t\",\"bind\":{\"create_host_path\":false}}"
#define MODEL(binds, more) "{\"services\":{\"a\":{\"image\":\"x\",\"volumes\":[" binds "]}}" more "}"

static json_t *
parse(const char *text)
{
	struct err err = ERR_INIT;
	json_t *model = model_parse(text, strlen(text), &err);

	if (model == NULL)
		fail_msg("%s: %s", text, err.msg);
	return model;
}

static json_t *
pinned(const char *text)
{
	struct err err = ERR_INIT;
	json_t *model = parse(text);

	assert_int_equal(model_pin(model, &place, &err), 0);
	return model;
}

/* The source of the i-th mount of service a. */
static const char *
source(const json_t *model, size_t i)
{
	const json_t *mounts = json_object_get(json_object_get(json_object_get(model, "services"), "a"), "volumes");

	return json_string_value(json_object_get(json_array_get(mounts, i), "source"));
}

static const char *
file(const json_t *model, const char *section, const char *key)
{
	return json_string_value(json_object_get(json_object_get(json_object_get(model, section), key), "file"));
}

static bool
is_pin(const char *path)
{
	return str_starts(path, "/run/pgo/pins/var-lib-pgo/web/") && str_ends(path, "/src") && path_is_clean(path);
}

static void
a_source_of_the_service_goes_to_the_engine_by_its_name(void **state)
{
	auto_json json_t *model = pinned(MODEL(BIND(LIVE) "," BIND(LIVE "/www") "," BIND("/data/web/db"),
	    ",\"configs\":{\"c\":{\"file\":\"" LIVE "/c\"},\"i\":{\"content\":\"x\"}},"
	    "\"secrets\":{\"s\":{\"file\":\"/data/web/s\"},\"e\":{\"environment\":\"E\"}}"));

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_true(is_pin(source(model, i)));
	assert_string_not_equal(source(model, 0), source(model, 1));
	assert_true(is_pin(file(model, "configs", "c")));
	assert_true(is_pin(file(model, "secrets", "s")));
	assert_null(file(model, "configs", "i"));
	assert_null(file(model, "secrets", "e"));
}

static void
what_is_elsewhere_is_the_administrators(void **state)
{
	auto_json json_t *model = pinned(MODEL(BIND("/etc") "," BIND(LIVE "2") "," BIND(
						   "/data") ","
							    "{\"type\":\"volume\",\"source\":\"v\",\"target\":\"/v\"}",
	    ""));

	(void)state;
	assert_string_equal(source(model, 0), "/etc");
	assert_string_equal(source(model, 1), LIVE "2");
	assert_string_equal(source(model, 2), "/data");
	assert_string_equal(source(model, 3), "v");
}

static void
an_unchanged_source_recreates_its_container(void **state)
{
	auto_json json_t *one = pinned(MODEL(BIND(LIVE "/www"), ""));
	auto_json json_t *two = pinned(MODEL(BIND(LIVE "/other") "," BIND(LIVE "/www"), ",\"x-a\":1"));

	(void)state;
	assert_string_equal(source(one, 0), source(two, 1));
	assert_string_not_equal(source(one, 0), source(two, 0));
}

static void
the_pins_of_a_model_are_not_those_it_was_made_with(void **state)
{
	auto_json json_t *model = pinned(MODEL(BIND(LIVE "/a$$b") "," BIND("/etc") "," BIND(LIVE "/a$$b"), ""));
	auto_pin_set struct pin_set pins = {0};
	auto_free char *path = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(model_pins(model, &pins, &err), 0);
	assert_int_equal(pins.names.n, 1);
	assert_string_equal(pins.sources.v[0], LIVE "/a$b");
	path = pin_path(place.pins, "web", pins.names.v[0]);
	assert_string_equal(path, source(model, 0));
}

static void
a_model_from_before_has_pins(void **state)
{
	auto_json json_t *model = parse(MODEL(BIND(LIVE "/www"), ""));
	auto_pin_set struct pin_set pins = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(model_pins(model, &pins, &err), 0);
	assert_int_equal(pins.names.n, 0);
}

static void
the_repository_names_pins_of_its_own(void **state)
{
	auto_json json_t *model =
	    pinned(MODEL("", ",\"x-pgo-pins\":{\"0123456789abcdef0123456789abcdef\":\"/etc/shadow\"}"));
	auto_json json_t *bad = parse(MODEL("", ",\"x-pgo-pins\":{\"..\":\"/etc/shadow\"}"));
	auto_pin_set struct pin_set pins = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(model_pins(model, &pins, &err), 0);
	assert_int_equal(pins.names.n, 0);
	assert_int_equal(model_pins(bad, &pins, &err), -EINVAL);
}

static void
a_plan_shows_digests_for_paths(void **state)
{
	static const char text[] =
	    MODEL(BIND(LIVE "/a$$b") "," BIND("/etc"), ",\"secrets\":{\"s\":{\"file\":\"/data/web/s\"}}");
	auto_json json_t *before = parse(text);
	auto_json json_t *model = pinned(text);
	auto_json json_t *after = model_unpin(model);

	(void)state;
	assert_false(json_equal(before, model));
	assert_true(json_equal(before, after));
}

static void
a_dollar_of_the_pins_directory_becomes_a_variable(void **state)
{
	auto_json json_t *model = parse(MODEL(BIND(LIVE "/www"), ""));
	struct model_place odd = place;
	struct err err = ERR_INIT;

	(void)state;
	odd.pins = "/run/$x";
	assert_int_equal(model_pin(model, &odd, &err), 0);
	assert_true(str_starts(source(model, 0), "/run/$$x/web/"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_source_of_the_service_goes_to_the_engine_by_its_name),
	    cmocka_unit_test(what_is_elsewhere_is_the_administrators),
	    cmocka_unit_test(an_unchanged_source_recreates_its_container),
	    cmocka_unit_test(the_pins_of_a_model_are_not_those_it_was_made_with),
	    cmocka_unit_test(a_model_from_before_has_pins),
	    cmocka_unit_test(the_repository_names_pins_of_its_own),
	    cmocka_unit_test(a_plan_shows_digests_for_paths),
	    cmocka_unit_test(a_dollar_of_the_pins_directory_becomes_a_variable),
	};

	return cmocka_run_group_tests_name("compose pins", tests, NULL, NULL);
}
