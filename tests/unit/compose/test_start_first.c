/* Which services can have the new container beside the old one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/auto.h"
#include "compose/model.h"
#include "compose/start_first.h"

#define LIVE "/var/lib/pgo/web"
#define OK "\"image\":\"x\",\"networks\":{\"default\":null}"
#define BIND(source) "\"volumes\":[{\"type\":\"bind\",\"source\":\"" source "\",\"target\":\"/x\"}]"

static json_t *
parse(const char *text)
{
	struct err err = ERR_INIT;
	json_t *model = model_parse(text, strlen(text), &err);

	if (model == NULL)
		fail_msg("%s: %s", text, err.msg);
	return model;
}

/* Why the service `web` of these services is replaced in place; the commit has LIVE/www. */
/* What x-pgo says of the service. */
#define SAYS(update) "},\"x-pgo\":{\"services\":{\"web\":{\"update\":\"" update "\"}}"

static void
why_is(const char *services, const char *want)
{
	auto_free char *text = str_printf("{\"services\":{%s}}", services);
	auto_json json_t *model = parse(text), *approved = parse(text);
	auto_strv struct strv inputs = {0}, answers = {0};
	const char *why;

	strv_add(&inputs, LIVE "/data");
	strv_add(&inputs, LIVE "/www");
	strv_add(&answers, "absent");
	strv_add(&answers, "tree 0123");
	model_mark_in_place(approved, model, &inputs, &answers);
	why = model_in_place(approved, "web");
	if ((want == NULL) != (why == NULL) || (want != NULL && strstr(why, want) == NULL))
		fail_msg("%s: %s instead of %s", services, why, want);
}

