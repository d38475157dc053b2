#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "ipc/key_from.h"

static const struct {
	const char *list;
	const char *address;
	bool matches;
} cases[] = {
    {"192.0.2.7", "192.0.2.7", true},
    {"192.0.2.7", "192.0.2.70", false},
    {"192.0.2.0/24", "192.0.2.255", true},
    {"192.0.2.0/24", "192.0.3.0", false},
    {"192.0.2.128/25", "192.0.2.127", false},
    {"0.0.0.0/0", "203.0.113.9", true},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"::/0", "2001:db8::1", true},
    {"::/0", "192.0.2.1", false},
    {"192.0.2.7/32", "192.0.2.7", true},
    {"2001:db8::/32", "2001:db8:ffff::1", true},
    {"2001:db8::/33", "2001:db8:8000::1", false},
    {"2001:DB8:0:0::0001", "2001:db8::1", true},
    /* an IPv4 client that came in over IPv6 */
    {"192.0.2.0/24", "::ffff:192.0.2.1", true},
    {"::ffff:192.0.2.1", "192.0.2.1", true},
    {"::ffff:192.0.2.0/120", "192.0.2.9", true},
    {"192.0.2.*", "::ffff:192.0.2.1", true},
    /* wildcards look at the address as it is usually written */
    {"192.0.2.?", "192.0.2.7", true},
    {"192.0.2.?", "192.0.2.77", false},
    {"192.*.7", "192.0.2.7", true},
    {"2001:db8:*", "2001:db8::1", true},
    {"2001:DB8:*", "2001:db8::1", true},
    {"*", "192.0.2.7", true},
    {"*", "2001:db8::1", true},
    {"*******************************7", "192.0.2.7", true},
    /* one that is negated counts before all others, wherever it stands */
    {"!192.0.2.7,192.0.2.0/24", "192.0.2.7", false},
    {"192.0.2.0/24,!192.0.2.7", "192.0.2.7", false},
    {"192.0.2.0/24,!192.0.2.7", "192.0.2.8", true},
    {"*,!10.0.0.0/8", "10.1.2.3", false},
    {"198.51.100.1,192.0.2.7", "192.0.2.7", true},
    {"198.51.100.1,192.0.2.7", "192.0.2.6", false},
    /* what is no address comes from nowhere */
    {"*", "", false},
    {"*", "localhost", false},
    {"nonsense,*", "192.0.2.7", false},
};

static void
a_list_of_addresses_matches_as_in_sshd(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (key_from_matches(cases[i].list, cases[i].address) != cases[i].matches)
			fail_msg("%s, %s", cases[i].list, cases[i].address);
	}
}

static const struct {
	const char *list;
	const char *why;
} bad[] = {
    {"", "\"\": is empty"},
    {"192.0.2.1,", "\"\": is empty"},
    {"!", "\"!\": is empty"},
    {"!192.0.2.1", "says only from where not: add \"*\" for everywhere else"},
    {"example.org", "\"example.org\": is no address: names are not looked up"},
    {"*.example.org", "\"*.example.org\": is no pattern of addresses: names are not looked up"},
    {"*.cafe", "\"*.cafe\": is no pattern of addresses: names are not looked up"},
    {"192.0.2.1, 192.0.2.2", "\" 192.0.2.2\": is no address: names are not looked up"},
    {"192.0.2.1/24", "\"192.0.2.1/24\": has bits behind its prefix that are not zero"},
    {"192.0.2.0/33", "\"192.0.2.0/33\": is no network: write it as 192.0.2.0/24 or 2001:db8::/32"},
    {"192.0.2.0/", "\"192.0.2.0/\": is no network: write it as 192.0.2.0/24 or 2001:db8::/32"},
    {"192.0.2.0/-1", "\"192.0.2.0/-1\": is no network: write it as 192.0.2.0/24 or 2001:db8::/32"},
    {"192.0.2/24", "\"192.0.2/24\": is no network: write it as 192.0.2.0/24 or 2001:db8::/32"},
    {"2001:db8::/129", "\"2001:db8::/129\": is no network: write it as 192.0.2.0/24 or 2001:db8::/32"},
    {"2001:db8::1%eth0", "\"2001:db8::1%eth0\": is no address: names are not looked up"},
    {"192.0.2.0/24*", "\"192.0.2.0/24*\": is no pattern of addresses: names are not looked up"},
    {"127.1", "\"127.1\": is no address: names are not looked up"},
};

static void
what_is_no_address_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_INIT;

		assert_true(key_from_check(bad[i].list, &err) < 0);
		assert_string_equal(err.msg, bad[i].why);
	}
	for (size_t i = 0; i + 1 < ARRAY_LEN(cases); i++)
		assert_int_equal(key_from_check(cases[i].list, NULL), 0);
}

static void
a_list_has_limits(void **state)
{
	auto_buf struct buf list = BUF_INIT(2 * KEY_FROM_MAX);

	(void)state;
	while (list.len + 8 <= KEY_FROM_MAX)
		buf_str_add(&list, "10.0.0.1,");
	buf_str_add(&list, "*");
	assert_int_equal(key_from_check(buf_str(&list), NULL), 0);
	while (list.len <= KEY_FROM_MAX)
		buf_str_add(&list, ",*");
	assert_true(key_from_check(buf_str(&list), NULL) < 0);
	buf_reset(&list);
	for (int i = 0; i < 100; i++)
		buf_str_add(&list, "*");
	assert_true(key_from_check(buf_str(&list), NULL) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_list_of_addresses_matches_as_in_sshd),
	    cmocka_unit_test(what_is_no_address_is_named),
	    cmocka_unit_test(a_list_has_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
