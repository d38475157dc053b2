#include "fixture.h"

#include "base/auto.h"
#include "ipc/pushline.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NONE "0000000000000000000000000000000000000000"
#define LONG_A A "aaaaaaaaaaaaaaaaaaaaaaaa"

static int
parse(const char *line, struct pushline *ret)
{
	struct err err = ERR_INIT;
	int r = pushline_parse(line, strlen(line), ret, &err);

	assert_true(r == 0 || (r == -EBADMSG && err.msg[0] != '\0'));
	return r;
}

static void
each_line_comes_back_as_it_was_written(void **state)
{
	struct pushline l;
	struct pushline_ref ref = {NONE, B, "refs/heads/f\xc3\xa4higkeit"};
	auto_buf struct buf b = BUF_INIT(4096);

	(void)state;
	pushline_add(&b, PUSHLINE_ASK, NULL);
	pushline_add_ref(&b, &ref);
	pushline_add(&b, PUSHLINE_END, NULL);
	pushline_add(&b, PUSHLINE_SAY, "-----> a  step");
	pushline_add(&b, PUSHLINE_SAY, "");
	pushline_add(&b, PUSHLINE_OK, NULL);
	assert_string_equal(buf_str(&b),
	    "ask\nref " NONE " " B " refs/heads/f\xc3\xa4higkeit\nend\nsay -----> a  step\n"
	    "say \nok\n");
	assert_int_equal(parse("deploy", &l), 0);
	assert_int_equal(l.word, PUSHLINE_DEPLOY);
	assert_int_equal(parse("ref " NONE " " B " refs/heads/f\xc3\xa4higkeit", &l), 0);
	assert_int_equal(l.word, PUSHLINE_REF);
	assert_string_equal(l.ref.old, NONE);
	assert_string_equal(l.ref.new, B);
	assert_string_equal(l.ref.name, "refs/heads/f\xc3\xa4higkeit");
	assert_true(pushline_is_none(l.ref.old));
	assert_false(pushline_is_none(l.ref.new));
	assert_int_equal(parse("say -----> a  step", &l), 0);
	assert_string_equal(l.text, "-----> a  step");
	assert_int_equal(parse("no not today", &l), 0);
	assert_int_equal(l.word, PUSHLINE_NO);
	assert_string_equal(l.text, "not today");
}

static void
text_can_neither_end_its_line_nor_reach_a_terminal(void **state)
{
	auto_buf struct buf b = BUF_INIT(4 * PUSHLINE_MAX);
	char huge[2 * PUSHLINE_MAX];

	(void)state;
	pushline_add(&b, PUSHLINE_SAY, "a\nok\r\x1b[2J\xff");
	assert_string_equal(buf_str(&b), "say a\\nok\\x0d\\x1b[2J\\xff\n");
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	buf_reset(&b);
	pushline_add(&b, PUSHLINE_NO, huge);
	assert_int_equal(b.len, PUSHLINE_MAX + 1);
}

static void
anything_else_is_refused(void **state)
{
	static const char *const bad[] = {"", " ", "Ask", "ask ", "asks", "end x", "ok fine", "deploy\r", "ref",
	    "ref " A, "ref " A " " B, "ref " A " " B " ", "ref " A " " B " heads/main", "ref " A "  " B " refs/heads/x",
	    "ref " A " " LONG_A " refs/heads/x", "ref aa bb refs/heads/x", "ref " A " " B " refs/heads/\xff",
	    "ref " A " " B " refs/heads/a b", "ref " A " " B " refs/heads/a\tb",
	    "ref " A " " B " refs/heads/\xe2\x80\xae", "ref " A " " LONG_A LONG_A " refs/heads/x"};
	struct pushline l = {.word = PUSHLINE_NO, .text = "untouched"};
	char name[PUSH_NAME_MAX + 300] = "ref " A " " B " refs/";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (parse(bad[i], &l) != -EBADMSG)
			fail_msg("%s", bad[i]);
	}
	memset(name + strlen(name), 'x', PUSH_NAME_MAX);
	assert_int_equal(parse(name, &l), -EBADMSG);
	assert_int_equal(pushline_parse("ask\0", 4, &l, NULL), -EBADMSG);
	assert_int_equal(pushline_parse("say a\nok", 8, &l, NULL), -EBADMSG);
	assert_string_equal(l.text, "untouched");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_line_comes_back_as_it_was_written),
	    cmocka_unit_test(text_can_neither_end_its_line_nor_reach_a_terminal),
	    cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
