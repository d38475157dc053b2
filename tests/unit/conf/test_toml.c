#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "conf/toml.h"

/* The tree in one line: type@line:column=value, entries as key@line:column>node. */
static void
write_node(struct buf *b, const json_t *node)
{
	const json_t *value = json_object_get(node, "value");
	size_t i;
	const json_t *item;

	buf_printf(b, "%c@%d:%d", json_string_value(json_object_get(node, "type"))[0],
	    (int)json_integer_value(json_object_get(node, "line")),
	    (int)json_integer_value(json_object_get(node, "column")));
	if (json_is_string(value))
		buf_printf(b, "=%s", json_string_value(value));
	if (json_is_integer(value))
		buf_printf(b, "=%d", (int)json_integer_value(value));
	if (!json_is_array(value))
		return;
	buf_str_add(b, "[");
	json_array_foreach(value, i, item)
	{
		const json_t *key = json_object_get(item, "key");

		buf_str_add(b, i > 0 ? " " : "");
		if (key != NULL)
			buf_printf(b, "%s@%d:%d>", json_string_value(key),
			    (int)json_integer_value(json_object_get(item, "line")),
			    (int)json_integer_value(json_object_get(item, "column")));
		write_node(b, key != NULL ? json_object_get(item, "node") : item);
	}
	buf_str_add(b, "]");
}

static void
expect_tree(const char *text, const char *want)
{
	auto_buf struct buf b = BUF_INIT(8192);
	struct toml_problem problem = {0};
	json_t *tree = toml_tree(text, strlen(text), &problem);

	assert_string_equal(problem.sentence, "");
	assert_non_null(tree);
	write_node(&b, tree);
	assert_string_equal(buf_str(&b), want);
	json_decref(tree);
}

static void
expect_problem_in(const char *text, size_t len, int line, int column, const char *part)
{
	struct toml_problem problem = {0};

	assert_null(toml_tree(text, len, &problem));
	if (strstr(problem.sentence, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, problem.sentence);
	assert_int_equal(problem.line, line);
	assert_int_equal(problem.column, column);
}

static void
expect_problem(const char *text, int line, int column, const char *part)
{
	expect_problem_in(text, strlen(text), line, column, part);
}

static void
every_value_knows_its_place(void **state)
{
	(void)state;
	expect_tree("", "t@1:1[]");
	expect_tree("\n# nothing\n", "t@1:1[]");
	expect_tree("b = \"x\"\n  a = 7 # seven\n", "t@1:1[b@1:1>s@1:5=x a@2:3>i@2:7=7]");
	expect_tree(
	    "a = [ true,\n  1.5, 2020-01-01, 10:00:00, nan ]", "t@1:1[a@1:1>a@1:5[b@1:7 f@2:3 d@2:8 d@2:20 f@2:30]]");
}

static void
quoted_keys_count_in_characters(void **state)
{
	(void)state;
	expect_tree("\"\xC3\xA4\xC3\xB6\" = 1", "t@1:1[\xC3\xA4\xC3\xB6@1:1>i@1:8=1]");
}

static void
tables_know_their_header(void **state)
{
	(void)state;
	expect_tree("\n[[s]]\nn = 1\n[[s]]\n[t]\nu = { x = \"1\", y.z = 2 }\n",
	    "t@1:1[s@2:3>a@2:1[t@2:1[n@3:1>i@3:5=1] t@4:1[]] t@5:2>t@5:1[u@6:1>t@6:5[x@6:7>s@6:11=1 "
	    "y@6:16>t@6:16[z@6:18>i@6:22=2]]]]");
}

static void
nul_and_long_strings_survive(void **state)
{
	struct toml_problem problem;
	json_t *tree = toml_tree("a=\"x\\u0000y\"", 12, &problem);
	json_t *entry = json_array_get(json_object_get(tree, "value"), 0);
	json_t *value = json_object_get(json_object_get(entry, "node"), "value");

	(void)state;
	assert_int_equal(json_string_length(value), 3);
	assert_memory_equal(json_string_value(value), "x\0y", 3);
	json_decref(tree);
}

static void
syntax_errors_name_line_and_column(void **state)
{
	(void)state;
	expect_problem("a = \"x", 1, 7, "syntax error in string: encountered end-of-file");
	expect_problem("a = 1\nb =\n", 2, 4, "syntax error in key-value pair: expected value");
	expect_problem("a = 1\na = 2\n", 2, 5, "cannot redefine existing integer 'a'");
	expect_problem("[services]\n[[services]]\n", 2, 1, "cannot redefine existing table 'services'");
	expect_problem("a = main\n", 1, 5, "write text in double quotes");
	expect_problem("x = \"\xff\"", 1, 5, "not UTF-8");
	expect_problem("[=]", 1, 2, "expected the name");
	expect_problem("a = 1\n[\xC3\xA9]\n", 2, 2, "expected the name");
	expect_problem("[[ \x04", 1, 4, "expected the name");
	expect_problem("a = [ 1,\n } ]", 2, 2, "expected a value");
	expect_problem("a = truth", 1, 8, "write text in double quotes");
	expect_problem("a = inx", 1, 7, "write text in double quotes");
	expect_problem("a = 2020-01-01Tx:00:00", 1, 16, "expected a digit");
	expect_problem("a = 1\xC9\x8D = 2", 1, 6, "expected digit");
	expect_problem_in("a = 1\n\0", 7, 2, 1, "syntax error");
}

static void
no_value_shows_in_a_syntax_error(void **state)
{
	static const char *const texts[] = {"env = [ hunter22 ]", "env = [ 31337313373133731337313373133731337 ]",
	    "env = [ \"hunter22 ]", "env = [ \"a=hunter22\" \"b\" ]", "env = \"hunter22\\q\"",
	    "env = 'hunter22' hunter22", "env = 0x31337313373133731337", "env = hunter22", "env = 31337e31337",
	    "env = \"a\x01hunter22\"", "env = [ \"a=hunter22\" ]\nenv = \"hunter22\""};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct toml_problem problem = {0};

		assert_null(toml_tree(texts[i], strlen(texts[i]), &problem));
		assert_null(strstr(problem.sentence, "hunter"));
		assert_null(strstr(problem.sentence, "31337"));
		assert_true(strlen(problem.sentence) > 20);
	}
}

