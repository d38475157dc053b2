/* What the pipeline learns of each service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "compose/model.h"
#include "compose/names.h"

static json_t *
service(const char *body)
{
	auto_free char *text = str_printf("{\"services\":{\"a\":{%s}}}", body);
	struct err err = ERR_INIT;
	json_t *model = model_parse(text, strlen(text), &err);

	if (model == NULL)
		fail_msg("%s: %s", body, err.msg);
	return model;
}

static void
images_come_from_the_wrong_place(void **state)
{
	static const struct {
		const char *body;
		const char *image;
		bool build, pull, always, rebuild;
	} rows[] = {
	    {"\"image\":\"x\"", "x", false, true, false, false},
	    {"\"build\":{\"context\":\"/l\"}", "p-a", true, false, false, false},
	    {"\"image\":\"r/x:1\",\"build\":{\"context\":\"/l\"}", "p-a", true, false, false, false},
	    {"\"image\":\"x\",\"pull_policy\":\"always\"", "x", false, true, true, false},
	    {"\"image\":\"x\",\"pull_policy\":\"daily\"", "x", false, true, true, false},
	    {"\"image\":\"x\",\"pull_policy\":\"every_12h\"", "x", false, true, true, false},
	    {"\"image\":\"x\",\"pull_policy\":\"never\"", "x", false, false, false, false},
	    {"\"image\":\"x\",\"pull_policy\":\"missing\"", "x", false, true, false, false},
	    {"\"image\":\"x\",\"pull_policy\":\"if_not_present\"", "x", false, true, false, false},
	    {"\"image\":\"x\",\"build\":{\"context\":\"/l\"},\"pull_policy\":\"build\"", "p-a", true, false, false,
		true},
	    {"\"image\":\"x\",\"build\":{\"context\":\"/l\"},\"pull_policy\":\"always\"", "p-a", true, false, false,
		true},
	    {"\"build\":{\"context\":\"/l\"},\"pull_policy\":\"always\"", "p-a", true, false, false, true},
	    {"\"image\":\"a$$b\"", "a$b", false, true, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_json json_t *model = service(rows[i].body);
		auto_model_images struct model_images mi = {0};
		struct err err = ERR_INIT;

		assert_int_equal(model_images(model, "p", &mi, &err), 0);
		assert_int_equal(mi.n, 1);
		assert_string_equal(mi.v[0].service, "a");
		if (!str_eq(mi.v[0].image, rows[i].image) || mi.v[0].build != rows[i].build ||
		    mi.v[0].pull != rows[i].pull || mi.v[0].always != rows[i].always ||
		    mi.v[0].rebuild != rows[i].rebuild)
			fail_msg("%s", rows[i].body);
	}
}

static void
a_service_without_image_is_overlooked(void **state)
{
	auto_json json_t *model = service("\"provider\":{\"type\":\"x\"}");
	auto_model_images struct model_images mi = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_true(model_images(model, "p", &mi, &err) < 0);
	assert_string_equal(err.msg, "services.a: has neither an image nor a build section");
	assert_int_equal(mi.n, 0);
}

static void
healing_misreads_the_restart_policy(void **state)
{
	static const struct {
		const char *body;
		enum model_restart restart;
		int max;
	} rows[] = {
	    {"\"image\":\"x\"", MODEL_RESTART_NO, 0},
	    {"\"restart\":\"no\"", MODEL_RESTART_NO, 0},
	    {"\"restart\":\"always\"", MODEL_RESTART_ALWAYS, 0},
	    {"\"restart\":\"unless-stopped\"", MODEL_RESTART_UNLESS_STOPPED, 0},
	    {"\"restart\":\"on-failure\"", MODEL_RESTART_ON_FAILURE, 0},
	    {"\"restart\":\"on-failure:7\"", MODEL_RESTART_ON_FAILURE, 7},
	    {"\"deploy\":{\"restart_policy\":{\"condition\":\"none\"}},\"restart\":\"always\"", MODEL_RESTART_NO, 0},
	    {"\"deploy\":{\"restart_policy\":{\"condition\":\"any\"}}", MODEL_RESTART_ALWAYS, 0},
	    {"\"deploy\":{\"restart_policy\":{\"condition\":\"on-failure\",\"max_attempts\":3}}",
		MODEL_RESTART_ON_FAILURE, 3},
	    {"\"deploy\":{\"restart_policy\":{}},\"restart\":\"always\"", MODEL_RESTART_NO, 0},
	    {"\"deploy\":{\"resources\":{}},\"restart\":\"always\"", MODEL_RESTART_ALWAYS, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_json json_t *model = service(rows[i].body);
		auto_model_services struct model_services ms = {0};
		struct err err = ERR_INIT;

		assert_int_equal(model_service_facts(model, &ms, &err), 0);
		if (ms.v[0].restart != rows[i].restart || ms.v[0].restart_max != rows[i].max)
			fail_msg("%s", rows[i].body);
	}
}

static void
scale_and_healthcheck_are_misread(void **state)
{
	static const struct {
		const char *body;
		int scale;
		bool check, off;
	} rows[] = {
	    {"\"image\":\"x\"", 1, false, false},
	    {"\"scale\":0", 0, false, false},
	    {"\"scale\":3,\"deploy\":{\"replicas\":3}", 3, false, false},
	    {"\"deploy\":{\"replicas\":2}", 2, false, false},
	    {"\"healthcheck\":{\"test\":[\"CMD\",\"true\"]}", 1, true, false},
	    {"\"healthcheck\":{\"test\":\"true\"}", 1, true, false},
	    {"\"healthcheck\":{\"interval\":\"1s\"}", 1, false, false},
	    {"\"healthcheck\":{\"disable\":true}", 1, false, true},
	    {"\"healthcheck\":{\"test\":[\"NONE\"]}", 1, false, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_json json_t *model = service(rows[i].body);
		auto_model_services struct model_services ms = {0};
		struct err err = ERR_INIT;

		assert_int_equal(model_service_facts(model, &ms, &err), 0);
		if (ms.v[0].scale != rows[i].scale || ms.v[0].healthcheck != rows[i].check ||
		    ms.v[0].healthcheck_off != rows[i].off)
			fail_msg("%s", rows[i].body);
	}
}

static void
nonsense_is_taken_for_a_fact(void **state)
{
	static const char *const rows[] = {"\"restart\":\"sometimes\"", "\"restart\":\"on-failure:-1\"",
	    "\"restart\":\"on-failure:\"", "\"deploy\":{\"restart_policy\":{\"condition\":\"x\"}}", "\"scale\":-1",
	    "\"scale\":1000000", "\"scale\":\"3\"", "\"deploy\":{\"replicas\":99999999999}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_json json_t *model = service(rows[i]);
		auto_model_services struct model_services ms = {0};
		struct err err = ERR_INIT;

		if (model_service_facts(model, &ms, &err) != -EINVAL || strstr(err.msg, "services.a") == NULL)
			fail_msg("%s", rows[i]);
	}
}

static void
services_come_in_any_order(void **state)
{
	static const char text[] = "{\"services\":{\"b\":{\"image\":\"x\"},\"a\":{\"image\":\"y\"}}}";
	struct err err = ERR_INIT;
	auto_json json_t *model = model_parse(text, strlen(text), &err);
	auto_model_services struct model_services ms = {0};
	auto_model_images struct model_images mi = {0};

	(void)state;
	assert_int_equal(model_service_facts(model, &ms, &err), 0);
	assert_int_equal(model_images(model, "p", &mi, &err), 0);
	assert_string_equal(ms.v[0].name, "a");
	assert_string_equal(ms.v[1].name, "b");
	assert_string_equal(mi.v[0].image, "y");
	assert_string_equal(mi.v[1].image, "x");
}

/* The names that others use are not for whoever builds: neither `image` nor `tags` reaches compose build. */
static void
a_build_puts_its_image_under_the_name_of_another(void **state)
{
	static const char text[] =
	    "{\"services\":{\"a\":{\"image\":\"caddy:2\",\"build\":{\"context\":\"/l\",\"tags\":[\"caddy:2\"]}},"
	    "\"b\":{\"image\":\"caddy:2\"}}}";
	struct err err = ERR_INIT;
	auto_json json_t *model = model_parse(text, sizeof(text) - 1, &err);
	auto_json json_t *build = NULL;
	auto_model_images struct model_images mi = {0};

	(void)state;
	assert_non_null(model);
	build = model_for_build(model);
	assert_null(json_object_get(json_object_get(json_object_get(build, "services"), "a"), "image"));
	assert_null(json_object_get(
	    json_object_get(json_object_get(json_object_get(build, "services"), "a"), "build"), "tags"));
	assert_non_null(json_object_get(json_object_get(json_object_get(build, "services"), "b"), "image"));
	assert_int_equal(model_images(model, "p", &mi, &err), 0);
	assert_string_equal(mi.v[0].image, "p-a");
	assert_string_equal(mi.v[0].written, "caddy:2");
	assert_string_equal(mi.v[1].image, "caddy:2");
}

