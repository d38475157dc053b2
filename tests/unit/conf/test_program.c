/* The real pgod-conf, confined: what it says and how it exits. Argument: the program. */
#include "cmocka_all.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/str.h"
#include "conf/toml.h"

enum { DEADLINE_MS = 60 * 1000 };

static char *program;
static char dir[] = "/tmp/pgo-conf-XXXXXX";

/* To where nobody may execute it: the tree may lie in /root. */
static int
copy_program(const char *from)
{
	auto_buf struct buf text = BUF_INIT(64 << 20);
	auto_close int in = open(from, O_RDONLY | O_CLOEXEC);
	auto_close int out = -1;

	if (in < 0 || io_read_all(in, &text, NULL) < 0 || mkdtemp(dir) == NULL || chmod(dir, 0755) < 0)
		return -1;
	program = str_printf("%s/pgod-conf", dir);
	out = open(program, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	return out < 0 || fchmod(out, 0755) < 0 ? -1 : io_write_all(out, text.data, text.len, NULL);
}

struct run {
	const char *option; /* NULL: none */
	const char *in;
	size_t in_len;
	bool as_nobody; /* else as whoever runs the tests */
	int out_fd;	/* 0: collect */
};

static int
run(const struct run *r, struct buf *out, struct buf *errtail)
{
	struct err err = ERR_INIT;
	/* A locale that is not C, and one that does not exist: the C++ runtime must not care. */
	static char lc_all[] = "LC_ALL=xx_YY.UTF-8";
	static char lang[] = "LANG=de_DE.UTF-8";
	char *argv[] = {program, (char *)(uintptr_t)r->option, NULL};
	char *envp[] = {lc_all, lang, NULL};
	struct proc_spec spec = {.path = program,
	    .argv = argv,
	    .envp = envp,
	    .stdio = {-1, r->out_fd > 0 ? r->out_fd : -1, -1},
	    .set_creds = r->as_nobody,
	    .uid = 65534,
	    .gid = 65534};
	int status = proc_run(&spec, r->in, r->in_len, r->out_fd > 0 ? NULL : out, errtail, DEADLINE_MS, &err);

	if (status < 0)
		fail_msg("%s", err.msg);
	return status;
}

static void
expect(const char *in, int want_status, const char *part)
{
	for (int nobody = 0; nobody <= (geteuid() == 0 ? 1 : 0); nobody++) {
		auto_buf struct buf out = BUF_INIT(1 << 20);
		auto_buf struct buf errtail = BUF_INIT(4096);
		struct run r = {.in = in, .in_len = strlen(in), .as_nobody = nobody != 0};
		int status = run(&r, &out, &errtail);

		assert_string_equal(buf_str(&errtail), "");
		assert_int_equal(status, want_status);
		if (strstr(buf_str(&out), part) == NULL)
			fail_msg("%s is not in %s", part, buf_str(&out));
	}
}

static void
a_good_file_exits_with_0(void **state)
{
	(void)state;
	expect("", 0, "{\"version\":1,\"errors\":[],\"services\":[],\"operators\":[],\"shown\":{}}\n");
	expect(
	    "[[services]]\nname = \"web\"\nuser = \"web\"\nrepository = \"https://u:p@h/a\"\n", 0, "\"auth\":\"u:p\"");
}

static void
a_bad_file_exits_with_1_whatever_the_parser_had_to_do(void **state)
{
	(void)state;
	expect("a = [ 1.5, 1e300, nan, 2020-01-01T00:00:00.5+02:00, 0x7f ]", 1, "\\\"a\\\" is not known");
	expect(
	    "a = \"x", 1, "{\"line\":1,\"column\":7,\"message\":\"syntax error in string: encountered end-of-file\"}");
	expect("a = 1e99999", 1, "too large or malformed");
	expect("a = \"\xff\"", 1, "not UTF-8");
	expect("\"\xC3\xA4\" = 1", 1, "\xC3\xA4");
}

static void
a_file_over_the_limit_is_told_not_read(void **state)
{
	static char text[4 * TOML_BYTES_MAX];

	(void)state;
	memset(text, '#', sizeof(text) - 1);
	expect(text, 1, "more than 1 MiB");
	text[TOML_BYTES_MAX + 1] = '\0';
	expect(text, 1, "more than 1 MiB");
	text[TOML_BYTES_MAX] = '\0';
	expect(text, 0, "\"errors\":[]");
}

/* The most memory that a file can ask for. */
static void
the_limits_fit_the_sandbox(void **state)
{
	static char text[TOML_BYTES_MAX + 1];

	(void)state;
	memcpy(text, "a=[", 3);
	for (size_t i = 3; i + 2 < TOML_BYTES_MAX; i += 2)
		memcpy(text + i, "1,", 2);
	text[TOML_BYTES_MAX - 1] = ']';
	expect(text, 1, "more than 100000 values");
	text[3 + 2 * (TOML_VALUES_MAX - 2)] = ']';
	text[3 + 2 * (TOML_VALUES_MAX - 2) + 1] = '\0';
	expect(text, 1, "\\\"a\\\" is not known");
}

static void
an_answer_that_cannot_be_written_exits_with_2(void **state)
{
	auto_close int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	auto_buf struct buf errtail = BUF_INIT(4096);
	struct run r = {.in = "", .out_fd = full};

	(void)state;
	assert_true(full > 0);
	assert_int_equal(run(&r, NULL, &errtail), 2);
	assert_non_null(strstr(buf_str(&errtail), "No space left"));
}

static void
a_wrong_option_exits_with_2(void **state)
{
	auto_buf struct buf out = BUF_INIT(4096);
	auto_buf struct buf errtail = BUF_INIT(4096);
	struct run r = {.option = "--help", .in = ""};

	(void)state;
	assert_int_equal(run(&r, &out, &errtail), 2);
	assert_string_equal(buf_str(&out), "");
	assert_non_null(strstr(buf_str(&errtail), "usage"));
}

static void
the_sandbox_holds_from_inside(void **state)
{
	(void)state;
	for (int nobody = 0; nobody <= (geteuid() == 0 ? 1 : 0); nobody++) {
		auto_buf struct buf out = BUF_INIT(4096);
		auto_buf struct buf errtail = BUF_INIT(4096);
		struct run r = {.option = "--sandbox-test", .in = "", .as_nobody = nobody != 0};
		int status = run(&r, &out, &errtail);

		assert_string_equal(buf_str(&errtail), "");
		assert_int_equal(status, 0);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_file_exits_with_0),
	    cmocka_unit_test(a_bad_file_exits_with_1_whatever_the_parser_had_to_do),
	    cmocka_unit_test(a_file_over_the_limit_is_told_not_read),
	    cmocka_unit_test(the_limits_fit_the_sandbox),
	    cmocka_unit_test(an_answer_that_cannot_be_written_exits_with_2),
	    cmocka_unit_test(a_wrong_option_exits_with_2),
	    cmocka_unit_test(the_sandbox_holds_from_inside),
	};

	int failed;

	if (argc != 2)
		return 2;
	if (copy_program(argv[1]) < 0)
		return 2;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(program);
	rmdir(dir);
	free(program);
	return failed;
}