static void
two_containers_would_be_in_each_others_way(void **state)
{
	static const char *const rows[][2] = {
	    {"\"web\":{" OK "}", NULL},
	    {"\"web\":{" OK ",\"ports\":[],\"labels\":{\"a\":\"b\"},\"hostname\":\"h\"}", NULL},
	    {"\"web\":{" OK ",\"ports\":[{\"target\":80,\"published\":\"8080\"}]}", NULL},
	    {"\"web\":{" OK ",\"container_name\":\"web\"}", "container_name"},
	    {"\"web\":{\"image\":\"x\",\"network_mode\":\"host\"}", "in no network"},
	    {"\"web\":{\"image\":\"x\"}", "in no network"},
	    {"\"web\":{\"image\":\"x\",\"networks\":{\"n\":{\"aliases\":[\"a\"],\"priority\":1}}}", NULL},
	    {"\"web\":{\"image\":\"x\",\"networks\":{\"n\":{\"ipv4_address\":\"10.0.0.2\"}}}", "fixed address"},
	    {"\"web\":{\"image\":\"x\",\"networks\":{\"n\":{\"driver_opts\":{\"a\":\"b\"}}}}", "fixed address"},
	    {"\"web\":{" OK ",\"mac_address\":\"02:00:00:00:00:01\"}", "fixed address"},
	    {"\"web\":{" OK ",\"links\":[\"db\"]}", "links"},
	    {"\"web\":{" OK ",\"external_links\":[\"db\"]}", "links"},
	    {"\"web\":{" OK ",\"healthcheck\":{\"disable\":true}}", "healthcheck"},
	    {"\"web\":{" OK ",\"scale\":0}", "scale"},
	    {"\"web\":{" OK "},\"vpn\":{\"network_mode\":\"service:web\"}", "tied"},
	    {"\"web\":{" OK "},\"dbg\":{" OK ",\"pid\":\"service:web\"}", "tied"},
	    {"\"web\":{" OK "},\"b\":{" OK ",\"volumes_from\":[\"web:ro\"]}", "tied"},
	    {"\"web\":{" OK "},\"b\":{" OK ",\"volumes_from\":[\"web2:ro\"]}", NULL},
	    {"\"web\":{" OK "}" SAYS("in-place"), "x-pgo says so"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		why_is(rows[i][0], rows[i][1]);
}

static void
two_containers_would_spoil_the_data(void **state)
{
	static const char *const rows[][2] = {
	    {"\"web\":{" OK "," BIND(LIVE "/www") "}", NULL},
	    {"\"web\":{" OK "," BIND(LIVE "/data") "}", "data"},
	    {"\"web\":{" OK "," BIND("/data/web") "}", "data"},
	    {"\"web\":{" OK ",\"volumes\":[{\"type\":\"bind\",\"source\":\"" LIVE "/data\",\"read_only\":true}]}",
		NULL},
	    {"\"web\":{" OK ",\"volumes\":[{\"type\":\"volume\",\"source\":\"v\",\"target\":\"/v\"}]}", "data"},
	    {"\"web\":{" OK ",\"volumes\":[{\"type\":\"volume\",\"source\":\"v\",\"read_only\":true}]}", NULL},
	    {"\"web\":{" OK ",\"volumes\":[{\"type\":\"tmpfs\",\"target\":\"/t\"}]}", NULL},
	    {"\"web\":{" OK ",\"volumes\":[{\"type\":\"volume\",\"target\":\"/v\"}]}", "anonymous volume"},
	    {"\"web\":{" OK ",\"scale\":2,\"volumes\":[{\"type\":\"volume\",\"target\":\"/v\"}]}", "anonymous volume"},
	    {"\"web\":{" OK ",\"scale\":2,\"volumes\":[{\"type\":\"volume\",\"source\":\"v\",\"target\":\"/v\"}]}",
		NULL},
	    {"\"web\":{" OK "," BIND(LIVE "/data") "}" SAYS("start-first"), NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		why_is(rows[i][0], rows[i][1]);
}

static void
an_image_hides_a_volume_or_lacks_a_healthcheck(void **state)
{
	static const char *const rows[][3] = {
	    {"{" OK "}", "{\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"]}}}", NULL},
	    {"{" OK ",\"healthcheck\":{\"test\":[\"CMD\",\"x\"]}}", "{\"Config\":{}}", NULL},
	    {"{" OK ",\"healthcheck\":{\"interval\":\"1s\"}}", "{\"Config\":{}}", "healthcheck"},
	    {"{" OK "}", "{\"Config\":{}}", "healthcheck"},
	    {"{" OK "}", "{\"Config\":{\"Healthcheck\":{\"Test\":[\"NONE\"]}}}", "healthcheck"},
	    {"{" OK "}", "null", "healthcheck"},
	    {"{" OK "}", "{\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"]},\"Volumes\":{\"/v\":{}}}}",
		"anonymous"},
	    {"{" OK ",\"volumes\":[{\"type\":\"volume\",\"source\":\"v\",\"target\":\"/v\"}]}",
		"{\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"]},\"Volumes\":{\"/v\":{}}}}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text = str_printf("{\"services\":{\"web\":%s}}", rows[i][0]);
		auto_json json_t *model = parse(text);
		auto_json json_t *inspect = json_loads(rows[i][1], JSON_DECODE_ANY, NULL);
		const char *why = image_in_place(model, "web", inspect);

		if ((rows[i][2] == NULL) != (why == NULL) || (why != NULL && strstr(why, rows[i][2]) == NULL))
			fail_msg("%s %s: %s", rows[i][0], rows[i][1], why);
	}
}

static void
a_release_of_another_style_is_taken_apart(void **state)
{
	auto_json json_t *model = parse("{\"services\":{\"web\":{" OK "}}}");

	(void)state;
	assert_non_null(model_in_place(model, "web"));
}

/* Its port tells when it is ready. */
static void
an_app_needs_no_healthcheck(void **state)
{
	static const char *const texts[][2] = {
	    {"{\"services\":{\"web\":{}},\"x-pgo-http\":{\"service\":\"web\",\"port\":80}}", NULL},
	    {"{\"services\":{\"web\":{},\"db\":{}},\"x-pgo-http\":{\"service\":\"db\",\"port\":80}}", "healthcheck"},
	    {"{\"services\":{\"web\":{}},\"x-pgo-app\":{\"kind\":\"dockerfile\",\"worker\":true}}", NULL},
	    {"{\"services\":{\"web\":{}},\"x-pgo-app\":{\"kind\":\"compose\"}}", "healthcheck"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		auto_json json_t *model = parse(texts[i][0]);
		const char *why = image_in_place(model, "web", NULL);

		if ((texts[i][1] == NULL) != (why == NULL) || (why != NULL && strstr(why, texts[i][1]) == NULL))
			fail_msg("%s: %s", texts[i][0], why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_app_needs_no_healthcheck),
	    cmocka_unit_test(two_containers_would_be_in_each_others_way),
	    cmocka_unit_test(two_containers_would_spoil_the_data),
	    cmocka_unit_test(an_image_hides_a_volume_or_lacks_a_healthcheck),
	    cmocka_unit_test(a_release_of_another_style_is_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
