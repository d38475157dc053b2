/* pgod-ssh as users meet it: the real program, OpenSSH's client, a stand-in for pgod and core. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"
#include "harness.h"

static struct front f;

static int
setup(void **state)
{
	(void)state;
	front_start(&f, PGOD_SSH);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	front_stop(&f);
	return 0;
}

/* The exec string that core was given. */
static char *
line_of_op(void)
{
	const char *b64 = strrchr(front_wait(&f, "op"), ' ') + 1;
	size_t len;
	char *line = str_unbase64(b64, &len);

	assert_non_null(line);
	assert_int_equal(strlen(line), len);
	return line;
}

static void
check_line(const char *line)
{
	auto_free char *got = NULL;

	ssh_run(&f, line, NULL, NULL, NULL);
	got = line_of_op();
	assert_string_equal(got, line);
	assert_int_equal(front_end(&f, NULL), 0);
}

static void
exec_string_reaches_core_changed(void **state)
{
	auto_free char *large = malloc(32 * 1024 + 1);

	(void)state;
	check_line("t//status 0 ");
	check_line("t//status 0 'a  b' \"c\\\"d\" \\e \t ;&|$(x)`y` \xc3\xa4 \x01\xff");
	memset(large, 'x', 32 * 1024);
	memcpy(large, "t//status 0 ", 12);
	large[32 * 1024] = '\0';
	check_line(large);
}

static void
too_long_exec_string_is_not_a_bad_request(void **state)
{
	auto_free char *large = malloc(100001);
	auto_buf struct buf out = BUF_INIT(4096);

	(void)state;
	memset(large, 'x', 100000);
	memcpy(large, "t//status 0 ", 12);
	large[100000] = '\0';
	assert_int_equal(ssh_run(&f, large, NULL, &out, NULL), 400 & 255);
	assert_string_equal(buf_str(&out),
	    "Bad Request: Command is longer than 32768 bytes or 256 words in connection for user \"somebody\"\n");
}

