/* Which compose services of a changed release are swapped, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "compose/model.h"
#include "core/swaps.h"

#define HEX32 "0123456789abcdef0123456789abcde"

static bool
nothing_stopped(const void *ctx, const char *service)
{
	return ctx != NULL && str_eq(ctx, service);
}

/* A part a container: "service hash state", "service hash state 8080". */
static json_t *
containers(const char *lines)
{
	json_t *list = json_array();
	int n = 0;

	for (const char *p = lines; *p != '\0'; p += strcspn(p, ";"), p += *p == ';') {
		char service[32], hash[32], state[32];
		int port = 0;
		auto_free char *id = str_printf("%s%x" HEX32 "%x", HEX32, n % 16, n % 16);

		n++;
		assert_true(sscanf(p, "%31s %31s %31[a-z] %d", service, hash, state, &port) >= 3);
		json_array_append_new(
		    list, json_pack("{ss s[s] s{ss ss ss ss} ss ss s[{si si}]}", "Id", id, "Names", service, "Labels",
			      "com.docker.compose.project", strchr(service, '!') != NULL ? "other" : "site",
			      "com.docker.compose.service", service, "com.docker.compose.config-hash", hash,
			      "com.docker.compose.oneoff", "False", "State", state, "Status", "", "Ports",
			      "PrivatePort", 80, "PublicPort", port));
	}
	return list;
}

/* The swaps as text: "web(1+1) db:why". */
static void
plan_is(const char *services, const char *marks, const char *hashes, const char *boxes, const char *stopped,
    const char *want)
{
	auto_free char *text = str_printf("{\"services\":{%s},\"x-pgo-in-place\":{%s}}", services, marks);
	auto_json json_t *model = model_parse(text, strlen(text), NULL);
	auto_json json_t *list = containers(boxes);
	auto_buf struct buf got = BUF_INIT(4096);
	auto_swaps struct swaps s = {NULL, 0};

	assert_non_null(model);
	assert_int_equal(swaps_find(model, "site", hashes, list, nothing_stopped, stopped, &s, NULL), 0);
	swaps_order(&s, model);
	for (size_t i = 0; i < s.n; i++) {
		buf_printf(&got, "%s%s", i > 0 ? " " : "", s.v[i].service);
		if (s.v[i].why != NULL)
			buf_printf(&got, ":%.9s", s.v[i].why);
		else
			buf_printf(&got, "(%zu+%d)", s.v[i].old.n, s.v[i].wanted);
	}
	if (!str_eq(buf_str(&got), want))
		fail_msg("%s | %s: \"%s\" instead of \"%s\"", services, boxes, buf_str(&got), want);
}

static void
what_is_the_same_is_swapped(void **state)
{
	(void)state;
	plan_is("\"db\":{},\"web\":{}", "", "db 1\nweb 2\n", "db 1 running;web 2 running", NULL, "");
	plan_is("\"db\":{},\"web\":{}", "", "db 1\nweb 3\n", "db 1 running;web 2 running", NULL, "web(1+1)");
	plan_is("\"web\":{},\"web2\":{}", "", "web2 1\nweb 1\n", "web 1 running;web2 1 running", NULL, "");
	/* compose said nothing about it: then it differs */
	plan_is("\"web\":{}", "", "", "web 2 running", NULL, "web(1+1)");
}

static void
a_swap_forgets_the_scale(void **state)
{
	(void)state;
	plan_is("\"web\":{\"scale\":3}", "", "web 2\n", "web 1 running;web 1 running", NULL, "web(2+3)");
	plan_is("\"web\":{}", "", "web 2\n", "web 1 running;web 1 exited;web 2 running", NULL, "web(3+1)");
}

static void
what_cannot_be_swapped_is_replaced_in_place(void **state)
{
	(void)state;
	plan_is("\"web\":{}", "\"web\":\"it has links\"", "web 2\n", "web 1 running", NULL, "web:it has li");
	plan_is("\"web\":{}", "", "web 2\n", "web 1 exited", NULL, "web:none of i");
	plan_is("\"web\":{}", "", "web 2\n", "", NULL, "web:it is new");
	plan_is("\"web\":{}", "", "web 2\n", "web 1 running", "web", "");
}

#define PORTS "\"ports\":[{\"target\":80,\"published\":\"8080\"}]"

static void
two_at_once_want_the_same_port(void **state)
{
	(void)state;
	plan_is("\"web\":{" PORTS "}", "", "web 2\n", "web 1 running 8080", NULL, "web:it publis");
	/* nobody holds any yet: whether this one is free shows while the old one serves */
	plan_is("\"web\":{" PORTS "}", "", "web 2\n", "web 1 running;web! 1 running 8080", NULL, "web(1+1)");
	/* the port moves from one service to the other */
	plan_is("\"db\":{},\"web\":{" PORTS "}", "", "db 2\nweb 2\n", "db 1 running 8080;web 1 running", NULL,
	    "db(1+1) web:it publis");
	plan_is("\"web\":{}", "", "web 2\n", "web 1 running 8080", NULL, "web(1+1)");
}

static void
what_needs_the_new_one_is_swapped_before_it_is_there(void **state)
{
	static const char services[] =
	    "\"app\":{\"depends_on\":{\"db\":{}}},\"db\":{},\"web\":{\"depends_on\":{\"app\":{}}}";

	(void)state;
	plan_is(services, "\"db\":\"it keeps\"", "app 2\ndb 2\nweb 2\n", "app 1 running;db 1 running;web 1 running",
	    NULL, "app:it depend db:it keeps web:it depend");
	plan_is(services, "\"db\":\"it keeps\"", "app 2\ndb 1\nweb 2\n", "app 1 running;db 1 running;web 1 running",
	    NULL, "app(1+1) web(1+1)");
	plan_is(services, "", "app 2\ndb 2\nweb 2\n", "app 1 running;db 1 running;web 1 running", NULL,
	    "db(1+1) app(1+1) web(1+1)");
}

static void
a_circle_has_no_end(void **state)
{
	(void)state;
	plan_is("\"a\":{\"depends_on\":[\"b\"]},\"b\":{\"depends_on\":[\"a\"]}", "", "a 2\nb 2\n",
	    "a 1 running;b 1 running", NULL, "a(1+1) b(1+1)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_the_same_is_swapped),
	    cmocka_unit_test(a_swap_forgets_the_scale),
	    cmocka_unit_test(what_cannot_be_swapped_is_replaced_in_place),
	    cmocka_unit_test(two_at_once_want_the_same_port),
	    cmocka_unit_test(what_needs_the_new_one_is_swapped_before_it_is_there),
	    cmocka_unit_test(a_circle_has_no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
