#include "fixture.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/log.h"

/* stderr is a pipe while a test runs; what was logged is read back from it. */
struct capture {
	int saved, read_fd;
	char text[16384];
};

static int
setup(void **state)
{
	struct capture *c = calloc(1, sizeof(*c));
	int fds[2];

	if (c == NULL || pipe(fds) < 0)
		return -1;
	c->saved = dup(STDERR_FILENO);
	c->read_fd = fds[0];
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	*state = c;
	return 0;
}

static int
teardown(void **state)
{
	struct capture *c = *state;

	close(c->saved);
	close(c->read_fd);
	free(c);
	return 0;
}

/* Ends the capture: all that was logged. */
static const char *
logged(struct capture *c)
{
	size_t at = 0;
	ssize_t n;

	dup2(c->saved, STDERR_FILENO);
	while ((n = read(c->read_fd, c->text + at, sizeof(c->text) - 1 - at)) > 0)
		at += (size_t)n;
	c->text[at] = '\0';
	return c->text;
}

static void
a_line_has_time_name_and_level(void **state)
{
	const char *text;
	int year = 0, end = 0;

	unsetenv("JOURNAL_STREAM");
	log_init("pgod-test", false);
	log_warn("disk %s full=%d", "sda", 1);
	text = logged(*state);
	assert_int_equal(sscanf(text, "%4d-%*2d-%*2dT%*2d:%*2d:%*2dZ %n", &year, &end), 1);
	assert_true(year >= 2024 && end == 21);
	assert_string_equal(text + end, "pgod-test warning: disk sda full=1\n");
}

static void
the_journal_gets_levels_instead(void **state)
{
	char stream[64];
	struct stat st;

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("pgod-test", true);
	log_err("e");
	log_warn("w");
	log_info("i");
	log_debug("d");
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(logged(*state), "<3>e\n<4>w\n<6>i\n<7>d\n");
}

static void
another_process_journal_is_not_ours(void **state)
{
	setenv("JOURNAL_STREAM", "8:12345", 1);
	log_init("pgod-test", false);
	log_info("x");
	unsetenv("JOURNAL_STREAM");
	assert_non_null(strstr(logged(*state), "Z pgod-test info: x\n"));
}

static void
foreign_text_cannot_forge_a_line(void **state)
{
	const char *text;

	log_init("t", false);
	log_info("name=%s", "a\n<3>forged\x1b[2J\r");
	text = logged(*state);
	assert_non_null(strstr(text, "name=a\\n<3>forged\\x1b[2J\\x0d\n"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void
debug_lines_appear_only_when_asked_for(void **state)
{
	log_init("t", false);
	assert_false(log_debug_on());
	log_debug("hidden");
	log_init("t", true);
	assert_true(log_debug_on());
	log_debug("shown");
	assert_null(strstr(logged(*state), "hidden"));
	assert_non_null(strstr(((struct capture *)*state)->text, "t debug: shown\n"));
}

static void
a_huge_line_is_cut_and_still_ends(void **state)
{
	char huge[3 * 4096];
	const char *text;

	memset(huge, '\n', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	log_init("t", false);
	log_err("%s", huge);
	log_err("next");
	text = logged(*state);
	assert_true(strcspn(text, "\n") >= 4094 && strcspn(text, "\n") < 4096);
	assert_non_null(strstr(text, "t error: next\n"));
}

static void
errno_survives_logging(void **state)
{
	log_init("t", false);
	errno = ENOTTY;
	log_info("x");
	assert_int_equal(errno, ENOTTY);
	logged(*state);
}

#define LOG_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LOG_TEST(a_line_has_time_name_and_level),
	    LOG_TEST(the_journal_gets_levels_instead),
	    LOG_TEST(another_process_journal_is_not_ours),
	    LOG_TEST(foreign_text_cannot_forge_a_line),
	    LOG_TEST(debug_lines_appear_only_when_asked_for),
	    LOG_TEST(a_huge_line_is_cut_and_still_ends),
	    LOG_TEST(errno_survives_logging),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
