#include "fixture.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/str.h"

static struct {
	char path[40];
	int fd;
} tree;

/* sub/file, up → .., link → sub/file, dirlink → sub, abs → /etc, magic → /proc/self/root */
static int
setup(void **state)
{
	int fd;

	(void)state;
	snprintf(tree.path, sizeof(tree.path), "/tmp/pgo-test-path-XXXXXX");
	if (mkdtemp(tree.path) == NULL)
		return -1;
	tree.fd = open(tree.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(tree.fd, "sub", 0700) < 0 || symlinkat("..", tree.fd, "up") < 0 ||
	    symlinkat("sub/file", tree.fd, "link") < 0 || symlinkat("sub", tree.fd, "dirlink") < 0 ||
	    symlinkat("/etc", tree.fd, "abs") < 0 || symlinkat("/proc/self/root", tree.fd, "magic") < 0)
		return -1;
	fd = openat(tree.fd, "sub/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? -1 : close(fd);
}

static int
teardown(void **state)
{
	static const char *const names[] = {"up", "link", "dirlink", "abs", "magic", "sub/file", "sub/new"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(tree.fd, names[i], 0);
	unlinkat(tree.fd, "sub", AT_REMOVEDIR);
	close(tree.fd);
	return rmdir(tree.path);
}

static int
attempt(const char *rel, int flags)
{
	int fd = path_open_beneath(tree.fd, rel, flags, 0640, NULL);

	if (fd >= 0)
		close(fd);
	return fd;
}

static void
what_lies_beneath_opens(void **state)
{
	(void)state;
	assert_true(attempt("sub/file", O_RDONLY) >= 0);
	assert_true(attempt("sub/../sub/file", O_RDONLY) >= 0);
	assert_true(attempt("sub", O_PATH | O_DIRECTORY) >= 0);
	assert_true(attempt("", O_PATH) >= 0);
	assert_true(attempt(".", O_PATH) >= 0);
	assert_int_equal(attempt("none", O_RDONLY), -ENOENT);
}

static void
nothing_leads_out(void **state)
{
	static const char *const out[] = {"..", "../x", "sub/../..", "/", "/etc/passwd", "sub/../../etc"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(out); i++)
		assert_int_equal(attempt(out[i], O_PATH), -EXDEV);
}

static void
no_symbolic_link_is_followed_or_returned(void **state)
{
	static const char *const links[] = {
	    "up", "link", "dirlink", "dirlink/file", "abs/passwd", "magic", "magic/etc"};
	static const int flags[] = {O_RDONLY, O_PATH, O_PATH | O_NOFOLLOW, O_RDONLY | O_NOFOLLOW};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		for (size_t j = 0; j < ARRAY_LEN(flags); j++)
			assert_int_equal(attempt(links[i], flags[j]), -ELOOP);
	}
}

static void
a_new_file_has_its_mode_and_closes_on_exec(void **state)
{
	mode_t old = umask(0);
	auto_close int fd = path_open_beneath(tree.fd, "sub/new", O_WRONLY | O_CREAT | O_EXCL, 0640, NULL);
	struct stat st;

	(void)state;
	umask(old);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static void
the_error_names_the_path(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(path_open_beneath(tree.fd, "sub/none", O_RDONLY, 0, &err), -ENOENT);
	assert_string_equal(err.msg, "cannot open sub/none: No such file or directory");
	assert_int_equal(path_open_beneath(-1, "x", O_RDONLY, 0, &err), -EBADF);
}

static void
only_plain_absolute_paths_are_clean(void **state)
{
	static const char *const good[] = {"/", "/a", "/a/b", "/.a", "/..a", "/a..", "/a/...", "/ "};
	static const char *const bad[] = {
	    "", "a", "./a", "//", "//a", "/a/", "/a//b", "/.", "/..", "/a/.", "/a/..", "/a/./b", "/a/../b"};
	char longest[4098];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(path_is_clean(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(path_is_clean(bad[i]));
	assert_false(path_is_clean(NULL));
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[4095] = '\0';
	assert_true(path_is_clean(longest));
	longest[4095] = 'x';
	longest[4096] = '\0';
	assert_false(path_is_clean(longest));
}

static void
beneath_is_by_component_not_by_letter(void **state)
{
	const char *rel = "untouched";

	(void)state;
	assert_true(path_is_beneath("/a", "/a/b/c", &rel));
	assert_string_equal(rel, "b/c");
	assert_true(path_is_beneath("/a", "/a", &rel));
	assert_string_equal(rel, "");
	assert_true(path_is_beneath("/", "/a", &rel));
	assert_string_equal(rel, "a");
	assert_true(path_is_beneath("/", "/", &rel));
	assert_string_equal(rel, "");
	assert_true(path_is_beneath("/a", "/a/b", NULL));
	rel = "untouched";
	assert_false(path_is_beneath("/a", "/ab", &rel));
	assert_false(path_is_beneath("/a/b", "/a", &rel));
	assert_false(path_is_beneath("/a", "/a/../b", &rel));
	assert_false(path_is_beneath("/a/", "/a/b", &rel));
	assert_false(path_is_beneath("", "/a", &rel));
	assert_string_equal(rel, "untouched");
}

static void
cleaning_is_that_of_go(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"/", "/"},
	    {"//", "/"},
	    {"/a", "/a"},
	    {"/a/", "/a"},
	    {"/a//b/../c", "/a/c"},
	    {"/..", "/"},
	    {"/../..//a", "/a"},
	    {"/a/..", "/"},
	    {"/a/../..", "/"},
	    {"/.", "/"},
	    {"/./a/.", "/a"},
	    {"/a/b/../../c/d", "/c/d"},
	    {"/...", "/..."},
	    {"/a/..b/.c", "/a/..b/.c"},
	    {"///a///", "/a"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *out = path_clean(cases[i].in);

		assert_string_equal(out, cases[i].out);
		assert_true(path_is_clean(out));
	}
	assert_null(path_clean("a"));
	assert_null(path_clean(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_lies_beneath_opens),
	    cmocka_unit_test(nothing_leads_out),
	    cmocka_unit_test(no_symbolic_link_is_followed_or_returned),
	    cmocka_unit_test(a_new_file_has_its_mode_and_closes_on_exec),
	    cmocka_unit_test(the_error_names_the_path),
	    cmocka_unit_test(only_plain_absolute_paths_are_clean),
	    cmocka_unit_test(beneath_is_by_component_not_by_letter),
	    cmocka_unit_test(cleaning_is_that_of_go),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
