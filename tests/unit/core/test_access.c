#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_stranger_has_nothing),
	    cmocka_unit_test(a_key_without_options_may_all),
	    cmocka_unit_test(a_key_is_good_until_its_last_second),
	    cmocka_unit_test(a_key_from_elsewhere_is_a_strangers),
	    cmocka_unit_test(lines_with_one_key_add_up),
	    cmocka_unit_test(the_address_of_a_peer_has_no_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
