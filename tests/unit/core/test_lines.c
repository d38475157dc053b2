/* What compose prints, as an operator's terminal gets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "core/lines.h"

static void
tell(void *ctx, const char *text, size_t len)
{
	struct buf *told = ctx;

	buf_add(told, text, len);
	buf_str_add(told, "|");
}

/* In pieces of every size the same comes out. */
static void
becomes(const char *in, const char *out)
{
	size_t len = strlen(in);

	for (size_t piece = 1; piece <= len; piece++) {
		struct lines l = LINES_INIT;
		auto_buf struct buf told = BUF_INIT(65536);

		for (size_t at = 0; at < len; at += piece)
			lines_add(&l, in + at, len - at < piece ? len - at : piece, tell, &told);
		lines_end(&l, tell, &told);
		lines_done(&l);
		assert_string_equal(buf_str(&told), out);
	}
}

static void
lines_come_in_pieces(void **state)
{
	(void)state;
	becomes("one\ntwo\n", "one\n|two\n|");
	becomes("one\n\nlast", "one\n|\n|last|");
	becomes("caf\xc3\xa9 \xe2\x9c\x94\n", "caf\xc3\xa9 \xe2\x9c\x94\n|");
}

static void
orders_to_a_terminal_are_shown(void **state)
{
	(void)state;
	becomes("\x1b[91mred\x1b[0m plain\n", "red plain\n|");
	becomes("\x1b]0;a title\x07text\n", "text\n|");
	becomes("\x1b]0;a title\x1b\\text\n", "text\n|");
	becomes("\x1b[2J\x1b[Hat home\x1b(B\n", "at homeB\n|");
	becomes("dos\r\nends\r\n", "dos\n|ends\n|");
	becomes(" 1%\r\x1b[K 50%\r\x1b[K100%\n", "100%\n|");
	becomes("done\r\x1b[K\n", "done\n|");
}

/* What never ends must not swallow what comes after it. */
static void
unfinished_order_swallows_the_lines_that_follow(void **state)
{
	(void)state;
	becomes("\x1b]0;title\nnext\n", "\n|next\n|");
	becomes("\x1b[1;2;3\nnext\n", "\n|next\n|");
	becomes("\x1b", "");
}

static void
line_without_an_end_fills_the_memory(void **state)
{
	struct lines l = LINES_INIT;
	auto_buf struct buf told = BUF_INIT(1 << 20);
	size_t longest = 0;

	(void)state;
	for (int i = 0; i < 50000; i++)
		lines_add(&l, "\xc3\xa9", 2, tell, &told);
	lines_end(&l, tell, &told);
	lines_done(&l);
	for (const char *p = buf_str(&told), *end; (end = strchr(p, '|')) != NULL; p = end + 1) {
		longest = (size_t)(end - p) > longest ? (size_t)(end - p) : longest;
		assert_int_equal((unsigned char)p[0], 0xc3); /* no character is cut in two */
	}
	assert_in_range(longest, 4000, LINES_MAX + 1);
	assert_true(told.len > 100000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_come_in_pieces),
	    cmocka_unit_test(orders_to_a_terminal_are_shown),
	    cmocka_unit_test(unfinished_order_swallows_the_lines_that_follow),
	    cmocka_unit_test(line_without_an_end_fills_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
