/* The command line and its manual. argv[1]: man/pgod.8. */
#include "../conf/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"
#include "supervisor/options.h"

static const char *manual;

static int
parse(struct options *ret_o, struct err *err, char *a, char *b)
{
	char *argv[] = {(char[]){"pgod"}, a, b, NULL};

	*err = (struct err)ERR_INIT;
	return options_parse(b != NULL ? 3 : a != NULL ? 2 : 1, argv, ret_o, err);
}

static void
defaults_are_the_documented_ones(void **state)
{
	auto_options struct options o = {0};
	struct err err;

	(void)state;
	assert_int_equal(parse(&o, &err, NULL, NULL), 0);
	assert_string_equal(o.config, "/etc/pgo.toml");
	assert_string_equal(o.ssh, ":2222");
	assert_string_equal(o.metric, "127.0.0.1:9112");
	assert_string_equal(o.dir, "/var/lib/pgo");
	assert_string_equal(o.datadir, "/data");
	assert_int_equal(o.duration_ms, 300000);
	assert_true(o.restart);
	assert_false(o.debug || o.check || o.help || o.version);
}

static void
every_spelling_of_a_value_is_taken(void **state)
{
	static const char *const spellings[][2] = {
	    {"-s", ":1"}, {"-s:1", NULL}, {"-s=:1", NULL}, {"--ssh", ":1"}, {"--ssh=:1", NULL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
		auto_options struct options o = {0};
		auto_free char *a = str_dup(spellings[i][0]);
		auto_free char *b = spellings[i][1] == NULL ? NULL : str_dup(spellings[i][1]);
		struct err err;

		assert_int_equal(parse(&o, &err, a, b), 0);
		assert_string_equal(o.ssh, ":1");
	}
}

static void
metrics_can_be_turned_off(void **state)
{
	static const char *const spellings[] = {"--metric=off", "--metric=", "-m=off"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
		auto_options struct options o = {0};
		auto_free char *a = str_dup(spellings[i]);
		struct err err;

		assert_int_equal(parse(&o, &err, a, NULL), 0);
		assert_string_equal(o.metric, "");
	}
}

/* -d was --debug, -r --restart and -o --root; a directory is never taken for anything else. */
static void
a_command_line_of_an_older_pgod_means_something_else(void **state)
{
	static const struct {
		const char *words[6];
		bool debug;
		const char *dir;
	} lines[] = {
	    {{"-c", "x.toml", "-d"}, true, "/var/lib/pgo"},
	    {{"-d", "-c", "x.toml"}, true, "/var/lib/pgo"},
	    {{"-d", "-r", "-o", "-c", "x.toml"}, true, "/var/lib/pgo"},
	    {{"-d", "--root=true", "--restart", "-cx.toml"}, true, "/var/lib/pgo"},
	    {{"-d", "/srv", "-c", "x.toml"}, false, "/srv"},
	    {{"-d/srv", "-cx.toml"}, false, "/srv"},
	    {{"-c", "x.toml", "--dir", "/srv", "-d"}, true, "/srv"},
	};
	auto_options struct options o = {0};
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		auto_options struct options got = {0};
		char *argv[8] = {(char[]){"pgod"}};
		int argc = 1;

		for (; argc < 7 && lines[i].words[argc - 1] != NULL; argc++)
			argv[argc] = (char *)lines[i].words[argc - 1];
		assert_int_equal(options_parse(argc, argv, &got, &err), 0);
		assert_string_equal(got.config, "x.toml");
		assert_string_equal(got.dir, lines[i].dir);
		assert_int_equal(got.debug, lines[i].debug);
		assert_true(got.restart);
	}
	assert_int_equal(parse(&o, &err, (char[]){"-d"}, (char[]){"relative"}), -EINVAL);
	assert_int_equal(parse(&o, &err, (char[]){"--root=false"}, NULL), -EINVAL);
	assert_non_null(strstr(err.msg, "--check does not need it"));
	assert_int_equal(parse(&o, &err, (char[]){"--dir"}, NULL), -EINVAL);
}

