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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_put_in_comes_out),
	    cmocka_unit_test(nobody_is_led_to_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
