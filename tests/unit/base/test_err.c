#include "fixture.h"

#include "base/err.h"

static void
number_and_sentence_are_set(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(err_set(&err, EPERM, "no %s", "way"), -EPERM);
	assert_int_equal(err.num, EPERM);
	assert_string_equal(err.msg, "no way");
}

static void
errno_text_is_appended(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_errno(&err, "cannot open %s", "x"), -ENOENT);
	assert_string_equal(err.msg, "cannot open x: No such file or directory");
}

static void
wrapping_puts_context_in_front(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, EIO, "disk is gone");
	assert_int_equal(err_wrap(&err, "service %s", "web"), -EIO);
	assert_int_equal(err_wrap(&err, "deploy %d", 7), -EIO);
	assert_string_equal(err.msg, "deploy 7: service web: disk is gone");
}

static void
the_old_sentence_may_be_an_argument(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, EIO, "inner");
	err_set(&err, EPERM, "outer (%s)", err.msg);
	assert_string_equal(err.msg, "outer (inner)");
	err_wrap(&err, "%s", err.msg);
	assert_string_equal(err.msg, "outer (inner): outer (inner)");
}

static void
without_an_object_it_still_fails(void **state)
{
	(void)state;
	errno = EBUSY;
	assert_int_equal(err_errno(NULL, "x"), -EBUSY);
	assert_int_equal(err_set(NULL, EPERM, "x"), -EPERM);
	assert_true(err_wrap(NULL, "x") < 0);
}

static void
a_long_sentence_is_cut_not_overrun(void **state)
{
	struct {
		struct err err;
		char guard[8];
	} s = {ERR_INIT, "guarded"};
	char text[3 * ERR_MSG_MAX];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&s.err, EIO, "%s", text);
	assert_int_equal(strlen(s.err.msg), ERR_MSG_MAX - 1);
	err_wrap(&s.err, "%s", text);
	assert_int_equal(strlen(s.err.msg), ERR_MSG_MAX - 1);
	errno = EIO;
	err_errno(&s.err, "%s", text);
	assert_int_equal(strlen(s.err.msg), ERR_MSG_MAX - 1);
	assert_string_equal(s.guard, "guarded");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(number_and_sentence_are_set),
	    cmocka_unit_test(errno_text_is_appended),
	    cmocka_unit_test(wrapping_puts_context_in_front),
	    cmocka_unit_test(the_old_sentence_may_be_an_argument),
	    cmocka_unit_test(without_an_object_it_still_fails),
	    cmocka_unit_test(a_long_sentence_is_cut_not_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
