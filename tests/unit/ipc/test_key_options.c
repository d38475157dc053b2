#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "ipc/key_options.h"

static const struct {
	const char *text;
	const char *limits; /* as key_limits_text has them */
} good[] = {
    {"no-pty", "no-pty"},
    {"NO-PTY", "no-pty"},
    {"restrict", "no-pty"},
    {"restrict,pty", ""},
    {"pty,restrict", "no-pty"},
    {"no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-user-rc", ""},
    {"no-x11-forwarding,No-Pty", "no-pty"},
    {"from=\"192.0.2.0/24,!192.0.2.7\"", "from=\"192.0.2.0/24,!192.0.2.7\""},
    {"ops=\"ps\"", "ops=\"ps\""},
    {"ops=\"ps,logs,ping\"", "ops=\"ps,logs,ping\""},
    {"OPS=\" ps , logs,ps\"", "ops=\"ps,logs\""},
    {"expiry-time=\"20300102Z\"", "expiry-time=\"20300102000000Z\""},
    {"expiry-time=\"203001020304Z\"", "expiry-time=\"20300102030400Z\""},
    {"expiry-time=\"20300102030405z\"", "expiry-time=\"20300102030405Z\""},
    {"expiry-time=\"20400101Z\",expiry-time=\"20300101Z\",expiry-time=\"20350101Z\"",
	"expiry-time=\"20300101000000Z\""},
    {"expiry-time=\"20240229Z\"", "expiry-time=\"20240229000000Z\""},
    {"restrict,ops=\"exec\",from=\"*\",expiry-time=\"20300101Z\"",
	"from=\"*\",expiry-time=\"20300101000000Z\",no-pty,ops=\"exec\""},
};

static void
options_that_narrow_are_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		auto_buf struct buf text = BUF_INIT(1000);
		struct key_limits limits = {0};
		struct err err = ERR_INIT;

		if (key_options_parse(good[i].text, &limits, &err) < 0)
			fail_msg("%s: %s", good[i].text, err.msg);
		key_limits_text(&limits, &text);
		assert_string_equal(buf_str(&text), good[i].limits);
		key_limits_done(&limits);
	}
}

static void
local_time_is_that_of_the_machine(void **state)
{
	struct key_limits limits = {0};

	(void)state;
	setenv("TZ", "XYZ-2", 1);
	tzset();
	assert_int_equal(key_options_parse("expiry-time=\"197001020200\"", &limits, NULL), 0);
	assert_int_equal(limits.until_s, 24 * 60 * 60);
	key_limits_done(&limits);
}

#define TIME_HELP "is no time: write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with a Z behind it for UTC"
#define COMMAS "options need commas between them, and no blanks outside of quotes"

