/* pgoctl's command line and target, and that the manual knows every option. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/str.h"
#include "ctl/escape.h"
#include "ctl/options.h"
#include "ctl/target.h"
#include "ctl/wants.h"

static int
parse(struct options *o, const char *const *words, struct err *err)
{
	int n = 0;

	while (words[n] != NULL)
		n++;
	return options_parse(o, n, (char **)words, err);
}

#define WORDS(...) ((const char *const[]){"pgoctl", __VA_ARGS__, NULL})

static void
options_go_unseen(void **state)
{
	struct options o;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(parse(&o, WORDS("-i", "k", "-p", "22", "h:s//ps", "-x"), &err), 0);
	assert_string_equal(o.identity, "k");
	assert_int_equal(o.port, 22);
	assert_int_equal(o.first, 5);
	assert_int_equal(parse(&o, WORDS("-ik", "-p22", "-q", "--accept-new", "--known-hosts=f", "h:s//ps"), &err), 0);
	assert_string_equal(o.identity, "k");
	assert_string_equal(o.known_hosts, "f");
	assert_true(o.quiet && o.accept_new);
	assert_int_equal(parse(&o, WORDS("--identity", "k", "--port=7", "-qv"), &err), 0);
	assert_true(o.version && o.quiet && o.port == 7);
	assert_int_equal(parse(&o, WORDS("h:s//ps"), &err), 0);
	assert_null(o.identity);
	assert_int_equal(o.port, PORT_DEFAULT);
}

static void
arguments_are_taken_for_options(void **state)
{
	struct options o;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(parse(&o, WORDS("-q", "h:s//logs", "-n", "5"), &err), 0);
	assert_int_equal(o.first, 2);
	assert_int_equal(parse(&o, WORDS("-q", "--", "h:s//logs", "-n", "5"), &err), 0);
	assert_int_equal(o.first, 3);
	assert_int_equal(parse(&o, WORDS("--", "-v"), &err), 0);
	assert_false(o.version);
	assert_int_equal(o.first, 2);
}

static void
wrong_options_pass(void **state)
{
	static const struct {
		const char *words[4];
		const char *text;
	} cases[] = {
	    {{"pgoctl", "--port", "0", NULL}, "0 is not a port: a number from 1 to 65535"},
	    {{"pgoctl", "--port=65536", NULL}, "65536 is not a port: a number from 1 to 65535"},
	    {{"pgoctl", "-p", NULL}, "option -p needs a value"},
	    {{"pgoctl", "--port", NULL}, "option --port needs a value"},
	    {{"pgoctl", "--accept-new=x", NULL}, "option --accept-new takes no value"},
	    {{"pgoctl", "-z", NULL}, "unknown option -z"},
	    {{"pgoctl", "--ports", NULL}, "unknown option --ports"},
	    {{"pgoctl", "--por", NULL}, "unknown option --por"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct options o;
		struct err err = ERR_INIT;

		assert_true(parse(&o, cases[i].words, &err) < 0);
		assert_string_equal(err.msg, cases[i].text);
	}
}

static void
target_is_split_wrongly(void **state)
{
	static const struct {
		const char *text, *user, *host, *op;
	} cases[] = {
	    {"h:s//ps", NULL, "h", "s//ps"},
	    {"me@example.org:my-svc//git", "me", "example.org", "my-svc//git"},
	    {"10.0.0.1:s//ps", NULL, "10.0.0.1", "s//ps"},
	    {"[2001:db8::1]:s//ps", NULL, "2001:db8::1", "s//ps"},
	    {"me@[::1]:s//ps", "me", "::1", "s//ps"},
	    {"h:host://status", NULL, "h", "host://status"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_target struct target t = TARGET_INIT;
		struct err err = ERR_INIT;

		assert_int_equal(target_parse(cases[i].text, &t, &err), 0);
		assert_true(str_eq(t.user, cases[i].user) || (t.user == NULL && cases[i].user == NULL));
		assert_string_equal(t.host, cases[i].host);
		assert_string_equal(t.op, cases[i].op);
	}
}

static void
wrong_targets_pass(void **state)
{
	static const char *const cases[] = {"", "h", "h:", "h:s", "h:s/ps", "h:s//", "h://ps", "h:s//a//b", "h:s///ps",
	    ":s//ps", "::1:s//ps", "[::1:s//ps", "[::1]s//ps", "[]:s//ps", "@h:s//ps", "me@:s//ps", "s//ps",
	    "host://status"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_target struct target t = TARGET_INIT;
		struct err err = ERR_INIT;

		assert_true(target_parse(cases[i], &t, &err) < 0);
		assert_true(err.msg[0] != '\0');
	}
}

static void
read_manual(struct buf *b)
{
	auto_close int fd = open(MANUAL, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(io_read_all(fd, b, NULL), 0);
}

static void
option_is_missing_in_the_manual(void **state)
{
	auto_buf struct buf man = BUF_INIT(1024 * 1024);
	const struct option_spec *table;
	size_t n;

	(void)state;
	read_manual(&man);
	table = options_table(&n);
	for (size_t i = 0; i < n; i++) {
		char want[128];
		size_t len;

		if (table[i].letter != 0)
			len = (size_t)snprintf(
			    want, sizeof(want), "\n.It Fl %c , Fl -%s", table[i].letter, table[i].name);
		else
			len = (size_t)snprintf(want, sizeof(want), "\n.It Fl -%s", table[i].name);
		if (table[i].arg != NULL)
			len += (size_t)snprintf(want + len, sizeof(want) - len, " Ar %s", table[i].arg);
		snprintf(want + len, sizeof(want) - len, "\n");
		if (strstr(buf_str(&man), want) == NULL)
			fail_msg("the manual has no line '%s'", want + 1);
	}
}

static void
usage_leaves_an_option_out(void **state)
{
	const struct option_spec *table;
	auto_free char *text = NULL;
	size_t n, size;
	FILE *to = open_memstream(&text, &size);

	(void)state;
	options_usage(to);
	fclose(to);
	table = options_table(&n);
	for (size_t i = 0; i < n; i++) {
		assert_non_null(strstr(text, table[i].name));
		assert_non_null(strstr(text, table[i].help));
	}
}

#define ARGS(...) (char *const *)(const char *const[]){__VA_ARGS__}, ARRAY_LEN(((const char *const[]){__VA_ARGS__}))

/* Only options in front of the compose service are exec's; -t behind it is the command's. */
static void
terminal_is_wanted_wrongly(void **state)
{
	(void)state;
	assert_int_equal(wants_of("s//exec", ARGS("-it", "web", "sh")).terminal, TERMINAL_USED);
	assert_int_equal(wants_of("s//exec", ARGS("-e", "A=b", "-t", "web", "sh")).terminal, TERMINAL_USED);
	assert_int_equal(wants_of("s//exec", ARGS("-eA=t", "--index=1", "--tty", "web")).terminal, TERMINAL_USED);
	assert_int_equal(wants_of("s//exec", ARGS("--workdir", "-t", "web", "sh")).terminal, TERMINAL_NONE);
	assert_int_equal(wants_of("s//exec", ARGS("-e", "-t", "web", "sh")).terminal, TERMINAL_NONE);
	assert_int_equal(wants_of("s//exec", ARGS("web", "sh", "-t")).terminal, TERMINAL_NONE);
	assert_int_equal(wants_of("s//exec", ARGS("--", "-t")).terminal, TERMINAL_NONE);
	assert_int_equal(wants_of("s//exec", ARGS("-tT", "web", "sh")).terminal, TERMINAL_NONE);
	assert_int_equal(wants_of("s//exec", ARGS("-t", "-d", "web", "sh")).terminal, TERMINAL_NONE);
	assert_int_equal(wants_of("s//exec", NULL, 0).terminal, TERMINAL_NONE);
	assert_true(wants_of("s//exec", ARGS("web")).input);
	assert_true(wants_of("s//run", ARGS("sh")).input);
	assert_int_equal(wants_of("s//run", ARGS("-it", "sh")).terminal, TERMINAL_USED);
	assert_true(wants_of("s//config", ARGS("import")).input && wants_of("s//config", ARGS("set", "TOKEN")).input);
	assert_false(wants_of("s//config", ARGS("set", "A=b")).input || wants_of("s//config", ARGS("get", "A")).input);
	assert_false(wants_of("s//config", ARGS("set", "A", "B")).input || wants_of("s//config", NULL, 0).input);
	assert_true(wants_of("host://upload-key", ARGS("tess")).input);
	assert_int_equal(wants_of("s//logs", ARGS("-t")).terminal, TERMINAL_SHOWN);
	assert_false(wants_of("s//logs", ARGS("-t")).input);
	assert_int_equal(wants_of("exec//ps", ARGS("-t")).terminal, TERMINAL_NONE);
}

