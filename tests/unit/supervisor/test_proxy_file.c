/* The proxy's file: with commands that fail when they are told to. Runs as root, as pgod does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"
#include "supervisor/proxy_file.h"
#include "supervisor/proxy_text.h"

#define GOOD PROXY_MARK " good\n"
#define BETTER PROXY_MARK " better\n"

struct world {
	char dir[64];
	char *file, *state, *fail_test, *fail_reload, *count;
	struct conf_proxy proxy;
};

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static char *
get(const char *path)
{
	struct buf b = BUF_INIT(1 << 16);

	if (io_read_file(AT_FDCWD, path, &b, NULL) < 0)
		return str_dup("none");
	return buf_take(&b);
}

static void
expect_file(const struct world *w, const char *want)
{
	auto_free char *text = get(w->file);

	assert_string_equal(text, want);
}

/* Counts its runs, and fails while the file of its argument is there. */
static void
make_command(struct strv *command, const char *path, const char *fail, const char *count)
{
	auto_free char *text = str_printf(
	    "#!/bin/sh\necho \"$0\" >>%s\n[ ! -e %s ] || { printf 'no: \\033[2J' >&2; exit 3; }\n", count, fail);

	put(path, text);
	assert_int_equal(chmod(path, 0755), 0);
	strv_add(command, path);
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	auto_free char *test = NULL, *reload = NULL;

	assert_non_null(w);
	snprintf(w->dir, sizeof(w->dir), "/tmp/pgot-proxy-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->file = str_printf("%s/pgo.conf", w->dir);
	w->state = str_printf("%s/state", w->dir);
	w->fail_test = str_printf("%s/fail-test", w->dir);
	w->fail_reload = str_printf("%s/fail-reload", w->dir);
	w->count = str_printf("%s/count", w->dir);
	test = str_printf("%s/test", w->dir);
	reload = str_printf("%s/reload", w->dir);
	assert_int_equal(mkdir(w->state, 0700), 0);
	w->proxy.file = w->file;
	make_command(&w->proxy.test, test, w->fail_test, w->count);
	make_command(&w->proxy.reload, reload, w->fail_reload, w->count);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	auto_free char *command = str_printf("rm -rf %s", w->dir);

	assert_int_equal(system(command), 0);
	free(w->file);
	free(w->state);
	free(w->fail_test);
	free(w->fail_reload);
	free(w->count);
	strv_done(&w->proxy.test);
	strv_done(&w->proxy.reload);
	free(w);
	return 0;
}

static int
apply(struct world *w, const char *text, struct err *err)
{
	auto_buf struct buf b = BUF_INIT(PROXY_TEXT_MAX);
	struct proxy_old old = {.n = 0};
	long long ms = 0;
	int rc;

	*err = (struct err)ERR_INIT;
	buf_str_add(&b, text);
	rc = proxy_file_apply(&w->proxy, w->state, &b, &ms, &old, err);
	assert_true(rc < 0 || ms > 0);
	return rc;
}

/* How often commands were run, and nothing undecided is left. */
static void
expect_runs(const struct world *w, size_t want, bool undecided)
{
	auto_free char *text = get(w->count);
	auto_free char *before = str_printf("%s/before", w->state);
	size_t n = 0;

	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	assert_int_equal(n, want);
	assert_int_equal(access(before, F_OK) == 0, undecided);
}

static void
a_text_is_tested_and_read_once(void **state)
{
	struct world *w = *state;
	struct err err;

	assert_int_equal(apply(w, GOOD, &err), 0);
	expect_file(w, GOOD);
	expect_runs(w, 2, false);
	assert_int_equal(apply(w, GOOD, &err), 0);
	expect_runs(w, 2, false);
	assert_int_equal(apply(w, BETTER, &err), 0);
	expect_file(w, BETTER);
	expect_runs(w, 4, false);
}

static void
what_the_test_refuses_does_not_stay(void **state)
{
	struct world *w = *state;
	struct err err;

	put(w->fail_test, "");
	assert_true(apply(w, GOOD, &err) < 0);
	assert_non_null(strstr(err.msg, "ended with 3: no: \\x1b[2J"));
	assert_non_null(strstr(err.msg, "is as it was before"));
	expect_file(w, "none");
	expect_runs(w, 1, false);
	unlink(w->fail_test);
	assert_int_equal(apply(w, GOOD, &err), 0);
	put(w->fail_test, "");
	assert_true(apply(w, BETTER, &err) < 0);
	expect_file(w, GOOD);
	expect_runs(w, 4, false);
}

/* Has the proxy read it? Nobody knows: until it reads something again that it takes, that is not settled. */
static void
what_the_reload_refuses_does_not_stay(void **state)
{
	struct world *w = *state;
	struct err err;

	assert_int_equal(apply(w, GOOD, &err), 0);
	put(w->fail_reload, "");
	assert_true(apply(w, BETTER, &err) < 0);
	assert_non_null(strstr(err.msg, "the reload ("));
	expect_file(w, GOOD);
	expect_runs(w, 5, true);
	unlink(w->fail_reload);
	assert_int_equal(apply(w, GOOD, &err), 0);
	expect_file(w, GOOD);
	expect_runs(w, 7, false);
}

/* kill -9 with an untested text in its place. */
static void
what_was_left_untested_is_taken_back(void **state)
{
	struct world *w = *state;
	auto_free char *before = str_printf("%s/before", w->state);
	struct err err = ERR_INIT;

	put(w->file, BETTER);
	put(before, "present\n" GOOD);
	assert_int_equal(proxy_file_recover(&w->proxy, w->state, &err), 0);
	expect_file(w, GOOD);
	expect_runs(w, 0, true);
	/* The proxy may have read it: an equal text is read again as well. */
	assert_int_equal(apply(w, GOOD, &err), 0);
	expect_runs(w, 2, false);
	put(before, "absent\n");
	assert_int_equal(proxy_file_recover(&w->proxy, w->state, &err), 0);
	expect_file(w, "none");
	put(w->fail_test, "");
	assert_true(apply(w, GOOD, &err) < 0);
	expect_file(w, "none");
	expect_runs(w, 4, false);
}

static void
files_of_others_are_left_alone(void **state)
{
	struct world *w = *state;
	auto_free char *other = str_printf("%s/other", w->dir);
	struct err err;

	put(w->file, "worker_processes 4;\n");
	assert_true(apply(w, GOOD, &err) < 0);
	assert_non_null(strstr(err.msg, "was not written by pgod"));
	expect_file(w, "worker_processes 4;\n");
	unlink(w->file);
	put(other, GOOD);
	assert_int_equal(symlink(other, w->file), 0);
	assert_true(apply(w, BETTER, &err) < 0);
	unlink(w->file);
	assert_int_equal(mkdir(w->file, 0755), 0);
	assert_true(apply(w, BETTER, &err) < 0);
	assert_int_equal(rmdir(w->file), 0);
	expect_runs(w, 0, false);
}

static void
directories_that_others_can_write_are_refused(void **state)
{
	struct world *w = *state;
	struct err err;

	assert_int_equal(chmod(w->dir, 0777), 0);
	assert_true(apply(w, GOOD, &err) < 0);
	assert_non_null(strstr(err.msg, "others than root can write to"));
	assert_int_equal(chmod(w->dir, 0700), 0);
	assert_int_equal(chown(w->dir, 65534, 65534), 0);
	assert_true(apply(w, GOOD, &err) < 0);
	assert_non_null(strstr(err.msg, "does not belong to root"));
	assert_int_equal(chown(w->dir, 0, 0), 0);
	expect_file(w, "none");
}

static void
a_program_that_is_not_there_is_told(void **state)
{
	struct world *w = *state;
	struct err err;

	free(w->proxy.test.v[0]);
	w->proxy.test.v[0] = str_dup("no-such-proxy");
	assert_true(apply(w, GOOD, &err) < 0);
	assert_non_null(strstr(err.msg, "no-such-proxy is in none of /usr/sbin"));
	expect_file(w, "none");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_text_is_tested_and_read_once),
	    TEST(what_the_test_refuses_does_not_stay),
	    TEST(what_the_reload_refuses_does_not_stay),
	    TEST(what_was_left_untested_is_taken_back),
	    TEST(files_of_others_are_left_alone),
	    TEST(directories_that_others_can_write_are_refused),
	    TEST(a_program_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
