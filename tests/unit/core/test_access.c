#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/str.h"
#include "core/access.h"
#include "sample_keys.h"

#define KEY ED25519_0_TYPE " " ED25519_0_BLOB "\n"
#define OTHER RSA_2048_TYPE " " RSA_2048_BLOB "\n"

enum { NOW_S = 1893456000 }; /* 2030-01-01 00:00:00 UTC */

/* What these lines give the holder of KEY, from this address. */
static struct access
access_of(const char *lines, const char *address)
{
	struct asker asker = {.address = address, .now_s = NOW_S};
	auto_free void *blob = str_unbase64(ED25519_0_BLOB, &asker.blob_len);
	auto_keys struct keys keys = {0};
	struct access a;

	asker.blob = blob;
	keys_parse(lines, strlen(lines), &keys);
	assert_int_equal(keys.refused, 0);
	access_begin(&a, &asker);
	access_add_keys(&a, &keys, &asker);
	return a;
}

static void
a_stranger_has_nothing(void **state)
{
	auto_access struct access a = access_of("a.pub:1:" OTHER, "192.0.2.1");

	(void)state;
	assert_false(a.known);
	assert_false(access_may(&a, "ping"));
	assert_string_equal(a.who, ED25519_0_PRINT);
	assert_null(a.why);
}

static void
a_key_without_options_may_all(void **state)
{
	auto_access struct access a = access_of("a.pub:1:" OTHER "b.pub:7:" KEY, "192.0.2.1");

	(void)state;
	assert_true(access_may(&a, "exec"));
	assert_string_equal(a.who, ED25519_0_PRINT " b.pub");
	assert_string_equal(a.place, "ssh/b.pub:7");
}

static void
a_key_is_good_until_its_last_second(void **state)
{
	auto_access struct access last = access_of("a.pub:1:expiry-time=\"20300101000000Z\" " KEY, "192.0.2.1");
	auto_access struct access over = access_of("a.pub:1:expiry-time=\"20291231235959Z\" " KEY, "192.0.2.1");

	(void)state;
	assert_true(access_may(&last, "exec"));
	assert_false(over.known);
	assert_string_equal(over.why, "the key has expired");
}

static void
a_key_from_elsewhere_is_a_strangers(void **state)
{
	auto_access struct access here = access_of("a.pub:1:from=\"192.0.2.0/24\" " KEY, "192.0.2.1");
	auto_access struct access there = access_of("a.pub:1:from=\"192.0.2.0/24\" " KEY, "2001:db8::1");

	(void)state;
	assert_true(access_may(&here, "exec"));
	assert_false(there.known);
	assert_string_equal(there.why, "the key may not come from there");
}

static void
lines_with_one_key_add_up(void **state)
{
	auto_access struct access a = access_of("a.pub:1:ops=\"ps\",from=\"192.0.2.1\" " KEY "a.pub:2:ops=\"logs\" " KEY
						"a.pub:3:expiry-time=\"20200101Z\" " KEY,
	    "192.0.2.9");

	(void)state;
	assert_true(access_may(&a, "logs"));
	assert_false(access_may(&a, "ps"));
	assert_false(access_may(&a, "exec"));
	assert_string_equal(a.place, "ssh/a.pub:2");
}

/* What this operator of the service "site" or, without, of all services, has: on a service, on the host (NULL). */
static struct access
access_of_operator(const char *line, const char *site, const char *ops, const char *service)
{
	struct asker asker = {.address = "192.0.2.1", .now_s = NOW_S};
	auto_free void *blob = str_unbase64(ED25519_0_BLOB, &asker.blob_len);
	struct conf_operators operators = {calloc(1, sizeof(struct conf_operator)), 1};
	struct access a;

	asker.blob = blob;
	operators.v[0].name = str_dup("alice");
	operators.v[0].line = str_printf("%.*s", (int)strcspn(line, "\n"), line);
	assert_int_equal(authkey_parse(operators.v[0].line, &operators.v[0].key, NULL), 0);
	if (site != NULL)
		strv_add(&operators.v[0].names, site);
	if (ops != NULL)
		strv_add(&operators.v[0].ops, ops);
	access_begin(&a, &asker);
	access_add_operators(&a, &operators, service, &asker);
	assert_true(a.operator==(a.known ? operators.v : NULL));
	operators_done(&operators);
	return a;
}

