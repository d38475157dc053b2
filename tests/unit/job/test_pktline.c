/* pkt-lines on a hook's stdin and stdout: what git says comes as it was said, and nothing else is taken for a line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/str.h"
#include "job/pktline.h"

/* The next reads find these bytes on stdin, and then the end. */
static void
feed(const void *data, size_t len)
{
	struct err err = ERR_INIT;
	auto_close int fd = io_memfd("pktline", data, len, &err);

	assert_true(fd >= 0);
	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
}

static int
read_line(char ret[PKTLINE_MAX + 1])
{
	struct err err = ERR_INIT;
	int n = pktline_read(ret, &err);

	assert_true(n >= 0 || (n == -EPROTO && err.msg[0] != '\0'));
	return n;
}

static void
lines_come_one_after_the_other_until_the_end(void **state)
{
	static const char text[] = "000eversion=1\n"
				   "0008ref1"
				   "0000"
				   "0009a\nb\n\n"
				   "000Aa\0bc\0\n";
	char line[PKTLINE_MAX + 1];

	(void)state;
	feed(text, sizeof(text) - 1);
	assert_int_equal(read_line(line), strlen("version=1"));
	assert_string_equal(line, "version=1");
	assert_int_equal(read_line(line), strlen("ref1"));
	assert_string_equal(line, "ref1");
	assert_int_equal(read_line(line), 0);
	assert_string_equal(line, "");
	assert_int_equal(read_line(line), 4);
	assert_string_equal(line, "a\nb\n"); /* one newline is the line's end */
	assert_int_equal(read_line(line), 5);
	assert_memory_equal(line, "a\0bc\0", 5); /* git's capabilities stand behind a NUL */
	assert_true(read_line(line) < 0);
}

static void
what_is_no_line_is_refused(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} wrong[] = {
	    {"", 0},
	    {"0", 1},
	    {"000", 3},
	    {"0008abc", 7},
	    {"0001", 4}, /* a delimiter, which no hook is sent */
	    {"0002", 4},
	    {"0003", 4},
	    {"00g0", 4},
	    {" 008abcd", 8},
	    {"-008abcd", 8},
	    {"0x08abcd", 8},
	    {"00\0008abcd", 8},
	    {"000:abcd", 8},
	    {"000@abcd", 8},
	    {"fff1", 4},
	    {"ffff", 4},
	    {"\xff\xff\xff\xff", 4},
	    {"hello, here is no pkt-line", 26},
	};
	char line[PKTLINE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		feed(wrong[i].data, wrong[i].len);
		assert_true(read_line(line) < 0);
	}
}

/* With a canary behind it: the longest fits, with its NUL. */
static void
the_longest_line_fits_and_no_longer_one_is_taken(void **state)
{
	static char data[4 + PKTLINE_MAX + 1];
	static struct {
		char line[PKTLINE_MAX + 1];
		char canary;
	} in = {.canary = 'c'};

	(void)state;
	memset(data, 'x', sizeof(data));
	memcpy(data, "fff0", 4);
	feed(data, 4 + PKTLINE_MAX);
	assert_int_equal(read_line(in.line), PKTLINE_MAX);
	assert_int_equal(strlen(in.line), PKTLINE_MAX);
	memcpy(data, "fff1", 4);
	feed(data, sizeof(data));
	assert_true(read_line(in.line) < 0);
	assert_int_equal(in.canary, 'c');
}

static void
a_line_may_come_in_pieces(void **state)
{
	static const char text[] = "000bin bits";
	char line[PKTLINE_MAX + 1];
	int pipes[2];
	int status = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		for (size_t i = 0; i < sizeof(text) - 1; i++)
			if (write(pipes[1], text + i, 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(pipes[1]);
	assert_int_equal(dup2(pipes[0], STDIN_FILENO), STDIN_FILENO);
	close(pipes[0]);
	assert_int_equal(read_line(line), strlen("in bits"));
	assert_string_equal(line, "in bits");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* What write() has put on stdout; its result is *ret. */
static char *
written(int (*write_it)(const char *line, struct err *err), const char *line, int *ret)
{
	auto_close int ours = dup(STDOUT_FILENO);
	auto_close int fd = memfd_create("stdout", MFD_CLOEXEC);
	auto_buf struct buf out = BUF_INIT(4096);
	struct err err = ERR_INIT;

	fflush(stdout);
	assert_true(ours >= 0 && fd >= 0 && dup2(fd, STDOUT_FILENO) == STDOUT_FILENO);
	*ret = write_it(line, &err);
	assert_int_equal(dup2(ours, STDOUT_FILENO), STDOUT_FILENO);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(io_read_all(fd, &out, &err), 0);
	return buf_take(&out);
}

static int
write_flush(const char *line, struct err *err)
{
	(void)line;
	return pktline_flush(err);
}

static void
what_is_written_has_its_length_before_it(void **state)
{
	char most[1501] = "";
	char more[1502] = "";
	auto_free char *ok = NULL;
	auto_free char *flush = NULL;
	auto_free char *longest = NULL;
	auto_free char *nothing = NULL;
	char line[PKTLINE_MAX + 1];
	int r;

	(void)state;
	memset(most, 'x', sizeof(most) - 1);
	memset(more, 'x', sizeof(more) - 1);
	ok = written(pktline_write, "ok refs/heads/main", &r);
	assert_int_equal(r, 0);
	assert_string_equal(ok, "0016ok refs/heads/main");
	flush = written(write_flush, NULL, &r);
	assert_int_equal(r, 0);
	assert_string_equal(flush, "0000");
	longest = written(pktline_write, most, &r);
	assert_int_equal(r, 0);
	feed(longest, strlen(longest));
	assert_int_equal(read_line(line), strlen(most));
	assert_string_equal(line, most);
	nothing = written(pktline_write, more, &r); /* git is told all of it, or nothing */
	assert_int_equal(r, -E2BIG);
	assert_string_equal(nothing, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_come_one_after_the_other_until_the_end),
	    cmocka_unit_test(what_is_no_line_is_refused),
	    cmocka_unit_test(the_longest_line_fits_and_no_longer_one_is_taken),
	    cmocka_unit_test(a_line_may_come_in_pieces),
	    cmocka_unit_test(what_is_written_has_its_length_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