static void
bad_requests_have_other_words_than_the_reference(void **state)
{
	static const struct {
		const char *line, *text, *more;
	} cases[] = {
	    {NULL, "Bad Request: No commands in connection for user \"somebody\"\n", "Your key is SHA256:"},
	    {"   ", "Bad Request: No commands in connection for user \"somebody\"\n", "There is no shell here"},
	    {"uptime", "Bad Request: No correct commands in connection for user \"somebody\"\n", "SERVICE//help"},
	    {"a//b//c", "Bad Request: No correct commands in connection for user \"somebody\"\n", "git push ssh://"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_buf struct buf out = BUF_INIT(4096), err = BUF_INIT(4096);

		assert_int_equal(ssh_run(&f, cases[i].line, NULL, &out, &err), 400 & 255);
		assert_memory_equal(buf_str(&out), cases[i].text, strlen(cases[i].text));
		assert_non_null(strstr(buf_str(&out) + strlen(cases[i].text), cases[i].more));
		assert_string_equal(buf_str(&err), "");
	}
}

static void
statuses_and_streams_get_mixed_up(void **state)
{
	auto_buf struct buf out = BUF_INIT(4096), err = BUF_INIT(4096);

	(void)state;
	assert_int_equal(ssh_run(&f, "t//status 0", NULL, NULL, NULL), 0);
	assert_int_equal(ssh_run(&f, "t//status 1", NULL, NULL, NULL), 1);
	assert_int_equal(ssh_run(&f, "t//status 254", NULL, NULL, NULL), 254);
	assert_int_equal(ssh_run(&f, "t//status 401", NULL, NULL, NULL), 401 & 255);
	assert_int_equal(ssh_run(&f, "t//both", NULL, &out, &err), 7);
	assert_string_equal(buf_str(&out), "to stdout\n");
	assert_string_equal(buf_str(&err), "to stderr\n");
	buf_reset(&out), buf_reset(&err);
	assert_int_equal(ssh_run(&f, "t//exec sh -c 'echo a; echo b >&2; exit 9'", NULL, &out, &err), 9);
	assert_string_equal(buf_str(&out), "a\n");
	assert_string_equal(buf_str(&err), "b\n");
}

static void
a_terminal_gets_bare_newlines(void **state)
{
	auto_buf struct buf out = BUF_INIT(4096);
	const char *argv[32];

	(void)state;
	ssh_argv(&f, (const char *const[]){"-tt", NULL}, "t//exec printf 'a\\nb\\n'", argv);
	assert_int_equal(child_run(&f, argv, NULL, NULL, &out, NULL), 0);
	assert_string_equal(buf_str(&out), "a\r\nb\r\n");
}

static void
many_texts_arrive_in_disorder(void **state)
{
	auto_buf struct buf out = BUF_INIT(8 * 1024 * 1024);
	char *p;

	(void)state;
	assert_int_equal(ssh_run(&f, "t//texts", NULL, &out, NULL), 0);
	p = out.data;
	for (int i = 0; i < 3000; i++) {
		assert_int_equal(strtol(p, NULL, 10), i);
		p = strchr(p, '\n') + 1;
	}
	assert_string_equal(p, "");
}

static uint64_t
hash_of(const char *const *argv, uint64_t *ret_len)
{
	struct child c;
	uint64_t hash;

	child_start(&c, &f, argv, NULL);
	close(c.in);
	c.in = -1;
	hash = stream_hash(c.out, ret_len);
	close(c.out);
	c.out = -1;
	assert_int_equal(child_finish(&c, NULL, 0, NULL, NULL), 0);
	return hash;
}

static void
check_large_output(const char *const *options)
{
	const char *argv[32];
	uint64_t want_len, got_len;
	uint64_t want = hash_of((const char *const[]){"seq", "1", "6700000", NULL}, &want_len);
	long kb;

	assert_true(want_len > 50 * 1000 * 1000);
	ssh_argv(&f, options, "t//exec seq 1 6700000", argv);
	assert_true(hash_of(argv, &got_len) == want);
	assert_int_equal(got_len, want_len);
	assert_int_equal(front_end(&f, &kb), 0);
	assert_in_range(kb, 1, MEMORY_FLAT_KB);
}

static void
fifty_megabytes_get_damaged_or_pile_up(void **state)
{
	(void)state;
	check_large_output(NULL);
}

static void
rekeying_in_the_middle_breaks_the_stream(void **state)
{
	(void)state;
	check_large_output((const char *const[]){"-o", "RekeyLimit=4M", NULL});
	check_large_output((const char *const[]){"-c", "aes128-ctr", "-m", "hmac-sha2-256-etm@openssh.com", NULL});
}

static void
stdin_is_lost_on_its_way_to_the_job(void **state)
{
	auto_buf struct buf in = BUF_INIT(16 * 1024 * 1024), out = BUF_INIT(16 * 1024 * 1024);
	struct child c;
	const char *argv[32];

	(void)state;
	while (in.len < 8 * 1024 * 1024)
		buf_printf(&in, "%zu\n", in.len);
	ssh_argv(&f, NULL, "t//exec cat", argv);
	child_start(&c, &f, argv, NULL);
	assert_int_equal(child_finish(&c, in.data, in.len, &out, NULL), 0);
	assert_int_equal(out.len, in.len);
	assert_memory_equal(out.data, in.data, in.len);
}

static void
half_of_a_secret_passes_for_all_of_it(void **state)
{
	struct child c;
	const char *argv[32];
	char line[16];

	(void)state;
	ssh_argv(&f, NULL, "t//stdin", argv);
	child_start(&c, &f, argv, NULL);
	assert_int_equal(child_finish(&c, "s3cret", 6, NULL, NULL), 0);
	assert_string_equal(front_wait(&f, "eof"), "eof s3cret");
	child_start(&c, &f, argv, NULL);
	assert_int_equal(read(c.out, line, sizeof(line)), 8);
	kill(c.pid, SIGKILL);
	child_finish(&c, NULL, 0, NULL, NULL);
	front_wait(&f, "part");
}

static void
slow_job_lets_its_stdin_pile_up(void **state)
{
	auto_buf struct buf in = BUF_INIT(64 * 1024 * 1024), out = BUF_INIT(4096);
	auto_free char *want = NULL;
	struct child c;
	const char *argv[32];
	long kb;

	(void)state;
	while (in.len < 48 * 1024 * 1024)
		buf_str_add(&in, "read slowly, in small pieces, by a job that starts with a rest\n");
	want = str_printf("%zu\n", in.len);
	ssh_argv(&f, NULL, "t//exec sh -c 'sleep 1; dd bs=4096 status=none | wc -c'", argv);
	child_start(&c, &f, argv, NULL);
	assert_int_equal(child_finish(&c, in.data, in.len, &out, NULL), 0);
	assert_string_equal(buf_str(&out), want);
	assert_int_equal(front_end(&f, &kb), 0);
	assert_in_range(kb, 1, MEMORY_FLAT_KB);
}

static void
job_that_reads_no_stdin_hangs(void **state)
{
	auto_buf struct buf in = BUF_INIT(16 * 1024 * 1024), out = BUF_INIT(4096);
	struct child c;
	const char *argv[32];
	long kb;

	(void)state;
	while (in.len < 8 * 1024 * 1024)
		buf_str_add(&in, "never read by anybody, but sent all the same\n");
	ssh_argv(&f, NULL, "t//exec sh -c 'exec <&-; echo done'", argv);
	child_start(&c, &f, argv, NULL);
	assert_int_equal(child_finish(&c, in.data, in.len, &out, NULL), 0);
	assert_string_equal(buf_str(&out), "done\n");
	assert_int_equal(front_end(&f, &kb), 0);
	assert_in_range(kb, 1, MEMORY_FLAT_KB);
}

static void
killed_client_leaves_its_job_behind(void **state)
{
	struct child c;
	const char *argv[32];
	long long killed;

	(void)state;
	ssh_argv(&f, NULL, "t//exec sleep 1000", argv);
	child_start(&c, &f, argv, NULL);
	front_wait(&f, "op");
	kill(c.pid, SIGKILL);
	killed = io_now_ms();
	front_wait(&f, "left");
	assert_int_equal(front_end(&f, NULL), 0);
	assert_in_range(elapsed_ms(killed), 0, 1000);
	child_finish(&c, NULL, 0, NULL, NULL);
}

static void
grandchild_with_the_pipe_open_holds_the_client(void **state)
{
	auto_buf struct buf out = BUF_INIT(4096);
	long long start = io_now_ms();

	(void)state;
	assert_int_equal(ssh_run(&f, "t//exec sh -c 'sleep 20 & echo done'", NULL, &out, NULL), 0);
	assert_string_equal(buf_str(&out), "done\n");
	assert_in_range(elapsed_ms(start), 1500, 10000);
}

static void
core_that_dies_or_talks_nonsense_leaves_silence(void **state)
{
	static const char *const lines[] = {"t//die", "t//nonsense"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		auto_buf struct buf out = BUF_INIT(4096), err = BUF_INIT(4096);

		assert_int_equal(ssh_run(&f, lines[i], NULL, &out, &err), 500 & 255);
		assert_string_equal(buf_str(&out), "");
		assert_string_equal(buf_str(&err), "pgod: internal error, try again\n");
	}
}

static void
key_of_a_common_kind_is_refused(void **state)
{
	static const char *const kinds[][2] = {{"rsa", "2048"}, {"ecdsa", "256"}, {"ecdsa", "521"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const char *argv[32];

		unlink(front_path(&f, "id_a"));
		unlink(front_path(&f, "id_a.pub"));
		assert_int_equal(child_run(&f,
				     (const char *const[]){"ssh-keygen", "-q", "-t", kinds[i][0], "-b", kinds[i][1],
					 "-N", "", "-f", front_path(&f, "id_a"), NULL},
				     NULL, NULL, NULL, NULL),
		    0);
		ssh_argv(&f, NULL, "t//status 3", argv);
		assert_int_equal(child_run(&f, argv, NULL, NULL, NULL, NULL), 3);
	}
}

static void
weak_algorithms_are_still_spoken(void **state)
{
	static const char *const weak[] = {
	    "KexAlgorithms=diffie-hellman-group14-sha1", "Ciphers=aes128-cbc", "HostKeyAlgorithms=ssh-rsa"};
	const char *argv[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(weak); i++) {
		ssh_argv(&f, (const char *const[]){"-o", weak[i], NULL}, "t//status 0", argv);
		assert_int_equal(child_run(&f, argv, NULL, NULL, NULL, NULL), 255);
	}
	ssh_argv(
	    &f, (const char *const[]){"-o", "MACs=hmac-sha1", "-o", "Ciphers=aes128-ctr", NULL}, "t//status 0", argv);
	assert_int_equal(child_run(&f, argv, NULL, NULL, NULL, NULL), 255);
}

/* compose 2.26 clears the line in front of each line of a log, also where there is no terminal. */
static void
lines_of_a_log_begin_with_an_order_to_the_terminal(void **state)
{
	auto_buf struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(ssh_run(&f, "t//logs printf '\\033[2Ka\\n\\033[2Kb \\033[2K\\n\\n\\033[31mc\\n\\033[2J\\n'",
			     NULL, &out, NULL),
	    0);
	assert_string_equal(buf_str(&out), "a\nb \x1b[2K\n\n\x1b[31mc\n\x1b[2J\n");
	buf_reset(&out);
	assert_int_equal(ssh_run(&f, "t//exec printf '\\033[2Ka\\n'", NULL, &out, NULL), 0);
	assert_string_equal(buf_str(&out), "\x1b[2Ka\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(exec_string_reaches_core_changed, setup, teardown),
	    cmocka_unit_test_setup_teardown(lines_of_a_log_begin_with_an_order_to_the_terminal, setup, teardown),
	    cmocka_unit_test_setup_teardown(too_long_exec_string_is_not_a_bad_request, setup, teardown),
	    cmocka_unit_test_setup_teardown(bad_requests_have_other_words_than_the_reference, setup, teardown),
	    cmocka_unit_test_setup_teardown(statuses_and_streams_get_mixed_up, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_terminal_gets_bare_newlines, setup, teardown),
	    cmocka_unit_test_setup_teardown(many_texts_arrive_in_disorder, setup, teardown),
	    cmocka_unit_test_setup_teardown(fifty_megabytes_get_damaged_or_pile_up, setup, teardown),
	    cmocka_unit_test_setup_teardown(rekeying_in_the_middle_breaks_the_stream, setup, teardown),
	    cmocka_unit_test_setup_teardown(stdin_is_lost_on_its_way_to_the_job, setup, teardown),
	    cmocka_unit_test_setup_teardown(half_of_a_secret_passes_for_all_of_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(slow_job_lets_its_stdin_pile_up, setup, teardown),
	    cmocka_unit_test_setup_teardown(job_that_reads_no_stdin_hangs, setup, teardown),
	    cmocka_unit_test_setup_teardown(killed_client_leaves_its_job_behind, setup, teardown),
	    cmocka_unit_test_setup_teardown(grandchild_with_the_pipe_open_holds_the_client, setup, teardown),
	    cmocka_unit_test_setup_teardown(core_that_dies_or_talks_nonsense_leaves_silence, setup, teardown),
	    cmocka_unit_test_setup_teardown(key_of_a_common_kind_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(weak_algorithms_are_still_spoken, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
