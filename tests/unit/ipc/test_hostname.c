#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "ipc/hostname.h"

#define A_L63 "a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
host_names_pass(void **state)
{
	static const char *const good[] = {"www.a.com", "b.a.com", "app.1.2.3.4.xip.io", "*.example.org",
	    "a_b.example.org", "xn--bcher-kva.example", "1.example", A_L63, "a--b.c9", "_x.example.org"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct err err = ERR_INIT;

		if (hostname_check(good[i], &err) < 0)
			fail_msg("%s %s", good[i], err.msg);
	}
}

static void
nothing_else_gets_in(void **state)
{
	static const char *const bad[][2] = {{"", "empty part"}, {".", "empty part"}, {"a.", "empty part"},
	    {".a.b", "empty part"}, {"a..b", "empty part"}, {"localhost", "one word"}, {"*", "\"*\""}, {"*.", "empty"},
	    {"*.org", "too much"}, {"a.*.org", "\"*\""}, {"*a.b.org", "\"*\""}, {"*.*.b.org", "\"*\""},
	    {"WWW.a.com", "lower case"}, {"http://a.com", "without scheme"}, {"a.com:80", "without scheme"},
	    {"a.com/x", "without scheme"}, {"-a.com", "\"-\""}, {"a-.com", "\"-\""}, {"a.b-", "\"-\""},
	    {"10.1.2.3", "address"}, {"a.1", "address"}, {"a b.com", "no host name"}, {"a.com;", "no host name"},
	    {"a.com{", "no host name"}, {"a.com\n", "no host name"}, {"a.com#", "no host name"},
	    {"b\xc3\xbcz.example", "no host name"}, {"~^.a.com", "no host name"}, {"\"a.com\"", "no host name"},
	    {"$host.com", "no host name"}, {A_L63 "a", "64 bytes"}};
	char longest[256 + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_INIT;

		if (hostname_check(bad[i][0], &err) == 0 || strstr(err.msg, bad[i][1]) == NULL)
			fail_msg("%s: %s instead of %s", bad[i][0], err.msg, bad[i][1]);
	}
	for (size_t i = 0; i < sizeof(longest) - 1; i++)
		longest[i] = i % 2 == 0 ? 'a' : '.';
	longest[254] = '\0';
	assert_true(hostname_check(longest, NULL) < 0);
	longest[253] = '\0';
	assert_int_equal(hostname_check(longest, NULL), 0);
}

static void
a_star_stands_for_one_part(void **state)
{
	(void)state;
	assert_true(hostname_covers("*.a.com", "b.a.com"));
	assert_true(hostname_covers("*.a.com", "*.a.com"));
	assert_false(hostname_covers("*.a.com", "c.b.a.com"));
	assert_false(hostname_covers("*.a.com", "a.com"));
	assert_false(hostname_covers("b.a.com", "*.a.com"));
	assert_false(hostname_covers("b.a.com", "c.a.com"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(host_names_pass),
	    cmocka_unit_test(nothing_else_gets_in),
	    cmocka_unit_test(a_star_stands_for_one_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
