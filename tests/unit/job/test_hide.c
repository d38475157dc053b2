/* Values of env files in the words of compose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

#include "base/auto.h"
#include "job/hide.h"

static void
expect(const char *file, bool is_env, const char *words, const char *want)
{
	auto_strv struct strv values = {0};
	auto_buf struct buf b = BUF_INIT(4096);

	hide_values(file, is_env, &values);
	buf_str_add(&b, words);
	hide_in(&b, &values);
	assert_string_equal(buf_str(&b), want);
}

static void
values_of_env_files_are_not_quoted(void **state)
{
	(void)state;
	expect("A=hunter22\n", true, "invalid size: 'hunter22', \"hunter22\"", "invalid size: '***', \"***\"");
	expect("export A = hunter22 # mine\nB='hunter 33'\n\tC=\"hunter\\44\"", true,
	    "hunter22; hunter 33; hunter\\\\44; hunter\\44", "***; ***; ***; ***");
	expect("A=\"quo\"te22\"", true, "quo\\\"te22", "***");
	expect("A=hunter22hunter33\nB=hunter22\n", true, "hunter22hunter33 hunter22", "*** ***");
	expect("A: hunter22\n", true, "hunter22", "***");
}

/* What is no NAME=VALUE is what the parser stumbles over, and then quotes. */
static void
lines_that_are_no_values_are_not_quoted_either(void **state)
{
	static const char file[] = "# a comment that stands\n\n  hunter22 !hunter33\r\nA=";

	(void)state;
	expect(file, true, "unexpected character \"!\" in variable name \"hunter22 !hunter33\"",
	    "unexpected character \"!\" in variable name \"***\"");
	expect(file, true, "a comment that stands", "a comment that stands");
	/* Another file that the compose file names is not all secrets. */
	expect(file, false, "hunter22 !hunter33", "hunter22 !hunter33");
	expect("A=hunter22", false, "hunter22", "***");
}

static void
short_values_stay_readable(void **state)
{
	(void)state;
	expect("PORT=8080\nMODE=live\n", true, "8080 live", "8080 live");
	expect("", true, "nothing", "nothing");
	expect("=\n:\n=hunter22\n", true, "\n", "\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_of_env_files_are_not_quoted),
	    cmocka_unit_test(lines_that_are_no_values_are_not_quoted_either),
	    cmocka_unit_test(short_values_stay_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
