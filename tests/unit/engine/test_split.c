#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "engine/split.h"

static int
note(void *ctx, const char *json, size_t len, struct err *err)
{
	(void)err;
	buf_add(ctx, json, len);
	buf_str_add(ctx, "|");
	return 0;
}

static int
stop(void *ctx, const char *json, size_t len, struct err *err)
{
	(void)ctx;
	(void)json;
	(void)len;
	return err_set(err, ECANCELED, "enough");
}

/* The objects found, each followed by a "|"; "" and *ret_r < 0 after an error. */
static void
split_cut(bool array, const char *text, size_t at, size_t limit, const char *want, bool whole)
{
	struct buf got = BUF_INIT(1000);
	struct split sp;
	struct err err = ERR_INIT;

	split_init(&sp, array, limit, note, &got);
	assert_int_equal(split_feed(&sp, text, at, &err), 0);
	assert_int_equal(split_feed(&sp, text + at, strlen(text) - at, &err), 0);
	assert_string_equal(buf_str(&got), want);
	assert_int_equal(split_whole(&sp), whole);
	split_done(&sp);
	buf_done(&got);
}

static void
objects_are_found_wherever_the_stream_is_cut(void **state)
{
	static const char list[] = " [ {\"a\":[1,{\"b\":\"}]\\\"\\\\\"}]},\n{} , {\"c\":\"[{\"} ]\r\n";
	static const char stream[] = "{\"a\":1}\n{\"b\":{\"c\":\"\\\\\"}}{}\r\n\n";

	(void)state;
	for (size_t at = 0; at <= strlen(list); at++)
		split_cut(true, list, at, 100, "{\"a\":[1,{\"b\":\"}]\\\"\\\\\"}]}|{}|{\"c\":\"[{\"}|", true);
	for (size_t at = 0; at <= strlen(stream); at++)
		split_cut(false, stream, at, 100, "{\"a\":1}|{\"b\":{\"c\":\"\\\\\"}}|{}|", true);
}

static void
a_list_that_breaks_off_is_not_whole(void **state)
{
	(void)state;
	split_cut(true, "", 0, 100, "", false);
	split_cut(true, "[", 0, 100, "", false);
	split_cut(true, "[{},", 0, 100, "{}|", false);
	split_cut(true, "[{},{\"a\":", 0, 100, "{}|", false);
	split_cut(false, "{}{", 0, 100, "{}|", false);
}

static void
an_object_that_is_too_large_is_left_out_and_counted(void **state)
{
	struct buf got = BUF_INIT(1000);
	struct split sp;
	struct err err = ERR_INIT;
	static const char text[] = "[{\"a\":1},{\"long\":\"............\"},{\"b\":2}]";

	(void)state;
	split_init(&sp, true, 10, note, &got);
	for (size_t i = 0; i < strlen(text); i++)
		assert_int_equal(split_feed(&sp, text + i, 1, &err), 0);
	assert_string_equal(buf_str(&got), "{\"a\":1}|{\"b\":2}|");
	assert_int_equal(sp.too_large, 1);
	assert_true(split_whole(&sp));
	split_done(&sp);
	buf_done(&got);
}

static void
what_is_no_such_stream_is_refused(void **state)
{
	static const struct {
		bool array;
		const char *text;
	} bad[] = {{true, "{}"}, {true, "null"}, {true, "[1]"}, {true, "[{}]x"}, {true, "[[]]"}, {true, "[\"a\"]"},
	    {false, "[{}]"}, {false, "{},"}, {false, "x"}, {false, "{}]"}};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf got = BUF_INIT(1000);
		struct split sp;
		struct err err = ERR_INIT;

		split_init(&sp, bad[i].array, 100, note, &got);
		assert_int_equal(split_feed(&sp, bad[i].text, strlen(bad[i].text), &err), -EPROTO);
		split_done(&sp);
		buf_done(&got);
	}
}

static void
the_reader_of_the_objects_can_stop_it(void **state)
{
	struct split sp;
	struct err err = ERR_INIT;

	(void)state;
	split_init(&sp, false, 100, stop, NULL);
	assert_int_equal(split_feed(&sp, "{}{}", 4, &err), -ECANCELED);
	split_done(&sp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(objects_are_found_wherever_the_stream_is_cut),
	    cmocka_unit_test(a_list_that_breaks_off_is_not_whole),
	    cmocka_unit_test(an_object_that_is_too_large_is_left_out_and_counted),
	    cmocka_unit_test(what_is_no_such_stream_is_refused),
	    cmocka_unit_test(the_reader_of_the_objects_can_stop_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
