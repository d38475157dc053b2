#include "fixture.h"

#include "base/auto.h"
#include "base/buf.h"

static void
an_empty_buffer_is_an_empty_string(void **state)
{
	auto_buf struct buf b = BUF_INIT(10);
	auto_free char *s = NULL;

	(void)state;
	assert_string_equal(buf_str(&b), "");
	buf_reset(&b);
	buf_drop(&b, 5);
	assert_string_equal(buf_str(&b), "");
	s = buf_take(&b);
	assert_string_equal(s, "");
	assert_null(b.data);
}

static void
bytes_are_added_up_to_the_limit_and_not_one_more(void **state)
{
	auto_buf struct buf b = BUF_INIT(5);

	(void)state;
	buf_str_add(&b, "abcde");
	assert_false(b.full);
	assert_int_equal(b.len, 5);
	buf_add(&b, "f", 1);
	assert_true(b.full);
	assert_string_equal(buf_str(&b), "abcde");
}

static void
what_fits_of_a_long_addition_is_kept(void **state)
{
	auto_buf struct buf b = BUF_INIT(4);

	(void)state;
	buf_printf(&b, "%s-%d", "ab", 1234);
	assert_true(b.full);
	assert_string_equal(buf_str(&b), "ab-1");
	buf_reset(&b);
	assert_false(b.full);
	assert_string_equal(buf_str(&b), "");
	assert_non_null(b.data);
}

static void
a_limit_of_nothing_takes_nothing(void **state)
{
	auto_buf struct buf b = BUF_INIT(0);

	(void)state;
	buf_str_add(&b, "x");
	assert_true(b.full);
	assert_string_equal(buf_str(&b), "");
}

static void
a_limit_lowered_below_the_content_does_not_overflow(void **state)
{
	auto_buf struct buf b = BUF_INIT(10);

	(void)state;
	buf_str_add(&b, "0123456789");
	b.limit = 3;
	buf_str_add(&b, "x");
	assert_true(b.full);
	assert_string_equal(buf_str(&b), "0123456789");
}

static void
a_long_format_comes_out_whole(void **state)
{
	auto_buf struct buf b = BUF_INIT(100000);

	(void)state;
	for (int width = 250; width < 260; width++) {
		buf_reset(&b);
		buf_printf(&b, "%0*d", width, 7);
		assert_int_equal(b.len, width);
		assert_int_equal(strlen(buf_str(&b)), width);
		assert_int_equal(b.data[width - 1], '7');
	}
}

static void
dropping_removes_from_the_front(void **state)
{
	auto_buf struct buf b = BUF_INIT(10);

	(void)state;
	buf_str_add(&b, "abcdef");
	buf_drop(&b, 2);
	assert_string_equal(buf_str(&b), "cdef");
	buf_drop(&b, 100);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(b.len, 0);
}

static void
taking_hands_over_and_leaves_an_empty_buffer(void **state)
{
	auto_buf struct buf b = BUF_INIT(10);
	auto_free char *s = NULL;

	(void)state;
	buf_str_add(&b, "abc");
	s = buf_take(&b);
	assert_string_equal(s, "abc");
	assert_int_equal(b.len, 0);
	assert_int_equal(b.limit, 10);
	buf_str_add(&b, "d");
	assert_string_equal(buf_str(&b), "d");
	assert_string_equal(s, "abc");
}

static const struct {
	const char *in;
	size_t len;
	bool keep;
	const char *out;
} vis_cases[] = {
    {"plain text", 10, false, "plain text"},
    {"a\tb", 3, false, "a\tb"},
    {"a\nb", 3, false, "a\\nb"},
    {"a\nb", 3, true, "a\nb"},
    {"a\r\nb", 4, true, "a\\x0d\nb"},
    {"a\0b", 3, false, "a\\x00b"},
    {"\x1b[31mred\x07", 9, false, "\\x1b[31mred\\x07"},
    {"\x7f", 1, false, "\\x7f"},
    {"gr\xc3\xbc\xc3\x9f", 6, false, "gr\xc3\xbc\xc3\x9f"},
    {"\xe2\x82\xac \xf0\x9f\x90\xb3", 8, false, "\xe2\x82\xac \xf0\x9f\x90\xb3"},
    {"\xc2\x9b", 2, false, "\\xc2\\x9b"},		    /* C1: terminals take it as ESC [ */
    {"\xe2\x80\xae", 3, false, "\\xe2\\x80\\xae"},	    /* right-to-left override */
    {"\xe2\x80\xa8", 3, false, "\\xe2\\x80\\xa8"},	    /* line separator */
    {"\xef\xbb\xbf", 3, false, "\\xef\\xbb\\xbf"},	    /* byte order mark */
    {"\xc0\xaf", 2, false, "\\xc0\\xaf"},		    /* overlong */
    {"\xe0\x80\xaf", 3, false, "\\xe0\\x80\\xaf"},	    /* overlong */
    {"\xf0\x80\x80\xaf", 4, false, "\\xf0\\x80\\x80\\xaf"}, /* overlong */
    {"\xed\xa0\x80", 3, false, "\\xed\\xa0\\x80"},	    /* surrogate */
    {"\xf4\x90\x80\x80", 4, false, "\\xf4\\x90\\x80\\x80"}, /* beyond Unicode */
    {"\xf8\x88\x80\x80\x80", 5, false, "\\xf8\\x88\\x80\\x80\\x80"},
    {"\x80\xff", 2, false, "\\x80\\xff"},
    {"\xe2\x82", 2, false, "\\xe2\\x82"}, /* cut short */
    {"\xe2\x82"
     "a",
	3, false, "\\xe2\\x82a"},
};

static void
foreign_text_cannot_harm_a_line_or_a_terminal(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vis_cases); i++) {
		auto_buf struct buf b = BUF_INIT(100);

		buf_vis(&b, vis_cases[i].in, vis_cases[i].len, vis_cases[i].keep);
		assert_string_equal(buf_str(&b), vis_cases[i].out);
	}
}

static void
a_full_buffer_never_ends_within_an_escape(void **state)
{
	(void)state;
	for (size_t limit = 0; limit < 10; limit++) {
		auto_buf struct buf b = BUF_INIT(limit);

		buf_vis(&b,
		    "a\x01\xe2\x82\xac"
		    "b",
		    6, false);
		assert_true(b.full == (limit < 9));
		assert_true(b.len == 0 || b.len == 1 || b.len == 5 || b.len == 8 || b.len == 9);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_buffer_is_an_empty_string),
	    cmocka_unit_test(bytes_are_added_up_to_the_limit_and_not_one_more),
	    cmocka_unit_test(what_fits_of_a_long_addition_is_kept),
	    cmocka_unit_test(a_limit_of_nothing_takes_nothing),
	    cmocka_unit_test(a_limit_lowered_below_the_content_does_not_overflow),
	    cmocka_unit_test(a_long_format_comes_out_whole),
	    cmocka_unit_test(dropping_removes_from_the_front),
	    cmocka_unit_test(taking_hands_over_and_leaves_an_empty_buffer),
	    cmocka_unit_test(foreign_text_cannot_harm_a_line_or_a_terminal),
	    cmocka_unit_test(a_full_buffer_never_ends_within_an_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
