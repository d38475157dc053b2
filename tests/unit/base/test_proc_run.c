#include "fixture.h"

#include <poll.h>
#include <signal.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/proc.h"

static char *const env[] = {(char[]){"PATH=/usr/bin:/bin"}, NULL};

static struct proc_spec
shell(const char *script)
{
	static char sh[] = "sh", c[] = "-c", text[1024];
	static char *const argv[] = {sh, c, text, NULL};

	assert_true(strlen(script) < sizeof(text));
	strcpy(text, script);
	return (struct proc_spec){
	    .path = "/bin/sh", .argv = argv, .envp = env, .stdio = {-1, -1, -1}, .new_session = true};
}

static void
output_errors_and_status_come_back(void **state)
{
	struct proc_spec spec = shell("cat; echo oops >&2; exit 3");
	auto_buf struct buf out = BUF_INIT(100);
	auto_buf struct buf tail = BUF_INIT(100);

	(void)state;
	assert_int_equal(proc_run(&spec, "in\n", 3, &out, &tail, 10000, NULL), 3);
	assert_string_equal(buf_str(&out), "in\n");
	assert_string_equal(buf_str(&tail), "oops\n");
}

static void
more_than_a_pipe_goes_through_both_ways(void **state)
{
	struct proc_spec spec = shell("cat");
	auto_buf struct buf out = BUF_INIT(1000000);
	auto_free char *in = malloc(1000000);

	(void)state;
	for (size_t i = 0; i < 1000000; i++)
		in[i] = (char)('a' + i % 23);
	assert_int_equal(proc_run(&spec, in, 1000000, &out, NULL, 10000, NULL), 0);
	assert_int_equal(out.len, 1000000);
	assert_memory_equal(out.data, in, 1000000);
}

static void
too_much_output_is_an_error_not_a_truncation(void **state)
{
	struct proc_spec spec = shell("yes");
	auto_buf struct buf out = BUF_INIT(1000);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(proc_run(&spec, NULL, 0, &out, NULL, 10000, &err), -EFBIG);
	assert_string_equal(err.msg, "/bin/sh wrote more than 1000 bytes");
	spec = shell("printf 12345");
	out.limit = 4;
	buf_reset(&out);
	assert_int_equal(proc_run(&spec, NULL, 0, &out, NULL, 10000, &err), -EFBIG);
	out.limit = 5;
	buf_reset(&out);
	assert_int_equal(proc_run(&spec, NULL, 0, &out, NULL, 10000, &err), 0);
}

static void
the_last_of_the_errors_is_kept(void **state)
{
	struct proc_spec spec =
	    shell("i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done >&2; printf end >&2");
	auto_buf struct buf tail = BUF_INIT(13);

	(void)state;
	assert_int_equal(proc_run(&spec, NULL, 0, NULL, &tail, 10000, NULL), 0);
	assert_string_equal(buf_str(&tail), "line 4999\nend");
	assert_false(tail.full);
}

static void
a_child_that_overruns_is_terminated(void **state)
{
	struct proc_spec spec = shell("trap 'echo got it; exit 0' TERM; sleep 30 & wait");
	auto_buf struct buf out = BUF_INIT(100);
	struct err err = ERR_INIT;
	long long start_ms = io_now_ms();

	(void)state;
	assert_int_equal(proc_run(&spec, NULL, 0, &out, NULL, 1500, &err), -ETIMEDOUT);
	assert_string_equal(err.msg, "/bin/sh did not end within 1500 ms");
	assert_string_equal(buf_str(&out), "got it\n");
	assert_true(io_now_ms() - start_ms >= 1500);
}

/* Each process of the session holds the write end of a pipe: its end of file says that all are gone. */
static void
a_child_that_ignores_termination_is_killed_with_its_session(void **state)
{
	struct proc_spec spec = shell("trap '' TERM; sleep 30 & echo ready; while :; do sleep 30; done");
	auto_buf struct buf out = BUF_INIT(100);
	struct pollfd pfd = {.events = POLLIN};
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	spec.keep = &fds[1];
	spec.nkeep = 1;
	assert_int_equal(proc_run(&spec, NULL, 0, &out, NULL, 1500, NULL), -ETIMEDOUT);
	assert_string_equal(buf_str(&out), "ready\n");
	close(fds[1]);
	pfd.fd = fds[0];
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	close(fds[0]);
}

static void
a_grandchild_that_keeps_the_pipe_does_not_hold_us_up(void **state)
{
	struct proc_spec spec = shell("sleep 20 & echo $!");
	auto_buf struct buf out = BUF_INIT(100);
	long long start_ms = io_now_ms();

	(void)state;
	assert_int_equal(proc_run(&spec, NULL, 0, &out, NULL, 15000, NULL), 0);
	assert_true(io_now_ms() - start_ms < 10000);
	kill((pid_t)strtol(buf_str(&out), NULL, 10), SIGKILL);
}

static void
death_by_signal_is_128_and_its_number(void **state)
{
	struct proc_spec spec = shell("kill -KILL $$");

	(void)state;
	assert_int_equal(proc_run(&spec, NULL, 0, NULL, NULL, 10000, NULL), 128 + SIGKILL);
}

static void
without_buffers_the_given_descriptors_are_used(void **state)
{
	struct proc_spec spec = shell("cat; echo e >&2");
	char text[16] = "";
	int in[2], out[2];

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(write(in[1], "x\n", 2), 2);
	close(in[1]);
	spec.stdio[0] = in[0];
	spec.stdio[1] = out[1];
	spec.stdio[2] = out[1];
	assert_int_equal(proc_run(&spec, NULL, 0, NULL, NULL, 10000, NULL), 0);
	assert_int_equal(read(out[0], text, sizeof(text) - 1), 4);
	assert_string_equal(text, "x\ne\n");
	close(in[0]);
	close(out[0]);
	close(out[1]);
}

static void
a_program_that_is_not_there_is_an_error_and_nothing_leaks(void **state)
{
	struct proc_spec spec = shell("exit 0");
	auto_buf struct buf out = BUF_INIT(100);
	auto_buf struct buf tail = BUF_INIT(100);
	struct err err = ERR_INIT;
	int before = count_fds();

	(void)state;
	assert_int_equal(proc_run(&spec, "x", 1, &out, &tail, 10000, NULL), 0);
	spec.path = "/nonexistent";
	assert_int_equal(proc_run(&spec, "x", 1, &out, &tail, 10000, &err), -ENOENT);
	assert_string_equal(err.msg, "cannot execute /nonexistent: No such file or directory");
	assert_int_equal(count_fds(), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(output_errors_and_status_come_back),
	    cmocka_unit_test(more_than_a_pipe_goes_through_both_ways),
	    cmocka_unit_test(too_much_output_is_an_error_not_a_truncation),
	    cmocka_unit_test(the_last_of_the_errors_is_kept),
	    cmocka_unit_test(a_child_that_overruns_is_terminated),
	    cmocka_unit_test(a_child_that_ignores_termination_is_killed_with_its_session),
	    cmocka_unit_test(a_grandchild_that_keeps_the_pipe_does_not_hold_us_up),
	    cmocka_unit_test(death_by_signal_is_128_and_its_number),
	    cmocka_unit_test(without_buffers_the_given_descriptors_are_used),
	    cmocka_unit_test(a_program_that_is_not_there_is_an_error_and_nothing_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