/* Bytes in any pieces: what is sent, and whether it ended. */
static void
way_out_of_a_terminal_is_hit_by_accident(void **state)
{
	static const struct {
		const char *typed, *sent;
		bool leaves;
	} cases[] = {
	    {"a~.b", "a~.b", false},
	    {"~.", "", true},
	    {"ls\r~.", "ls\r", true},
	    {"ls\n~.gone", "ls\n", true},
	    {"~~.\r", "~.\r", false},
	    {"~x~.", "~x~.", false},
	    {"~\r~.", "~\r", true},
	    {"~", "", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t piece = 1; piece <= 3; piece++) {
			struct escape e = {0};
			auto_buf struct buf sent = BUF_INIT(64);
			bool left = false;
			size_t len = strlen(cases[i].typed);

			for (size_t at = 0; at < len && !left; at += piece)
				left =
				    escape_filter(&e, cases[i].typed + at, len - at < piece ? len - at : piece, &sent);
			assert_int_equal(left, cases[i].leaves);
			assert_string_equal(buf_str(&sent), cases[i].sent);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_go_unseen),
	    cmocka_unit_test(arguments_are_taken_for_options),
	    cmocka_unit_test(wrong_options_pass),
	    cmocka_unit_test(target_is_split_wrongly),
	    cmocka_unit_test(wrong_targets_pass),
	    cmocka_unit_test(terminal_is_wanted_wrongly),
	    cmocka_unit_test(way_out_of_a_terminal_is_hit_by_accident),
	    cmocka_unit_test(option_is_missing_in_the_manual),
	    cmocka_unit_test(usage_leaves_an_option_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
