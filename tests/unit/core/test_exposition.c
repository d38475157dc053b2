/* The text format of Prometheus: what of a label could break out of it, and numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "core/commands.h"
#include "core/exposition.h"

static void
a_metric_has_its_two_lines(void **state)
{
	auto_buf struct buf b = BUF_INIT(1000);

	(void)state;
	exposition_head(&b, "pgo_x", METRIC_COUNTER, "What it is.");
	assert_string_equal(buf_str(&b), "# HELP pgo_x What it is.\n# TYPE pgo_x counter\n");
}

static void
no_value_of_a_label_breaks_out_of_it(void **state)
{
	static const struct {
		const char *value, *text;
	} cases[] = {
	    {"", ""},
	    {"rolled back", "rolled back"},
	    {"a\"} 1\nup 0", "a\\\"} 1\\\\nup 0"},
	    {"\\", "\\\\"},
	    {"\\\"", "\\\\\\\""},
	    {"caf\xc3\xa9", "caf\xc3\xa9"},
	    {"\xff\xfe", "\\\\xff\\\\xfe"},
	    {"\x1b[2J\r\x7f", "\\\\x1b[2J\\\\x0d\\\\x7f"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf struct buf b = BUF_INIT(1000);
		auto_buf struct buf want = BUF_INIT(1000);

		exposition_name(&b, "m", "_sum");
		exposition_label(&b, "l", cases[i].value, true);
		exposition_label(&b, "k", "v", false);
		exposition_value(&b, 7, true);
		buf_printf(&want, "m_sum{l=\"%s\",k=\"v\"} 7\n", cases[i].text);
		assert_string_equal(buf_str(&b), buf_str(&want));
	}
}

static void
thousandths_have_three_digits(void **state)
{
	static const struct {
		int64_t milli;
		const char *text;
	} cases[] = {{0, " 0.000\n"}, {7, " 0.007\n"}, {1500, " 1.500\n"}, {1795255444123, " 1795255444.123\n"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf struct buf b = BUF_INIT(1000);

		exposition_milli(&b, cases[i].milli, false);
		assert_string_equal(buf_str(&b), cases[i].text);
	}
}

/* Two samples with the same labels would make a scraper refuse the page. */
static void
kinds_with_one_command_share_a_counter(void **state)
{
	size_t n;
	const struct command *table = commands_table(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		int at = commands_index(table[i].kind);

		assert_int_equal(at < 0, table[i].cmd == NULL);
		if (at < 0)
			continue;
		assert_string_equal(table[at].cmd, table[i].cmd);
		assert_string_equal(table[at].subcmd, table[i].subcmd);
		assert_true((size_t)at <= i);
	}
	assert_int_equal(commands_index("create"), commands_index("up"));
	assert_int_equal(commands_index("nonsense"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_metric_has_its_two_lines),
	    cmocka_unit_test(no_value_of_a_label_breaks_out_of_it),
	    cmocka_unit_test(thousandths_have_three_digits),
	    cmocka_unit_test(kinds_with_one_command_share_a_counter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
