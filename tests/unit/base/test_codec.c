#include "fixture.h"

#include "base/auto.h"
#include "base/str.h"

static const struct {
	const char *text;
	int64_t ms;
} durations[] = {
    {"0", 0},
    {"0s", 0},
    {"5m0s", 300000},
    {"90s", 90000},
    {"1h30m", 5400000},
    {"250ms", 250},
    {"1.5h", 5400000},
    {".5s", 500},
    {"1.s", 1000},
    {"+2s", 2000},
    {"1us", 0},
    {"1500us", 1},
    {"1\xc2\xb5s", 0},
    {"2000\xce\xbcs", 2},
    {"1000000ns", 1},
    {"1h1m1s1ms", 3661001},
    {"1s1s", 2000},
    {"0.001s", 1},
    {"0.0000000000000000000000001h", 0},
    {"87600h", INT64_C(315360000000)},
    {"00001s", 1000},
};

static void
durations_are_those_of_go(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		int64_t ms = -1;

		if (!str_to_duration_ms(durations[i].text, &ms))
			fail_msg("refused: %s", durations[i].text);
		assert_int_equal(ms, durations[i].ms);
	}
}

static void
malformed_negative_and_endless_durations_are_refused(void **state)
{
	static const char *const bad[] = {"", "+", "-1s", "1", "s", ".s", "1 s", " 1s", "1s ", "1d", "1S", "1m1",
	    "1.2.3s", "1e3s", "--1s", "+-1s", "0x1s", "87601h", "87600h1ns", "9223372036854775808ns",
	    "99999999999999999999999h", "5m 0s", "87599.99999999999999999h61m"};
	int64_t ms = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (str_to_duration_ms(bad[i], &ms))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(ms, 77);
	}
	assert_false(str_to_duration_ms(NULL, &ms));
}

static const struct {
	const char *plain;
	const char *coded;
} base64_cases[] = {
    /* RFC 4648 §10 */
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xff\xfe\xfb", "//77"},
};

static void
base64_goes_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(base64_cases); i++) {
		size_t plain_len = strlen(base64_cases[i].plain), len = 99;
		auto_free char *coded = str_base64(base64_cases[i].plain, plain_len);
		auto_free char *plain = str_unbase64(base64_cases[i].coded, &len);

		assert_string_equal(coded, base64_cases[i].coded);
		assert_non_null(plain);
		assert_int_equal(len, plain_len);
		assert_memory_equal(plain, base64_cases[i].plain, plain_len + 1);
	}
}

static void
every_byte_survives_base64(void **state)
{
	unsigned char all[256];

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)i;
	for (size_t from = 0; from < 4; from++) {
		auto_free char *coded = str_base64(all + from, sizeof(all) - from);
		size_t len = 0;
		auto_free char *plain = str_unbase64(coded, &len);

		assert_int_equal(len, sizeof(all) - from);
		assert_memory_equal(plain, all + from, len);
	}
}

static void
malformed_base64_is_refused(void **state)
{
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "====", "=g==", "Z===", "Zg=a", "Zm9v\n", "Zm 9v",
	    "Zm9v====", "Zg==Zg==", "Zh==", "Zm9=", "Zm-_", "Zm9v\x80\x80\x80\x80", "=AAA", "A=AA", "Zm8=Zm9v",
	    "A\xc3\xa4="};
	size_t len = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (str_unbase64(bad[i], &len) != NULL)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(len, 77);
	}
	assert_null(str_unbase64(NULL, &len));
}

static void
words_with_any_bytes_survive_packing(void **state)
{
	static const char *const words[] = {"", "a b", "\n", "\xff\xfe", "'\"\\", "", "-x"};
	auto_strv struct strv in = {NULL, 0};
	auto_strv struct strv out = {NULL, 0};
	auto_free char *packed = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		strv_add(&in, words[i]);
	packed = strv_pack(&in);
	assert_true(strv_unpack(packed, &out));
	assert_int_equal(out.n, in.n);
	for (size_t i = 0; i < in.n; i++)
		assert_string_equal(out.v[i], in.v[i]);
}

static void
no_words_pack_into_an_empty_string(void **state)
{
	auto_strv struct strv sv = {NULL, 0};
	auto_free char *packed = strv_pack(&sv);

	(void)state;
	assert_string_equal(packed, "");
	assert_true(strv_unpack("", &sv));
	assert_int_equal(sv.n, 0);
}

static void
malformed_packs_are_refused(void **state)
{
	struct strv sv = {NULL, 77};
	auto_free char *zeros = calloc(1, STRV_MAX + 1);
	auto_free char *many = str_base64(zeros, STRV_MAX + 1);

	(void)state;
	assert_false(strv_unpack("Zm9v", &sv)); /* the last word has no NUL */
	assert_false(strv_unpack("AGE=", &sv)); /* "\0a" */
	assert_false(strv_unpack("Zm9", &sv));
	assert_false(strv_unpack(NULL, &sv));
	assert_false(strv_unpack(many, &sv));
	assert_int_equal(sv.n, 77);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(durations_are_those_of_go),
	    cmocka_unit_test(malformed_negative_and_endless_durations_are_refused),
	    cmocka_unit_test(base64_goes_both_ways),
	    cmocka_unit_test(every_byte_survives_base64),
	    cmocka_unit_test(malformed_base64_is_refused),
	    cmocka_unit_test(words_with_any_bytes_survive_packing),
	    cmocka_unit_test(no_words_pack_into_an_empty_string),
	    cmocka_unit_test(malformed_packs_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
