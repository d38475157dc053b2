#include "fixture.h"

#include <stdio.h>

#include "base/auto.h"
#include "base/buf.h"
#include "ipc/opline.h"

/* The words behind the first, each in brackets. */
static void
parses_to(const char *line, const char *service, const char *op, const char *args)
{
	auto_opline struct opline ol = OPLINE_INIT;
	auto_buf struct buf b = BUF_INIT(10000);
	struct err err = ERR_INIT;

	if (opline_parse(line, strlen(line), &ol, &err) < 0)
		fail_msg("%s: %s", line, err.msg);
	assert_string_equal(ol.service, service);
	assert_string_equal(ol.op, op);
	for (size_t i = 0; i < ol.args.n; i++)
		buf_printf(&b, "[%s]", ol.args.v[i]);
	assert_string_equal(buf_str(&b), args);
}

static const struct {
	const char *line, *args;
} splits[] = {
    {"s//op", ""},
    {"s//op ", ""}, /* the reference's client, without arguments */
    {"  s//op\t a \r\n b  ", "[a][b]"},
    {"s//op 'a b'", "[a b]"},
    {"s//op a'b c'd", "[ab cd]"},
    {"s//op ''", "[]"},
    {"s//op '' \"\" a", "[][][a]"},
    {"s//op \"a 'b' c\"", "[a 'b' c]"},
    {"s//op 'a \"b\" c'", "[a \"b\" c]"},
    {"s//op 'a\\b'", "[a\\b]"},
    {"s//op \"\\\" \\\\ \\$ \\` \\n \\a\"", "[\" \\ $ ` \\n \\a]"},
    {"s//op a\\ b \\'c \\\"d \\\\e \\n", "[a b]['c][\"d][\\e][n]"},
    {"s//op $HOME `id` $(id) *.c ~ #x ; | & > <", "[$HOME][`id`][$(id)][*.c][~][#x][;][|][&][>][<]"},
    {"s//op \"$HOME\"", "[$HOME]"},
    {"s//op a\\\nb \"c\\\nd\" 'e\\\nf'", "[ab][cd][e\\\nf]"},
    {"s//op a \\\n b", "[a][b]"},
    {"s//op \\\n\\\n", ""},
    {"s//op 'a\nb'", "[a\nb]"},
    {"s//op 'open end ", "[open end ]"}, /* as in the reference */
    {"s//op \"open", "[open]"},
    {"s//op a '", "[a][]"},
    {"s//op a\\", "[a\\]"},
    {"s//op \"a\\", "[a\\]"},
    {"s//op \xc3\xbc \xff", "[\xc3\xbc][\xff]"},
    {"s//op -- -x", "[--][-x]"},
    {"s//op a//b", "[a//b]"},
    {"'s'//\"op\" x", "[x]"},
};

static void
a_line_is_split_as_a_shell_splits_and_nothing_is_expanded(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(splits); i++)
		parses_to(splits[i].line, "s", "op", splits[i].args);
}

static void
the_first_word_has_two_sides(void **state)
{
	static const char *const bad[] = {
	    "x", "/", "//", "s//", "//op", "s/op", "s//op//x", "a////b", "//s//op", "''", "'' s//op", "x s//op"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct opline ol = {NULL, NULL, {NULL, 77}};
		struct err err = ERR_INIT;
		int r = opline_parse(bad[i], strlen(bad[i]), &ol, &err);

		if (r != -EINVAL)
			fail_msg("%d for %s", r, bad[i]);
		assert_int_equal(ol.args.n, 77);
		assert_string_equal(err.msg, "the first word is not service//operation");
	}
	parses_to("a///b", "a", "/b", "");
}

static void
what_octo_took_is_not_known_or_means_something_else(void **state)
{
	static const struct {
		const char *line, *service, *op, *args;
	} known[] = {
	    {"config:set web/TOKEN 'a b'", "web", "config", "[set][TOKEN=a b]"},
	    {"config:set web/TOKEN ''", "web", "config", "[set][TOKEN=]"},
	    {"config:get my.app/TOKEN", "my.app", "config", "[get][TOKEN]"},
	    {"config:rm web/TOKEN", "web", "config", "[unset][TOKEN]"},
	    {"config:export web --format json", "web", "config", "[export][--format][json]"},
	    {"config web", "web", "config", "[list]"},
	    {"restart web api", "web", "restart", "[api]"},
	    {"reload web", "web", "restart", ""},
	    {"config", "host:", "config", ""},
	    {"config --json", "host:", "config", "[--json]"},
	    {"status", "host:", "status", ""},
	};
	static const char *const bad[] = {"config:set web", "config:set web/A", "config:set web A",
	    "config:set web/A b c", "config:get web", "config:get /A", "config:get web/", "config:get a//b",
	    "config:get host:/A", "restart", "restart host:", "restart -t", "restart a/b", "ps", "exec", "ping",
	    "config:foo web"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		parses_to(known[i].line, known[i].service, known[i].op, known[i].args);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct opline ol = OPLINE_INIT;

		if (opline_parse(bad[i], strlen(bad[i]), &ol, NULL) != -EINVAL)
			fail_msg("%s", bad[i]);
		assert_null(ol.service);
	}
}

