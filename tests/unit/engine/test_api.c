#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "engine/api.h"

#define TAIL " HTTP/1.1\r\nHost: docker\r\nUser-Agent: pgo/" PGO_VERSION "\r\nAccept: application/json\r\n\r\n"

static void
request_is(enum api call, bool versioned, const char *arg, const char *want)
{
	struct buf b = BUF_INIT(8192);

	api_request(&b, api_call(call), versioned, arg);
	assert_string_equal(buf_str(&b), want);
	buf_done(&b);
}

static void
requests_are_written_as_the_engine_reads_them(void **state)
{
	(void)state;
	request_is(API_IMAGE, true, "host:5000/a/b:1", "GET /v1.41/images/host:5000/a/b:1/json" TAIL);
	request_is(API_IMAGE, false, "a", "GET /images/a/json" TAIL);
	request_is(API_NETWORK, true, "edge_net", "GET /v1.41/networks/edge_net" TAIL);
	request_is(API_LIST_PROJECT, true, "web",
	    "GET "
	    "/v1.41/containers/"
	    "json?all=1&filters=%7B%22label%22%3A%5B%22com.docker.compose.project=web%22%5D%7D" TAIL);
}

static void
nothing_in_the_table_changes_anything(void **state)
{
	(void)state;
	for (size_t i = 0; i < api_count(); i++) {
		const struct api_call *call = api_call((enum api)i);
		bool has_arg =
		    strstr(call->path, "%s") != NULL || (call->query != NULL && strstr(call->query, "%s") != NULL);

		assert_string_equal(call->method, "GET");
		assert_true(call->limit_bytes > 0);
		assert_true(call->deadline_ms > 0 || i == API_EVENTS);
		/* an argument without a check would let a repository choose the path */
		assert_int_equal(has_arg, call->arg_ok != NULL);
	}
}

static void
a_name_cannot_lead_to_another_path(void **state)
{
	static const char *const bad_images[] = {"", "../containers/x", "a/../b", "a/./b", "a//b", "/a", "a/", "a b",
	    "a?x=1", "a#b", "a%2e", "a\r\nX: y", "a\"", "ä", ".", ".."};
	static const char *const bad_networks[] = {"", "a/b", "..", ".", "a b", "a?b", "a:b", "a%", "a\n"};
	static const char *const good_images[] = {"busybox", "busybox:1.36", "a/b@sha256:0123",
	    "localhost:5000/x/y:z_1-2.3", "sha256:46f74e6ea4c0982b7f3b69e756ff9439916d4da8e58b50c99036c3975ed589b7"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_images); i++)
		assert_false(api_call(API_IMAGE)->arg_ok(bad_images[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad_networks); i++)
		assert_false(api_call(API_NETWORK)->arg_ok(bad_networks[i]));
	for (size_t i = 0; i < ARRAY_LEN(good_images); i++)
		assert_true(api_call(API_IMAGE)->arg_ok(good_images[i]));
	assert_true(api_call(API_NETWORK)->arg_ok("my-app_default"));
	assert_false(api_call(API_INSPECT)->arg_ok("abc"));
	assert_false(api_call(API_LIST_PROJECT)->arg_ok("web\"]}"));
	assert_false(api_call(API_EVENTS)->arg_ok("-1"));
}

static void
an_engine_that_speaks_another_version_is_understood(void **state)
{
	(void)state;
	assert_true(api_version_refused(
	    "{\"message\":\"client version 1.41 is too new. Maximum supported API version is 1.40\"}"));
	assert_true(api_version_refused(
	    "{\"message\":\"client version 1.41 is too old. Minimum supported API version is 1.44, please upgrade\"}"));
	assert_false(api_version_refused("{\"message\":\"invalid filter\"}"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_are_written_as_the_engine_reads_them),
	    cmocka_unit_test(nothing_in_the_table_changes_anything),
	    cmocka_unit_test(a_name_cannot_lead_to_another_path),
	    cmocka_unit_test(an_engine_that_speaks_another_version_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
