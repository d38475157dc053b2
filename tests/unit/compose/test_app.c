/* Which port of which compose service an app's visitors are led to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/auto.h"
#include "compose/app.h"
#include "compose/model.h"
#include "compose/web.h"

static json_t *
model_of(const char *kind, const char *said, const char *services)
{
	auto_free char *text =
	    str_printf("{\"services\":{%s},\"x-pgo-app\":{\"kind\":\"%s\"%s}}", services, kind, said);
	struct err err = ERR_INIT;
	json_t *model = model_parse(text, strlen(text), &err);

	if (model == NULL)
		fail_msg("%s: %s", text, err.msg);
	return model;
}

static json_t *
image_of(const char *text)
{
	return json_loads(text, 0, NULL);
}

/* want_port 0: nobody is led there. */
static void
decides(json_t *model, const char *image_text, enum app_port want, const char *want_service, int want_port)
{
	auto_json json_t *image = image_text == NULL ? NULL : image_of(image_text);
	const char *service = "";
	int port = 0;

	assert_int_equal(app_decide_port(model, image), want);
	assert_int_equal(model_web(model, &service, &port), want_port != 0);
	if (want_port == 0)
		return;
	assert_string_equal(service, want_service);
	assert_int_equal(port, want_port);
}

static void
decides_of(
    const char *kind, const char *said, const char *services, const char *image, enum app_port want, int want_port)
{
	auto_json json_t *model = model_of(kind, said, services);

	decides(model, image, want, "web", want_port);
}

static const char *
port_variable(const json_t *model)
{
	const json_t *web = json_object_get(json_object_get(model, "services"), "web");

	return json_string_value(json_object_get(json_object_get(web, "environment"), "PORT"));
}

static void
what_is_said_wins_then_the_file_then_the_image(void **state)
{
	static const char image[] = "{\"ExposedPorts\":{\"3000/tcp\":{}}}";

	(void)state;
	decides_of("dockerfile", ",\"port\":\"8080\"", "\"web\":{\"expose\":[\"9\"]}", image, APP_PORT_SAID, 8080);
	decides_of("compose", "", "\"web\":{\"expose\":[\"9000\"]}", image, APP_PORT_FILE, 9000);
	decides_of("compose", "", "\"web\":{\"expose\":[\"9000\", \"80/tcp\"]}", image, APP_PORT_FILE, 80);
	decides_of("compose", "", "\"web\":{\"expose\":[\"53/udp\"]}", image, APP_PORT_IMAGE, 3000);
	decides_of("dockerfile", "", "\"web\":{}", image, APP_PORT_IMAGE, 3000);
}

static void
of_several_ports_80_else_the_first_of_tcp(void **state)
{
	(void)state;
	decides_of("dockerfile", "", "\"web\":{}", "{\"ExposedPorts\":{\"443/tcp\":{},\"80/tcp\":{},\"22/tcp\":{}}}",
	    APP_PORT_IMAGE, 80);
	decides_of("dockerfile", "", "\"web\":{}", "{\"ExposedPorts\":{\"9000/tcp\":{},\"53/udp\":{},\"443/tcp\":{}}}",
	    APP_PORT_IMAGE, 443);
	decides_of("dockerfile", "", "\"web\":{}", "{\"ExposedPorts\":{\"53/udp\":{},\"70000/tcp\":{}}}",
	    APP_PORT_VARIABLE, 5000);
}

static void
an_app_whose_image_exposes_nothing_is_told_its_port(void **state)
{
	auto_json json_t *model = model_of("dockerfile", "", "\"web\":{\"environment\":{\"A\":\"1\"}}");
	auto_json json_t *bare = model_of("dockerfile", "", "\"web\":{\"environment\":null}");

	(void)state;
	decides(model, "{}", APP_PORT_VARIABLE, "web", 5000);
	assert_string_equal(port_variable(model), "5000");
	decides(bare, "{\"ExposedPorts\":null,\"Env\":null}", APP_PORT_VARIABLE, "web", 5000);
	assert_string_equal(port_variable(bare), "5000");
}

static void
its_own_word_about_port_counts(void **state)
{
	auto_json json_t *var = model_of("dockerfile", "", "\"web\":{\"environment\":{\"PORT\":\"3000\"}}");
	auto_json json_t *baked = model_of("dockerfile", "", "\"web\":{}");

	(void)state;
	decides(var, "{\"Env\":[\"PORT=4000\"]}", APP_PORT_VARIABLE, "web", 3000);
	decides(baked, "{\"Env\":[\"PATH=/bin\",\"PORT=4000\"]}", APP_PORT_VARIABLE, "web", 4000);
	assert_null(port_variable(baked));
}

