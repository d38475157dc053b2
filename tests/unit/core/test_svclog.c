/* What pgod's log says of a service: whose a line is, and what is kept of it. */
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
#include "base/log.h"
#include "base/str.h"
#include "core/svclog.h"

static char dir[64];

static int
enter(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pgo-svclog-XXXXXX");
	return mkdtemp(dir) != NULL && chdir(dir) == 0 && mkdir("logs", 0700) == 0 ? 0 : -1;
}

static int
leave(void **state)
{
	(void)state;
	log_tap(NULL, NULL);
	unlink("logs/web/journal");
	unlink("logs/web/journal.old");
	rmdir("logs/web");
	rmdir("logs");
	return chdir("/") == 0 ? rmdir(dir) : -1;
}

static void
on_line(void *ctx, const char *service, const char *word, const char *text)
{
	buf_printf(ctx, "%s|%s|%s\n", service, word, text);
	log_warn("what is logged here is told to nobody service=%s", service);
}

static void
text_of_others_says_whose_line_it_is(void **state)
{
	auto_buf struct buf told = BUF_INIT(65536);

	(void)state;
	log_tap(on_line, &told);
	log_info("operation %s service=%s key=\"%s\"", "up", "web", "x service=db.pub");
	log_warn("%s service=%s job=%d", "it said: service=db", "web", 7);
	log_err("%d%% of a line\nof two service=%s", 3, "web");
	log_info("nobody's: %s", "service=db");
	log_info("a user%s=%s", " service", "db");
	log_debug("service=%s", "web");
	assert_string_equal(buf_str(&told), "web|info|operation up service=web key=\"x service=db.pub\"\n"
					    "web|warning|it said: service=db service=web job=7\n"
					    "web|error|3% of a line\\nof two service=web\n");
}

static void
add_text(void *ctx, const char *data, size_t len)
{
	buf_add(ctx, data, len);
}

static void
what_is_kept_grows_for_ever(void **state)
{
	auto_buf struct buf kept = BUF_INIT(2 * SVCLOG_MAX + 8192), followed = BUF_INIT(65536);
	struct svclog_follower f = {.service = "web", .text = add_text, .ctx = &followed};
	struct svclog_follower other = {.service = "db", .text = add_text, .ctx = &followed};

	(void)state;
	assert_int_equal(svclog_read("web", &kept, NULL), 0);
	assert_int_equal(kept.len, 0);
	for (int i = 0; i < 10000; i++) {
		auto_free char *text = str_printf("line %d of many", i);

		svclog_add("web", 1795255331, "info", text);
	}
	assert_int_equal(svclog_read("web", &kept, NULL), 0);
	assert_in_range(kept.len, SVCLOG_MAX, 2 * SVCLOG_MAX + 8192);
	assert_true(str_ends(buf_str(&kept), "2026-11-21T10:02:11Z info line 9999 of many\n"));
	assert_int_equal(strncmp(buf_str(&kept), "2026-11-21T", 11), 0);

	svclog_follow(&f);
	svclog_follow(&other);
	svclog_add("web", 1795255332, "warning", "now");
	svclog_unfollow(&f);
	svclog_unfollow(&other);
	svclog_add("web", 1795255333, "info", "later");
	assert_string_equal(buf_str(&followed), "2026-11-21T10:02:12Z warning now\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(text_of_others_says_whose_line_it_is, enter, leave),
	    cmocka_unit_test_setup_teardown(what_is_kept_grows_for_ever, enter, leave),
	};

	log_init("test", true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
