#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/str.h"
#include "engine/api.h"

#define HEAD " HTTP/1.1\r\nHost: docker\r\nUser-Agent: pgo/" PGO_VERSION "\r\nAccept: application/json\r\n"
#define TAIL HEAD "\r\n"
#define HEX32 "0123456789abcdef0123456789abcdef"
#define ID HEX32 HEX32

static void
write_is(enum api call, bool versioned, const struct api_args *args, const char *want)
{
	struct buf b = BUF_INIT(8192);

	assert_true(api_args_ok(api_call(call), args));
	api_request(&b, api_call(call), versioned, args);
	assert_string_equal(buf_str(&b), want);
	buf_done(&b);
}

static void
request_is(enum api call, bool versioned, const char *arg, const char *want)
{
	write_is(call, versioned, &(struct api_args){.arg = arg}, want);
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
writes_are_written_as_the_engine_reads_them(void **state)
{
	static const char body[] = "{\"Container\":\"" ID "\"}";
	auto_free char *with_body = str_printf("POST /v1.41/networks/web_default/connect" HEAD
					       "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
	    strlen(body), body);

	(void)state;
	write_is(API_TAG, true, &(struct api_args){.arg = "sha256:" ID, .service = "web"},
	    "POST /v1.41/images/sha256:" ID "/tag?repo=pgo.local%2Fweb&tag=" HEX32 HEAD "Content-Length: 0\r\n\r\n");
	write_is(API_UNTAG, false, &(struct api_args){.arg = "sha256:" ID, .service = "web"},
	    "DELETE /images/pgo.local/web:" HEX32 "?noprune=false" HEAD "Content-Length: 0\r\n\r\n");
	write_is(API_PUBLISH, true,
	    &(struct api_args){
		.arg = "sha256:" ID, .service = "shop", .registry = "r.example.org:5000/a", .version = "7-db"},
	    "POST /v1.41/images/sha256:" ID "/tag?repo=r.example.org%3A5000%2Fa%2Fshop&tag=7-db" HEAD
	    "Content-Length: 0\r\n\r\n");
	write_is(API_UNPUBLISH, true,
	    &(struct api_args){.service = "shop", .registry = "r.example.org:5000/a", .version = "7-db"},
	    "DELETE /v1.41/images/r.example.org:5000/a/shop:7-db?noprune=false" HEAD "Content-Length: 0\r\n\r\n");
	write_is(API_REMOVE, true, &(struct api_args){.service = "web", .container = ID},
	    "DELETE /v1.41/containers/" ID "?v=false&force=false" HEAD "Content-Length: 0\r\n\r\n");
	write_is(API_RENAME, true, &(struct api_args){.arg = "web-db-1", .service = "web", .container = ID},
	    "POST /v1.41/containers/" ID "/rename?name=web-db-1" HEAD "Content-Length: 0\r\n\r\n");
	write_is(API_CONNECT, true,
	    &(struct api_args){.arg = "web_default", .service = "web", .container = ID, .body = body}, with_body);
}

/* What has only GET reads; everything else says whose it is, in its name or through the guard. */
static void
every_write_is_bound_to_a_service(void **state)
{
	(void)state;
	for (size_t i = 0; i < api_count(); i++) {
		const struct api_call *call = api_call((enum api)i);
		auto_free char *text = str_printf("%s?%s", call->path, call->query == NULL ? "" : call->query);
		bool has_arg = strstr(text, "%s") != NULL || strstr(text, "%t") != NULL;
		bool names_container = strstr(text, "%c") != NULL;

		assert_int_equal(call->write, !str_eq(call->method, "GET"));
		assert_int_equal(call->write, strstr(text, "pgo.local/%o") != NULL || call->published || call->guarded);
		assert_int_equal(call->published, strstr(text, "%r/%o") != NULL);
		assert_true(!names_container || call->guarded);
		assert_true(!call->has_body || call->write);
		assert_true(call->limit_bytes > 0);
		assert_true(call->deadline_ms > 0 || i == API_EVENTS);
		/* an argument without a check would let a repository choose the path */
		assert_int_equal(has_arg, call->arg_ok != NULL);
		assert_non_null(call->help);
	}
}

static void
a_write_without_an_owner_never_leaves(void **state)
{
	static const struct api_args bad_tags[] = {
	    {.arg = "sha256:" ID},
	    {.arg = "sha256:" ID, .service = ""},
	    {.arg = "sha256:" ID, .service = "../library/debian"},
	    {.arg = "sha256:" HEX32, .service = "web"},
	    {.arg = "debian:12", .service = "web"},
	    {.service = "web"},
	};
	static const struct api_args bad_stops[] = {
	    {.container = ID},
	    {.service = "web"},
	    {.service = "web", .container = "web-1"},
	    {.service = "web", .container = ID "/kill"},
	    {.service = "web", .container = ID, .body = "{}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_tags); i++) {
		assert_false(api_args_ok(api_call(API_TAG), &bad_tags[i]));
		assert_false(api_args_ok(api_call(API_UNTAG), &bad_tags[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(bad_stops); i++) {
		assert_false(api_args_ok(api_call(API_START), &bad_stops[i]));
		assert_false(api_args_ok(api_call(API_STOP), &bad_stops[i]));
		assert_false(api_args_ok(api_call(API_REMOVE), &bad_stops[i]));
	}
	assert_false(api_args_ok(
	    api_call(API_CONNECT), &(struct api_args){.arg = "a/b", .service = "web", .container = ID, .body = "{}"}));
	assert_false(
	    api_args_ok(api_call(API_CONNECT), &(struct api_args){.arg = ID, .service = "web", .container = ID}));
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
	    cmocka_unit_test(writes_are_written_as_the_engine_reads_them),
	    cmocka_unit_test(every_write_is_bound_to_a_service),
	    cmocka_unit_test(a_write_without_an_owner_never_leaves),
	    cmocka_unit_test(a_name_cannot_lead_to_another_path),
	    cmocka_unit_test(an_engine_that_speaks_another_version_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