static void
deciding_again_leaves_nothing_of_the_first_time(void **state)
{
	auto_json json_t *model = model_of("dockerfile", "", "\"web\":{\"environment\":{\"A\":\"1\"}}");
	auto_json json_t *fresh = json_deep_copy(model);
	static const char image[] = "{\"ExposedPorts\":{\"80/tcp\":{}}}";

	(void)state;
	decides(model, "{}", APP_PORT_VARIABLE, "web", 5000);
	decides(model, "{}", APP_PORT_VARIABLE, "web", 5000);
	decides(model, image, APP_PORT_IMAGE, "web", 80);
	decides(fresh, image, APP_PORT_IMAGE, "web", 80);
	assert_true(json_equal(model, fresh));
}

static void
a_worker_has_no_port(void **state)
{
	(void)state;
	decides_of("dockerfile", ",\"worker\":true,\"port\":\"80\"", "\"web\":{}", "{\"ExposedPorts\":{\"80/tcp\":{}}}",
	    APP_PORT_WORKER, 0);
}

static void
of_a_compose_file_web_or_the_only_service_is_led_to(void **state)
{
	auto_json json_t *only = model_of("compose", "", "\"site\":{\"expose\":[\"80\"]}");

	(void)state;
	decides(only, NULL, APP_PORT_FILE, "site", 80);
	decides_of("compose", "", "\"web\":{\"expose\":[80]},\"db\":{}", NULL, APP_PORT_FILE, 80);
	decides_of("compose", "", "\"a\":{\"expose\":[\"80\"]},\"b\":{}", NULL, APP_PORT_NO_WEB, 0);
	decides_of("compose", "", "\"web\":{}", "{\"Env\":[\"PORT=80\"]}", APP_PORT_NONE, 0);
}

static void
what_a_compose_file_writes_of_ours_does_not_count(void **state)
{
	static const char text[] = "{\"services\":{\"a\":{},\"b\":{}},\"x-pgo-http\":{\"service\":\"b\",\"port\":22}}";
	auto_json json_t *model = model_parse(text, strlen(text), NULL);

	(void)state;
	decides(model, NULL, APP_PORT_NO_WEB, "", 0);
	assert_false(app_is_made(model));
}

static bool
gets_init(const char *kind, const char *image_text)
{
	auto_json json_t *model = model_of(kind, "", "\"web\":{\"init\":false}");
	auto_json json_t *image = image_of(image_text);

	app_decide_init(model, image);
	return json_is_true(json_object_get(json_object_get(json_object_get(model, "services"), "web"), "init"));
}

static void
a_program_that_ignores_sigterm_is_waited_for_ten_seconds(void **state)
{
	(void)state;
	assert_true(gets_init("dockerfile", "{\"Entrypoint\":null,\"Cmd\":[\"httpd\",\"-f\"]}"));
	assert_true(gets_init("static", "{\"Entrypoint\":[\"/docker-entrypoint.sh\"],\"Cmd\":[\"nginx\"]}"));
	assert_true(gets_init("dockerfile", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"exec initdb; node ./reinit\"]}"));
	/* What a compose file says is its own, and of an image that is not there nothing is known. */
	assert_false(gets_init("compose", "{\"Cmd\":[\"httpd\"]}"));
	assert_false(gets_init("dockerfile", "{}"));
}

static void
an_image_with_an_init_of_its_own_does_not_start(void **state)
{
	static const char *const images[] = {
	    "{\"Entrypoint\":[\"/init\"],\"Cmd\":[\"app\"]}",
	    "{\"Cmd\":[\"/sbin/my_init\"]}",
	    "{\"Entrypoint\":[\"/usr/bin/tini\",\"--\",\"/run.sh\"]}",
	    "{\"Entrypoint\":[\"/bin/sh\",\"-c\",\"exec /usr/bin/dumb-init node server.js\"]}",
	    "{\"Entrypoint\":[\"env\",\"A=b\",\"tini\",\"-g\",\"app\"]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(images); i++)
		assert_false(gets_init("dockerfile", images[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_said_wins_then_the_file_then_the_image),
	    cmocka_unit_test(of_several_ports_80_else_the_first_of_tcp),
	    cmocka_unit_test(an_app_whose_image_exposes_nothing_is_told_its_port),
	    cmocka_unit_test(its_own_word_about_port_counts),
	    cmocka_unit_test(deciding_again_leaves_nothing_of_the_first_time),
	    cmocka_unit_test(a_worker_has_no_port),
	    cmocka_unit_test(of_a_compose_file_web_or_the_only_service_is_led_to),
	    cmocka_unit_test(what_a_compose_file_writes_of_ours_does_not_count),
	    cmocka_unit_test(a_program_that_ignores_sigterm_is_waited_for_ten_seconds),
	    cmocka_unit_test(an_image_with_an_init_of_its_own_does_not_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
