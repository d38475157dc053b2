/* The log of a deploy: what is kept, and what followers read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/str.h"
#include "core/journal.h"

static char dir[64];

static int
enter(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pgo-journal-XXXXXX");
	return mkdtemp(dir) != NULL && chdir(dir) == 0 && mkdir("logs", 0700) == 0 ? 0 : -1;
}

static int
leave(void **state)
{
	(void)state;
	unlink("logs/web/7.log");
	rmdir("logs/web");
	rmdir("logs");
	rmdir("vars");
	return chdir("/") == 0 ? rmdir(dir) : -1;
}

struct reader {
	struct buf text;
	int ends;
};

static void
on_text(void *ctx, const char *data, size_t len)
{
	struct reader *r = ctx;

	buf_add(&r->text, data, len);
}

static void
ignore(void *ctx, const char *data, size_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
}

static void
on_end(void *ctx)
{
	struct reader *r = ctx;

	r->ends++;
}

static void
a_follower_reads_from_the_start_to_the_end(void **state)
{
	struct reader r = {.text = BUF_INIT(1000)};
	struct journal_follower f = {.text = on_text, .end = on_end, .ctx = &r};
	struct journal *j = journal_new("web", 7);
	auto_buf struct buf kept = BUF_INIT(JOURNAL_MAX);
	struct err err = ERR_INIT;
	struct stat sb;

	(void)state;
	journal_write(j, "pull\n", 5);
	journal_follow(j, &f);
	journal_write(j, "up\n", 3);
	journal_end(j);
	assert_string_equal(buf_str(&r.text), "pull\nup\n");
	assert_int_equal(r.ends, 1);
	journal_unfollow(&f);
	assert_true(journal_read("web", 7, &kept, &err) >= 0);
	assert_string_equal(buf_str(&kept), "pull\nup\n");
	assert_int_equal(stat("logs/web/7.log", &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	buf_done(&r.text);
}

static void
what_core_notes_is_told_apart_from_what_programs_print(void **state)
{
	struct reader r = {.text = BUF_INIT(1000)};
	struct reader n = {.text = BUF_INIT(1000)};
	struct journal_follower both = {.text = on_text, .end = on_end, .ctx = &r};
	struct journal_follower notes = {.text = ignore, .note = on_text, .end = on_end, .ctx = &n};
	struct journal *j = journal_new("web", 7);

	(void)state;
	journal_follow(j, &both);
	journal_follow(j, &notes);
	journal_note(j, "== up\n", 6);
	journal_write(j, "== forged\n", 10);
	journal_end(j);
	assert_string_equal(buf_str(&r.text), "== up\n== forged\n");
	assert_string_equal(buf_str(&n.text), "== up\n");
	buf_done(&r.text);
	buf_done(&n.text);
}

static void
one_who_left_is_told_nothing_more(void **state)
{
	struct reader r = {.text = BUF_INIT(1000)};
	struct journal_follower f = {.text = on_text, .end = on_end, .ctx = &r};
	struct journal *j = journal_new("web", 7);

	(void)state;
	journal_follow(j, &f);
	journal_unfollow(&f);
	journal_write(j, "up\n", 3);
	journal_end(j);
	assert_int_equal(r.text.len, 0);
	assert_int_equal(r.ends, 0);
	buf_done(&r.text);
}

static void
a_flood_fills_no_disk(void **state)
{
	struct journal *j = journal_new("web", 7);
	auto_buf struct buf kept = BUF_INIT(2 * JOURNAL_MAX);
	auto_buf struct buf line = BUF_INIT(100000);
	struct err err = ERR_INIT;

	(void)state;
	while (line.len < 70000)
		buf_str_add(&line, "0123456789\n");
	for (int i = 0; i < 30; i++)
		journal_write(j, line.data, line.len);
	journal_end(j);
	assert_true(journal_read("web", 7, &kept, &err) >= 0);
	assert_in_range(kept.len, JOURNAL_MAX - 100, JOURNAL_MAX);
	assert_true(str_ends(buf_str(&kept), "not kept.\n"));
}

static void
a_log_that_cannot_be_kept_is_still_told(void **state)
{
	struct reader r = {.text = BUF_INIT(1000)};
	struct journal_follower f = {.text = on_text, .end = on_end, .ctx = &r};
	struct journal *j;

	(void)state;
	rmdir("logs");
	rmdir("vars");
	j = journal_new("web", 7);
	journal_follow(j, &f);
	journal_write(j, "up\n", 3);
	journal_end(j);
	assert_string_equal(buf_str(&r.text), "up\n");
	assert_int_equal(mkdir("logs", 0700), 0);
	buf_done(&r.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_follower_reads_from_the_start_to_the_end, enter, leave),
	    cmocka_unit_test_setup_teardown(what_core_notes_is_told_apart_from_what_programs_print, enter, leave),
	    cmocka_unit_test_setup_teardown(one_who_left_is_told_nothing_more, enter, leave),
	    cmocka_unit_test_setup_teardown(a_flood_fills_no_disk, enter, leave),
	    cmocka_unit_test_setup_teardown(a_log_that_cannot_be_kept_is_still_told, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