static const struct {
	const char *text;
	const char *why;
} bad[] = {
    {"", "option \"\" in front of the key is not known"},
    {"frobnicate", "option \"frobnicate\" in front of the key is not known"},
    {"no-pty,", "option \"\" in front of the key is not known"},
    {"no-pty,,restrict", "option \"\" in front of the key is not known"},
    {"no-ptyx", "option \"no-ptyx\" in front of the key is not known"},
    {"no-frobnication", "option \"no-frobnication\" in front of the key is not known"},
    {"no-pty restrict", COMMAS},
    {"ops=\"ps\"x", COMMAS},
    {"ops=\"ps\"\"logs\"", COMMAS},
    {"no-pty=\"\"", "option no-pty takes no value"},
    {"from", "option from needs a value in double quotes: from=\"...\""},
    {"from=192.0.2.1", "option from needs a value in double quotes: from=\"...\""},
    {"from='192.0.2.1'", "option from needs a value in double quotes: from=\"...\""},
    {"from=\"192.0.2.1", "option from needs a value in double quotes: from=\"...\""},
    {"from=\"\"", "option from: \"\": is empty"},
    {"from=\"*\\\"\"", "option from: \"*\"\": is no pattern of addresses: names are not looked up"},
    {"from=\"*\",from=\"192.0.2.1\"", "option from: is there twice"},
    {"ops=\"\"", "option ops: has an empty name in it"},
    {"ops=\"ps,\"", "option ops: has an empty name in it"},
    {"ops=\"ps logs\"", "option ops: needs commas between the names"},
    {"ops=\"frobnicate\"", "option ops: names \"frobnicate\", which is no operation"},
    {"ops=\"PS\"", "option ops: names \"PS\", which is no operation"},
    {"ops=\"logs -f\"", "option ops: needs commas between the names"},
    {"ops=\"ps\",ops=\"logs\"", "option ops: is there twice"},
    {"expiry-time=\"\"", "option expiry-time: " TIME_HELP},
    {"expiry-time=\"2030\"", "option expiry-time: " TIME_HELP},
    {"expiry-time=\"2030-01-01\"", "option expiry-time: " TIME_HELP},
    {"expiry-time=\"20300101Z1\"", "option expiry-time: " TIME_HELP},
    {"expiry-time=\"20300101+1\"", "option expiry-time: " TIME_HELP},
    {"expiry-time=\"20301301Z\"", "option expiry-time: " TIME_HELP},
    {"expiry-time=\"20300231Z\"", "option expiry-time: " TIME_HELP},
    {"expiry-time=\"20230229Z\"", "option expiry-time: " TIME_HELP},
    {"expiry-time=\"203001012400Z\"", "option expiry-time: " TIME_HELP},
    {"expiry-time=\"203001012360Z\"", "option expiry-time: " TIME_HELP},
    {"expiry-time=\"2030010123Z\"", "option expiry-time: " TIME_HELP},
    {"expiry-time=\"99999999999999999999\"", "option expiry-time: " TIME_HELP},
};

static void
any_other_refuses_the_key_and_says_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct key_limits limits = {0};
		struct err err = ERR_INIT;

		assert_true(key_options_parse(bad[i].text, &limits, &err) < 0);
		assert_string_equal(err.msg, bad[i].why);
	}
}

/* Each row is either honoured or refused with its reason, never accepted and forgotten. */
static void
what_sshd_gives_is_refused_by_name(void **state)
{
	size_t n;
	const struct key_option *options = key_options_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		auto_free char *text = str_printf("%s%s", options[i].name, options[i].value ? "=\"x\"" : "");
		auto_free char *start = str_printf("option %s is refused: ", options[i].name);
		struct key_limits limits = {0};
		struct err err = ERR_INIT;

		if (options[i].take != NULL)
			continue;
		assert_true(key_options_parse(text, &limits, &err) < 0);
		assert_true(str_starts(err.msg, start) && str_ends(err.msg, options[i].why));
	}
}

static void
a_flood_of_options_is_refused(void **state)
{
	auto_buf struct buf text = BUF_INIT(1 << 16);
	struct key_limits limits = {0};

	(void)state;
	for (int i = 0; i < KEY_OPTIONS_MAX; i++)
		buf_printf(&text, "%sno-pty", i > 0 ? "," : "");
	assert_int_equal(key_options_parse(buf_str(&text), &limits, NULL), 0);
	buf_str_add(&text, ",no-pty");
	assert_true(key_options_parse(buf_str(&text), &limits, NULL) < 0);
}

static void
options_end_at_the_first_blank_outside_of_quotes(void **state)
{
	static const struct {
		const char *line;
		int rc;
		size_t len;
	} lines[] = {{"a b", 0, 1}, {"a=\"b c\",d e", 0, 9}, {"a=\"b \\\" c\" d", 0, 10}, {"a=\"b c", -1, 6},
	    {"a\tb", 0, 1}, {"abc", 0, 3}, {"", 0, 0}, {"a=\"\\\\\" b", -1, 8}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		size_t len = 99;
		int rc = key_options_len(lines[i].line, &len);

		assert_int_equal(len, lines[i].len);
		assert_int_equal(rc < 0, lines[i].rc < 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_that_narrow_are_taken),
	    cmocka_unit_test(local_time_is_that_of_the_machine),
	    cmocka_unit_test(any_other_refuses_the_key_and_says_why),
	    cmocka_unit_test(what_sshd_gives_is_refused_by_name),
	    cmocka_unit_test(a_flood_of_options_is_refused),
	    cmocka_unit_test(options_end_at_the_first_blank_outside_of_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