static void
an_operator_has_what_his_services_and_operations_say(void **state)
{
	static const struct {
		const char *line, *site, *ops, *service, *op;
		bool known, may;
	} rows[] = {
	    {KEY, NULL, NULL, "site", "exec", true, true},
	    {KEY, NULL, NULL, "anything", "exec", true, true},
	    {KEY, NULL, NULL, NULL, "host://who", true, true},
	    {KEY, "site", NULL, "site", "exec", true, true},
	    {KEY, "site", NULL, "shop", "exec", false, false},
	    {KEY, "site", NULL, NULL, "host://who", true, true},
	    {KEY, NULL, "ps", "site", "ps", true, true},
	    {KEY, NULL, "ps", "site", "exec", true, false},
	    {KEY, NULL, "ps", NULL, "host://status", true, false},
	    {KEY, NULL, "host://status", NULL, "host://status", true, true},
	    {KEY, NULL, "host://status", "site", "status", true, false},
	    {"ops=\"ps,logs\" " KEY, NULL, "ps", "site", "ps", true, true},
	    {"ops=\"ps,logs\" " KEY, NULL, "ps", "site", "logs", true, false},
	    {"ops=\"logs\" " KEY, NULL, "ps", "site", "ps", true, false},
	    {"from=\"198.51.100.0/24\" " KEY, NULL, NULL, "site", "ps", false, false},
	    {"expiry-time=\"20200101Z\" " KEY, NULL, NULL, NULL, "host://who", false, false},
	    {OTHER, NULL, NULL, "site", "ps", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_access struct access a =
		    access_of_operator(rows[i].line, rows[i].site, rows[i].ops, rows[i].service);

		assert_int_equal(a.known, rows[i].known);
		assert_int_equal(access_may(&a, rows[i].op), rows[i].may);
		assert_string_equal(a.place, rows[i].known ? "operator alice" : "");
	}
}

static void
no_pty_takes_the_terminal_unless_another_line_gives_it(void **state)
{
	auto_access struct access none = access_of("a.pub:1:restrict " KEY, "192.0.2.1");
	auto_access struct access other = access_of("a.pub:1:restrict " KEY "a.pub:2:ops=\"exec\" " KEY, "192.0.2.1");
	auto_access struct access logs = access_of("a.pub:1:no-pty " KEY "a.pub:2:ops=\"logs\" " KEY, "192.0.2.1");
	auto_access struct access operator= access_of_operator("no-pty " KEY, NULL, NULL, "site");

	(void)state;
	assert_false(none.terminal);
	assert_true(other.terminal);
	assert_false(logs.terminal);
	assert_false(operator.terminal);
}

static void
the_address_of_a_peer_has_no_port(void **state)
{
	static const char *const peers[][2] = {{"192.0.2.1:22", "192.0.2.1"}, {"[2001:db8::1]:22", "2001:db8::1"},
	    {"[::1]:1", "::1"}, {"", ""}, {"x", "x"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
		auto_free char *address = access_address(peers[i][0]);

		assert_string_equal(address, peers[i][1]);
	}
}

/* What uploaded keys that may this give the holder of KEY on the app shop, to whose repository's branch app it belongs.
 */
static struct access
access_of_uploaded(const char *apps, bool exists, bool his)
{
	struct asker asker = {.address = "192.0.2.1", .now_s = NOW_S};
	auto_free void *blob = str_unbase64(ED25519_0_BLOB, &asker.blob_len);
	struct pushkey k = {.name = str_dup("tess"), .maker = str_dup("")};
	struct pushkeys keys = {NULL, 0};
	const char *line = his ? KEY : OTHER;
	struct access a;

	asker.blob = blob;
	assert_int_equal(pushkey_read(line, strlen(line), &k.auth, NULL), 0);
	pushkey_set_apps(&k, apps);
	pushkeys_add(&keys, &k);
	access_begin(&a, &asker);
	if (exists)
		access_add_pushkeys(&a, &keys, "shop-dev", "shop", &asker);
	else
		access_add_makers(&a, &keys, "shop-dev", &asker);
	pushkeys_done(&keys);
	return a;
}

static void
an_uploaded_key_may_all_on_its_apps_and_their_branches_and_nothing_on_others(void **state)
{
	static const struct {
		const char *apps;
		bool his, known;
	} cases[] = {
	    {"shop\n", true, true},
	    {"shop-dev\n", true, true},
	    {"*\n", true, true},
	    {"other\n+\n", true, false},
	    {"", true, false},
	    {"*\n", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_access struct access a = access_of_uploaded(cases[i].apps, true, cases[i].his);

		assert_int_equal(a.known, cases[i].known);
		assert_int_equal(access_may(&a, "exec") && access_may(&a, "push") && a.terminal, cases[i].known);
		assert_string_equal(a.who, a.known ? ED25519_0_PRINT " key tess" : ED25519_0_PRINT);
		assert_null(a.operator);
	}
}

static void
an_uploaded_key_may_push_an_app_that_is_not_there_yet_and_ask_nothing_else_of_it(void **state)
{
	static const struct {
		const char *apps;
		bool his, may;
	} cases[] = {
	    {"+\n", true, true},
	    {"*\n", true, true},
	    {"shop-dev\n", true, true},
	    {"shop\n", true, false},
	    {"", true, false},
	    {"+\n", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_access struct access a = access_of_uploaded(cases[i].apps, false, cases[i].his);

		assert_int_equal(access_may(&a, "push"), cases[i].may);
		assert_false(access_may(&a, "status") || a.all || a.terminal);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_stranger_has_nothing),
	    cmocka_unit_test(a_key_without_options_may_all),
	    cmocka_unit_test(a_key_is_good_until_its_last_second),
	    cmocka_unit_test(a_key_from_elsewhere_is_a_strangers),
	    cmocka_unit_test(lines_with_one_key_add_up),
	    cmocka_unit_test(an_uploaded_key_may_all_on_its_apps_and_their_branches_and_nothing_on_others),
	    cmocka_unit_test(an_uploaded_key_may_push_an_app_that_is_not_there_yet_and_ask_nothing_else_of_it),
	    cmocka_unit_test(an_operator_has_what_his_services_and_operations_say),
	    cmocka_unit_test(no_pty_takes_the_terminal_unless_another_line_gives_it),
	    cmocka_unit_test(the_address_of_a_peer_has_no_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