static void
a_line_without_words_has_no_operation(void **state)
{
	static const char *const empty[] = {"", " ", "\t\r\n ", "\\\n"};
	struct opline ol = OPLINE_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(empty); i++)
		assert_int_equal(opline_parse(empty[i], strlen(empty[i]), &ol, NULL), -ENODATA);
}

static void
a_nul_byte_is_refused_wherever_it_stands(void **state)
{
	struct opline ol = OPLINE_INIT;

	(void)state;
	assert_int_equal(opline_parse("s//op a\0b", 9, &ol, NULL), -EINVAL);
	assert_int_equal(opline_parse("s//op 'a\0'", 10, &ol, NULL), -EINVAL);
	assert_int_equal(opline_parse("s//op\0", 6, &ol, NULL), -EINVAL);
	assert_int_equal(opline_parse("\0", 1, &ol, NULL), -EINVAL);
}

static void
the_limits_hold_to_the_byte_and_to_the_word(void **state)
{
	auto_opline struct opline ol = OPLINE_INIT;
	auto_free char *line = malloc(OPLINE_MAX + 1);

	(void)state;
	memset(line, 'x', OPLINE_MAX + 1);
	memcpy(line, "s//op ", 6);
	assert_int_equal(opline_parse(line, OPLINE_MAX, &ol, NULL), 0);
	assert_int_equal(strlen(ol.args.v[0]), OPLINE_MAX - 6);
	opline_done(&ol);
	assert_int_equal(opline_parse(line, OPLINE_MAX + 1, &ol, NULL), -E2BIG);
	for (size_t i = 6; i < OPLINE_MAX; i++)
		line[i] = i % 2 == 0 ? 'a' : ' ';
	assert_int_equal(opline_parse(line, 6 + 2 * OPLINE_ARGS_MAX, &ol, NULL), 0);
	assert_int_equal(ol.args.n, OPLINE_ARGS_MAX);
	opline_done(&ol);
	assert_int_equal(opline_parse(line, 6 + 2 * OPLINE_ARGS_MAX + 1, &ol, NULL), -E2BIG);
	assert_int_equal(opline_parse(line, OPLINE_MAX, &ol, NULL), -E2BIG);
}

static void
only_what_needs_quotes_gets_them(void **state)
{
	static const char *const in[] = {"-f", "a=b,c:/d.e@%+_", "", "a b", "it's", "$x", "\xc3\xbc", "~", "a\nb"};
	union {
		const char *const *in;
		char *const *out;
	} args = {.in = in};
	auto_free char *line = opline_format("web//logs", args.out, ARRAY_LEN(in));
	auto_free char *bare = opline_format("web//logs", NULL, 0);

	(void)state;
	assert_string_equal(line, "web//logs -f a=b,c:/d.e@%+_ '' 'a b' 'it'\\''s' '$x' '\xc3\xbc' '~' 'a\nb'");
	assert_string_equal(bare, "web//logs");
}

static void
what_is_formatted_parses_to_the_same_words(void **state)
{
	char words[256][4];
	char *args[256];
	auto_opline struct opline ol = OPLINE_INIT;
	auto_free char *line = NULL;

	(void)state;
	for (int i = 1; i < 256; i++) {
		snprintf(words[i], sizeof(words[i]), "%c%c", i, i % 2 == 0 ? '\'' : '\\');
		args[i - 1] = words[i];
	}
	line = opline_format("s p'a//o\\p", args, 255);
	assert_int_equal(opline_parse(line, strlen(line), &ol, NULL), 0);
	assert_string_equal(ol.service, "s p'a");
	assert_string_equal(ol.op, "o\\p");
	assert_int_equal(ol.args.n, 255);
	for (int i = 0; i < 255; i++)
		assert_string_equal(ol.args.v[i], args[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_is_split_as_a_shell_splits_and_nothing_is_expanded),
	    cmocka_unit_test(the_first_word_has_two_sides),
	    cmocka_unit_test(what_octo_took_is_not_known_or_means_something_else),
	    cmocka_unit_test(a_line_without_words_has_no_operation),
	    cmocka_unit_test(a_nul_byte_is_refused_wherever_it_stands),
	    cmocka_unit_test(the_limits_hold_to_the_byte_and_to_the_word),
	    cmocka_unit_test(only_what_needs_quotes_gets_them),
	    cmocka_unit_test(what_is_formatted_parses_to_the_same_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