static void
a_container_is_called_as_nobody_would_call_it(void **state)
{
	auto_json json_t *model = service("\"image\":\"i\",\"container_name\":\"site-db\"");
	auto_model_names struct model_names mn = {0};
	static const struct {
		const char *name, *wanted;
	} names[] = {
	    {"0123456789ab_site-a-1", "site-a-1"},
	    {"0123456789ab_site-a-12", "site-a-12"},
	    {"0123456789ab_site-db", "site-db"},
	    {"site-a-1", NULL},
	    {"0123456789ab_", NULL},
	    {"0123456789ab-site-a-1", NULL},
	    {"0123456789a_site-a-1", NULL},
	    {"0123456789abc_site-a-1", NULL},
	    {"0123456789AB_site-a-1", NULL},
	    {"0123456789ab_site-b-1", NULL},
	    {"0123456789ab_other-a-1", NULL},
	    {"0123456789ab_0123456789ab_site-a-1", NULL},
	};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(model_names(model, "site", &mn, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *name = model_name_behind(&mn, "site", "a", names[i].name);

		if (names[i].wanted == NULL)
			assert_null(name);
		else
			assert_string_equal(name, names[i].wanted);
	}
	strv_add(&mn.containers, "0123456789ab_site-a-1");
	assert_null(model_name_behind(&mn, "site", "a", "0123456789ab_site-a-1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(images_come_from_the_wrong_place),
	    cmocka_unit_test(a_build_puts_its_image_under_the_name_of_another),
	    cmocka_unit_test(a_service_without_image_is_overlooked),
	    cmocka_unit_test(healing_misreads_the_restart_policy),
	    cmocka_unit_test(scale_and_healthcheck_are_misread),
	    cmocka_unit_test(nonsense_is_taken_for_a_fact),
	    cmocka_unit_test(services_come_in_any_order),
	    cmocka_unit_test(a_container_is_called_as_nobody_would_call_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
