/* The variables of an app: what comes in comes out again, and nothing else. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/str.h"
#include "core/vars.h"

#define SET(vars, name, value) assert_int_equal(vars_set(vars, name, value, strlen(value), NULL), 0)

static void
check(const struct vars *vars, const char *name, const char *want)
{
	const char *got = vars_get(vars, name);

	assert_non_null(got);
	assert_string_equal(got, want);
}

static void
a_value_loses_newlines_quotes_or_dollars_on_its_way(void **state)
{
	static const char *const values[] = {"", " ", "a b ", "it's", "say \"x\"", "$HOME ${X} `id` $(id)",
	    "a\nb\r\n\tc\n", "\\", "\\n", "a\\", "#", " # no comment", "=", "é\xf0\x9f\x98\x80", "\x01\x1b[31m\x7f",
	    "'", "''", "\"", "\\'", "export A=b", "{", "{\"A\": 1}", "-----BEGIN KEY-----\nabc\n-----END KEY-----\n"};
	auto_vars struct vars vars = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		auto_free char *name = str_printf("V%zu", i);

		SET(&vars, name, values[i]);
	}
	for (int format = VARS_DOTENV; format <= VARS_JSON; format++) {
		auto_buf struct buf text = BUF_INIT(1 << 20);
		auto_vars struct vars back = {0};
		struct err err = ERR_INIT;

		vars_export(&vars, (enum vars_format)format, &text);
		if (vars_import(buf_str(&text), text.len, &back, &err) < 0)
			fail_msg("%s: %s", err.msg, buf_str(&text));
		assert_true(vars_equal(&vars, &back));
		for (size_t i = 0; i < ARRAY_LEN(values); i++) {
			auto_free char *name = str_printf("V%zu", i);

			check(&back, name, values[i]);
		}
	}
}

static void
files_that_other_tools_write_are_not_understood(void **state)
{
	static const char text[] =
	    "# settings\r\n\r\nA=1\r\n  B = 2\nexport C=three words # and a comment\n"
	    "D=no#comment\nE=\nF='x' # y\nG=\"a\\nb\"\nH=C:\\temp\nI='two\nlines'\nJ=a'b\nK=last";
	auto_vars struct vars vars = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(vars_import(text, strlen(text), &vars, &err), -EINVAL);
	assert_string_equal(
	    err.msg, "line 4: the name of a variable holds letters, digits and \"_\" and does not begin with a digit");
	{
		auto_free char *mended = str_dup(text);

		memcpy(strstr(mended, "B = 2"), "B=  2", 5);
		assert_int_equal(vars_import(mended, strlen(mended), &vars, &err), 0);
	}
	check(&vars, "A", "1");
	check(&vars, "B", "2");
	check(&vars, "C", "three words");
	check(&vars, "D", "no#comment");
	check(&vars, "E", "");
	check(&vars, "F", "x");
	check(&vars, "G", "a\nb");
	check(&vars, "H", "C:\\temp");
	check(&vars, "I", "two\nlines");
	check(&vars, "J", "a'b");
	check(&vars, "K", "last");
	assert_int_equal(vars.n, 11);
}

static void
a_mistake_in_a_file_is_taken_for_a_value_or_quotes_a_secret(void **state)
{
	static const struct {
		const char *text, *say;
	} wrong[] = {
	    {"A=1\ns3cret\n", "line 2: there is no \"=\""},
	    {"A='s3cret\n\n", "line 1: the quote has no end"},
	    {"\nA=\"s3cret\\q\"", "line 2: in double quotes"},
	    {"A='s3cret' s3cret", "line 1: there is something behind the closing quote"},
	    {"1A=s3cret", "line 1: the name of a variable"},
	    {"A-B=s3cret", "line 1: the name of a variable"},
	    {"PGO_X=s3cret", "line 1: PGO_X: names that begin with PGO_ are pgo's own"},
	    {"A=\xff", "line 1: A: the value is not UTF-8"},
	    {"CONTAINERS=s3cret", "line 1: CONTAINERS must be a number of containers, from 0 to 64"},
	    {"CNAME=s3cret", "line 1: CNAME cannot be set: `domains add`"},
	    {"{\"A\": \"s3cret\"", "line 1: this is no JSON object"},
	    {"{\"A\": 1}", "A: the value is no text"},
	    {"{\"A\": \"s3cret\", \"A\": \"b\"}", "line 1: this is no JSON object"},
	    {"{\"A b\": \"s3cret\"}", "the name of a variable"},
	    {"{\"A\": \"s3cret\\u0000\"}", "line 1: this is no JSON object"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		auto_vars struct vars vars = {0};
		struct err err = ERR_INIT;

		assert_int_equal(vars_import(wrong[i].text, strlen(wrong[i].text), &vars, &err), -EINVAL);
		if (!str_starts(err.msg, wrong[i].say) || strstr(err.msg, "s3cret") != NULL)
			fail_msg("%s: %s", wrong[i].text, err.msg);
		assert_int_equal(vars.n, 0);
	}
	assert_int_equal(vars_import("A=a\0b", 5, &(struct vars){0}, NULL), -EINVAL);
}

static void
variables_grow_without_end(void **state)
{
	auto_vars struct vars vars = {0};
	auto_free char *large = calloc(1, VAR_VALUE_MAX + 2);
	struct err err = ERR_INIT;

	(void)state;
	memset(large, 'x', VAR_VALUE_MAX + 1);
	assert_int_equal(vars_set(&vars, "A", large, VAR_VALUE_MAX + 1, &err), -E2BIG);
	large[VAR_VALUE_MAX] = '\0';
	for (int i = 0; i < VARS_BYTES_MAX / VAR_VALUE_MAX - 1; i++) {
		auto_free char *name = str_printf("A%d", i);

		SET(&vars, name, large);
	}
	assert_int_equal(vars_set(&vars, "B", large, VAR_VALUE_MAX, &err), -E2BIG);
	/* What is replaced does not count, and what goes makes room. */
	for (int i = 0; i < 3; i++) {
		SET(&vars, "A2", large);
		SET(&vars, "A2", "x");
	}
	SET(&vars, "B", large);
	assert_true(vars_unset(&vars, "B"));
	SET(&vars, "C", large);
	vars_done(&vars);
	for (int i = 0; i < VARS_MAX; i++) {
		auto_free char *name = str_printf("A%d", i);

		SET(&vars, name, "x");
	}
	SET(&vars, "A7", "another value");
	assert_int_equal(vars_set(&vars, "B", "x", 1, &err), -E2BIG);
	assert_true(vars_unset(&vars, "A7"));
	assert_false(vars_unset(&vars, "A7"));
	SET(&vars, "B", "x");
	for (size_t i = 1; i < vars.n; i++)
		assert_true(strcmp(vars.v[i - 1].name, vars.v[i].name) < 0);
}

static void
what_the_job_reads_is_not_what_was_set(void **state)
{
	static const char want[] = "A=1\n2\0B=\0C=x=y";
	auto_vars struct vars vars = {0};
	auto_buf struct buf packed = BUF_INIT(1024);

	(void)state;
	SET(&vars, "C", "x=y");
	SET(&vars, "A", "1\n2");
	SET(&vars, "B", "");
	vars_packed(&vars, &packed);
	assert_int_equal(packed.len, sizeof(want));
	assert_memory_equal(packed.data, want, sizeof(want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_value_loses_newlines_quotes_or_dollars_on_its_way),
	    cmocka_unit_test(files_that_other_tools_write_are_not_understood),
	    cmocka_unit_test(a_mistake_in_a_file_is_taken_for_a_value_or_quotes_a_secret),
	    cmocka_unit_test(variables_grow_without_end),
	    cmocka_unit_test(what_the_job_reads_is_not_what_was_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
