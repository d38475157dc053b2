#include "fixture.h"

#include "base/auto.h"
#include "base/str.h"

static void
strings_compare_also_when_there_is_none(void **state)
{
	(void)state;
	assert_true(str_eq("a", "a"));
	assert_false(str_eq("a", "b"));
	assert_false(str_eq("a", NULL));
	assert_false(str_eq(NULL, "a"));
	assert_true(str_eq(NULL, NULL));
	assert_true(str_starts("abc", "ab") && str_starts("abc", "") && str_starts("abc", "abc"));
	assert_false(str_starts("ab", "abc") || str_starts("abc", "b"));
	assert_true(str_ends("abc", "bc") && str_ends("abc", "") && str_ends("abc", "abc"));
	assert_false(str_ends("bc", "abc") || str_ends("abc", "b"));
}

static void
copies_are_the_callers(void **state)
{
	auto_free char *a = str_dup("abc");
	auto_free char *b = str_printf("%s-%d", a, 5);

	(void)state;
	assert_string_equal(a, "abc");
	assert_string_equal(b, "abc-5");
}

static void
lines_become_one_without_a_seam(void **state)
{
	static const char *const cases[][2] = {{"", ""}, {"\n \n", ""}, {"a", "a"}, {" a b \n", "a b"},
	    {"a\nb", "a; b"}, {"\n a \n\n\tb;\nc\n", "a; b;; c"}, {"a\nb\nc\nd\ne", "a; b; c; d; e"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *line = str_one_line(cases[i][0]);

		assert_string_equal(line, cases[i][1]);
	}
}

static void
only_whole_decimal_numbers_in_range_are_numbers(void **state)
{
	static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "1x", "0x10", "1.0", "11", "-6", "--1", "\xd9\xa1",
	    "9223372036854775808", "99999999999999999999999999"};
	int64_t n = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(str_to_int(bad[i], -5, 10, &n));
		assert_int_equal(n, 77);
	}
	assert_false(str_to_int(NULL, -5, 10, &n));
	assert_true(str_to_int("10", -5, 10, &n) && n == 10);
	assert_true(str_to_int("-5", -5, 10, &n) && n == -5);
	assert_true(str_to_int("007", -5, 10, &n) && n == 7);
	assert_true(str_to_int("9223372036854775807", INT64_MIN, INT64_MAX, &n) && n == INT64_MAX);
	assert_true(str_to_int("-9223372036854775808", INT64_MIN, INT64_MAX, &n) && n == INT64_MIN);
}

#define HEX40 "0123456789abcdef0123456789abcdef01234567"

static void
an_object_name_has_40_or_64_lower_case_digits(void **state)
{
	(void)state;
	assert_true(str_is_oid(HEX40));
	assert_true(str_is_oid(HEX40 "89abcdef0123456789abcdef"));
	assert_false(str_is_oid(NULL));
	assert_false(str_is_oid(""));
	assert_false(str_is_oid("0123456789abcdef0123456789abcdef0123456"));
	assert_false(str_is_oid(HEX40 "8"));
	assert_false(str_is_oid(HEX40 "\n"));
	assert_false(str_is_oid("0123456789ABCDEF0123456789abcdef01234567"));
	assert_false(str_is_oid("-123456789abcdef0123456789abcdef01234567"));
}

static void
a_service_name_is_never_a_path_or_an_option(void **state)
{
	static const char *const bad[] = {"", "-a", "_a", ".", "..", "a/b", "a.b", "A", "a b", "a\n", "\xc3\xbc", "a\"",
	    "0123456789012345678901234567890123456789012345678901234567890123"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(str_is_service_name(bad[i]));
	assert_false(str_is_service_name(NULL));
	assert_true(str_is_service_name("a"));
	assert_true(str_is_service_name("0-a_b"));
	assert_true(str_is_service_name("012345678901234567890123456789012345678901234567890123456789012"));
}

static void
hex_has_two_digits_a_byte(void **state)
{
	char out[9];

	(void)state;
	str_hex("\x00\x0f\xf0\xff", 4, out);
	assert_string_equal(out, "000ff0ff");
	str_hex("", 0, out);
	assert_string_equal(out, "");
}

static void
a_list_is_null_terminated_and_owns_its_strings(void **state)
{
	auto_strv struct strv sv = {NULL, 0};
	char text[] = "abc";

	(void)state;
	assert_false(strv_has(&sv, "abc"));
	assert_true(strv_add(&sv, text));
	text[0] = 'x';
	assert_true(strv_add_take(&sv, str_dup("")));
	assert_string_equal(sv.v[0], "abc");
	assert_string_equal(sv.v[1], "");
	assert_null(sv.v[2]);
	assert_true(strv_has(&sv, "abc") && strv_has(&sv, "") && !strv_has(&sv, "x"));
	strv_done(&sv);
	assert_null(sv.v);
	assert_int_equal(sv.n, 0);
}

static void
a_list_ends_at_its_limit(void **state)
{
	auto_strv struct strv sv = {NULL, 0};

	(void)state;
	for (int i = 0; i < STRV_MAX; i++)
		assert_true(strv_add(&sv, "w"));
	assert_false(strv_add(&sv, "w"));
	assert_false(strv_add_take(&sv, str_dup("w")));
	assert_int_equal(sv.n, STRV_MAX);
	assert_null(sv.v[STRV_MAX]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strings_compare_also_when_there_is_none),
	    cmocka_unit_test(copies_are_the_callers),
	    cmocka_unit_test(lines_become_one_without_a_seam),
	    cmocka_unit_test(only_whole_decimal_numbers_in_range_are_numbers),
	    cmocka_unit_test(an_object_name_has_40_or_64_lower_case_digits),
	    cmocka_unit_test(a_service_name_is_never_a_path_or_an_option),
	    cmocka_unit_test(hex_has_two_digits_a_byte),
	    cmocka_unit_test(a_list_is_null_terminated_and_owns_its_strings),
	    cmocka_unit_test(a_list_ends_at_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