static void
restart_takes_true_and_false(void **state)
{
	auto_options struct options on = {0};
	auto_options struct options off = {0};
	struct err err;

	(void)state;
	assert_int_equal(parse(&on, &err, (char[]){"--restart"}, NULL), 0);
	assert_true(on.restart);
	assert_int_equal(parse(&off, &err, (char[]){"--restart=false"}, NULL), 0);
	assert_false(off.restart);
}

static void
bad_values_are_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *option, *value, *sentence;
	} cases[] = {
	    {"-t", "0", "at least 1s"},
	    {"-t", "1ns", "at least 1s"},
	    {"-t", "999ms", "at least 1s"},
	    {"-t", "soon", "is a duration such as"},
	    {"-t", "-5m", "is a duration such as"},
	    {"-d", "/", "can not be /"},
	    {"-d", "/../.", "can not be /"},
	    {"-d", "", "can not be empty"},
	    {"-d", "var", "must be an absolute path"},
	    {"-c", "", "can not be empty"},
	    {"-m", "9112", "--metric: \"9112\" does not end in a colon and a port"},
	    {"-m", "localhost:metrics", "a colon and a port"},
	    {"-m", "example.org:9112", "names are not looked up"},
	    {"-m", "::1:9112", "stands in brackets"},
	    {"-m", "[::x]:9112", "is not an IPv6 address"},
	    {"--restart=maybe", NULL, "is true or false"},
	    {"--colour", NULL, "unknown option --colour"},
	    {"-t", NULL, "needs a value"},
	    {"start", NULL, "takes no operands"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_options struct options o = {0};
		auto_free char *a = str_dup(cases[i].option);
		auto_free char *b = cases[i].value == NULL ? NULL : str_dup(cases[i].value);
		struct err err;

		assert_int_equal(parse(&o, &err, a, b), -EINVAL);
		if (strstr(err.msg, cases[i].sentence) == NULL)
			fail_msg("%s %s: %s", cases[i].option, cases[i].value == NULL ? "" : cases[i].value, err.msg);
	}
}

static void
every_option_is_in_the_usage_and_in_the_manual(void **state)
{
	auto_buf struct buf page = BUF_INIT(1024 * 1024);
	auto_buf struct buf usage = BUF_INIT(65536);
	size_t n = 0;
	const struct option_row *rows = options_table(&n);

	(void)state;
	assert_int_equal(io_read_file(-100, manual, &page, NULL), 0);
	options_usage(&usage);
	for (size_t i = 0; i < n; i++) {
		auto_free char *item = rows[i].letter != 0
					   ? str_printf(".It Fl %c , Fl Fl %s", rows[i].letter, rows[i].name)
					   : str_printf(".It Fl Fl %s", rows[i].name);
		auto_free char *name = str_printf("--%s", rows[i].name);
		const char *at = strstr(buf_str(&page), item);

		assert_non_null(strstr(buf_str(&usage), name));
		if (at == NULL)
			fail_msg("the manual has no line \"%s\"", item);
		else if (rows[i].value != NULL && strstr(at, rows[i].value) == NULL)
			fail_msg("the manual does not name the default of --%s", rows[i].name);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_are_the_documented_ones),
	    cmocka_unit_test(every_spelling_of_a_value_is_taken),
	    cmocka_unit_test(metrics_can_be_turned_off),
	    cmocka_unit_test(a_command_line_of_an_older_pgod_means_something_else),
	    cmocka_unit_test(restart_takes_true_and_false),
	    cmocka_unit_test(bad_values_are_refused_with_a_sentence),
	    cmocka_unit_test(every_option_is_in_the_usage_and_in_the_manual),
	};

	if (argc != 2)
		return 2;
	manual = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