static void
deep_nesting_is_refused_not_followed(void **state)
{
	static char deep[100 * 1000];

	(void)state;
	memset(deep, '[', sizeof(deep));
	memcpy(deep, "a = ", 4);
	expect_problem_in(deep, sizeof(deep), 1, 21, "16");
	expect_tree("a = [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]",
	    "t@1:1[a@1:1>a@1:5[a@1:6[a@1:7[a@1:8[a@1:9[a@1:10[a@1:11[a@1:12[a@1:13[a@1:14[a@1:15[a@1:16[a@1:17[a@1:18["
	    "a@1:19[i@1:20=1]]]"
	    "]]]]]]]]]]]]]");
}

/* Each dot is a table within a table: a line of them ends in a stack overflow when they are freed. */
static void
a_key_of_a_million_dots_is_refused(void **state)
{
	static char dots[TOML_BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(dots); i++)
		dots[i] = i % 2 == 0 ? 'a' : '.';
	expect_problem_in(dots, sizeof(dots), 1, 18, "dots");
	dots[0] = '[';
	dots[1] = 'a';
	dots[2] = '.';
	expect_problem_in(dots, sizeof(dots), 1, 18, "dots");
}

static void
dots_hide_behind_no_string(void **state)
{
	(void)state;
	expect_problem("x = {y = \"\"\"a\"\"\"\", a.b.c.d.e.f.g.h.i.j = 1}", 1, 37, "dots");
	expect_problem("x = {y = 'a\\', a.b.c.d.e.f.g.h.i.j = 1}", 1, 33, "dots");
	expect_problem("x = \"\\\"\" # \"\na . \"b\" . 'c' . d.e.f.g.h.i.j = 1", 2, 28, "dots");
	expect_tree("x = \"........................\"\ny = '''\n.........\n'''",
	    "t@1:1[x@1:1>s@1:5=........................ y@2:1>s@2:5=.........\n]");
}

static void
more_than_a_mebibyte_is_refused(void **state)
{
	static char text[TOML_BYTES_MAX + 1];
	struct toml_problem problem;
	json_t *tree;

	(void)state;
	memset(text, '\n', sizeof(text));
	expect_problem_in(text, sizeof(text), 1, 1, "1 MiB");
	tree = toml_tree(text, TOML_BYTES_MAX, &problem);
	assert_non_null(tree);
	json_decref(tree);
}

static void
a_flood_of_values_is_refused(void **state)
{
	static char text[2 * TOML_VALUES_MAX + 16];

	(void)state;
	memset(text, '\n', sizeof(text));
	memcpy(text, "a=[", 3);
	for (size_t i = 0; i < TOML_VALUES_MAX; i++)
		memcpy(text + 3 + 2 * i, "1,", 2);
	text[3 + 2 * TOML_VALUES_MAX] = ']';
	expect_problem_in(text, sizeof(text), 1, 1, "100000 values");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_value_knows_its_place),
	    cmocka_unit_test(quoted_keys_count_in_characters),
	    cmocka_unit_test(tables_know_their_header),
	    cmocka_unit_test(nul_and_long_strings_survive),
	    cmocka_unit_test(syntax_errors_name_line_and_column),
	    cmocka_unit_test(no_value_shows_in_a_syntax_error),
	    cmocka_unit_test(deep_nesting_is_refused_not_followed),
	    cmocka_unit_test(a_key_of_a_million_dots_is_refused),
	    cmocka_unit_test(dots_hide_behind_no_string),
	    cmocka_unit_test(more_than_a_mebibyte_is_refused),
	    cmocka_unit_test(a_flood_of_values_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
