/* Where visitors of an app are led to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/auto.h"
#include "compose/model.h"
#include "compose/web.h"

static void
what_is_put_in_comes_out(void **state)
{
	static const char text[] = "{\"services\":{\"web\":{}},\"x-pgo-http\":{\"service\":\"db\",\"port\":1}}";
	auto_json json_t *model = model_parse(text, strlen(text), NULL);
	const char *service = "";
	int port = 0;

	(void)state;
	assert_false(model_web(model, &service, &port));
	model_set_web(model, "web", 5000);
	assert_true(model_web(model, &service, &port));
	assert_string_equal(service, "web");
	assert_int_equal(port, 5000);
	model_set_web(model, NULL, 0);
	assert_false(model_web(model, &service, &port));
	assert_null(json_object_get(model, "x-pgo-http"));
}

static void
nobody_is_led_to_what_is_none(void **state)
{
	static const char *const bad[] = {"null", "[]", "{}", "{\"service\":\"web\"}",
	    "{\"service\":\"web\",\"port\":0}", "{\"service\":\"web\",\"port\":65536}",
	    "{\"service\":\"web\",\"port\":\"80\"}", "{\"service\":1,\"port\":80}", "{\"service\":\"db\",\"port\":80}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_free char *text = str_printf("{\"services\":{\"web\":{}},\"x-pgo-http\":%s}", bad[i]);
		auto_json json_t *model = model_parse(text, strlen(text), NULL);
		const char *service;
		int port;

		assert_non_null(model);
		if (model_web(model, &service, &port))
			fail_msg("%s", bad[i]);
	}
	assert_false(model_web(NULL, &(const char *){NULL}, &(int){0}));
}

static json_t *
parse(const char *text)
{
	json_t *model = model_parse(text, strlen(text), NULL);

	assert_non_null(model);
	return model;
}

/* What the model is then, without x-pgo-http; and that it can be taken out again. */
static void
expect_joined(const char *text, const char *want)
{
	auto_json json_t *model = parse(text);
	auto_json json_t *joined = NULL;
	auto_json json_t *expected = parse(want);
	auto_free char *alias = NULL;
	auto_json json_t *before = NULL;

	model_set_web(model, "web", 8080);
	before = json_deep_copy(model);
	assert_true(model_join_proxy(model, "shop", "edge"));
	alias = model_web_alias(model);
	assert_string_equal(alias, "shop-8080--pgo");
	joined = json_deep_copy(model);
	json_object_del(joined, "x-pgo-http");
	assert_true(json_equal(joined, expected));
	model_leave_proxy(model);
	assert_true(json_equal(model, before));
	model_leave_proxy(model);
	assert_true(json_equal(model, before));
}

static void
an_app_has_a_name_of_its_own_on_the_proxys_network(void **state)
{
	(void)state;
	expect_joined(
	    "{\"services\":{\"web\":{\"networks\":{\"default\":null}},\"db\":{}},\"networks\":{\"default\":{}}}",
	    "{\"services\":{\"web\":{\"networks\":{\"default\":null,\"pgo-proxy\":{\"aliases\":[\"shop-8080--pgo\"]}}},\"db\":{}},"
	    "\"networks\":{\"default\":{},\"pgo-proxy\":{\"name\":\"edge\",\"external\":true}}}");
	/* It has the network already, and a name of its own choice there. */
	expect_joined(
	    "{\"services\":{\"web\":{\"networks\":{\"e\":{\"aliases\":[\"x\"]}}}},\"networks\":{\"e\":{\"name\":\"edge\","
	    "\"external\":true}}}",
	    "{\"services\":{\"web\":{\"networks\":{\"e\":{\"aliases\":[\"x\",\"shop-8080--pgo\"]}}}},\"networks\":{\"e\":{\"name\":"
	    "\"edge\",\"external\":true}}}");
	/* The key that ours would have is another's. */
	expect_joined("{\"services\":{\"web\":{\"networks\":{\"pgo-proxy\":{}}}},\"networks\":{\"pgo-proxy\":{}}}",
	    "{\"services\":{\"web\":{\"networks\":{\"pgo-proxy\":{},\"pgo-proxy-\":{\"aliases\":[\"shop-8080--pgo\"]}}}},"
	    "\"networks\":{\"pgo-proxy\":{},\"pgo-proxy-\":{\"name\":\"edge\",\"external\":true}}}");
}

static void
what_has_no_port_or_no_networks_is_not_joined(void **state)
{
	static const char text[] = "{\"services\":{\"web\":{\"network_mode\":\"none\"}}}";
	auto_json json_t *model = parse(text);

	(void)state;
	assert_false(model_join_proxy(model, "shop", "edge"));
	model_set_web(model, "web", 8080);
	assert_false(model_join_proxy(model, "shop", "edge"));
	assert_null(model_web_alias(model));
	assert_null(json_object_get(model, "networks"));
}

static void
names_of_that_kind_are_known_in_any_spelling(void **state)
{
	(void)state;
	assert_true(
	    model_is_web_alias("shop-8080--pgo") && model_is_web_alias("x--PGO..") && model_is_web_alias("--pgo"));
	assert_false(model_is_web_alias("shop--pgo-1") || model_is_web_alias("pgo") || model_is_web_alias(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_put_in_comes_out),
	    cmocka_unit_test(nobody_is_led_to_what_is_none),
	    cmocka_unit_test(an_app_has_a_name_of_its_own_on_the_proxys_network),
	    cmocka_unit_test(what_has_no_port_or_no_networks_is_not_joined),
	    cmocka_unit_test(names_of_that_kind_are_known_in_any_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
