/* Sets of pins, packed as core sends them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "ipc/pins.h"

#define A "0123456789abcdef0123456789abcdef"
#define B "ffffffffffffffffffffffffffffffff"

static void
a_set_arrives_changed(void **state)
{
	auto_buf struct buf text = BUF_INIT(PIN_SET_BYTES);
	auto_pin_set struct pin_set set = {0};
	auto_pin_set struct pin_set again = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(pin_set_unpack("", 0, &again, &err), 0);
	assert_int_equal(again.names.n, 0);
	assert_true(pin_set_add(&set, A, "/a\nb"));
	assert_true(pin_set_add(&set, B, "/"));
	assert_true(pin_set_add(&set, A, "/other"));
	assert_int_equal(set.names.n, 2);
	pin_set_pack(&set, &text);
	assert_int_equal(pin_set_unpack(text.data, text.len, &again, &err), 0);
	assert_int_equal(again.names.n, 2);
	assert_string_equal(again.names.v[1], B);
	assert_string_equal(again.sources.v[0], "/a\nb");
}

static void
a_malformed_set_is_taken(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
	    {A, sizeof(A) - 1},
	    {A, sizeof(A)},
	    {A "\0/a", sizeof(A "\0/a") - 1},
	    {A "\0a", sizeof(A "\0a")},
	    {A "\0/a/../b", sizeof(A "\0/a/../b")},
	    {"../../etc\0/a", sizeof("../../etc\0/a")},
	    {"0123456789ABCDEF0123456789ABCDEF\0/a", sizeof("0123456789ABCDEF0123456789ABCDEF\0/a")},
	    {A "0\0/a", sizeof(A "0\0/a")},
	    {A "\0/a\0" A "\0/b", sizeof(A "\0/a\0" A "\0/b")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_pin_set struct pin_set set = {0};
		struct err err = ERR_INIT;

		if (pin_set_unpack(rows[i].text, rows[i].len, &set, &err) != -EBADMSG)
			fail_msg("row %zu is taken", i);
		assert_int_equal(set.names.n, 0);
	}
}

static void
the_path_of_a_pin(void **state)
{
	auto_free char *path = pin_path("/run/pgo/pins/d", "web", A);

	(void)state;
	assert_string_equal(path, "/run/pgo/pins/d/web/" A "/src");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_set_arrives_changed),
	    cmocka_unit_test(a_malformed_set_is_taken),
	    cmocka_unit_test(the_path_of_a_pin),
	};

	return cmocka_run_group_tests_name("ipc pins", tests, NULL, NULL);
}
