/* pgoctl against the real pgod-ssh. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"
#include "harness.h"

static struct front f;
static char port[8];

static int
setup(void **state)
{
	(void)state;
	front_start(&f, PGOD_SSH);
	snprintf(port, sizeof(port), "%d", f.port);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	front_stop(&f);
	return 0;
}

/* pgoctl with key A, the stand-in's port, and these further words. */
static void
ctl_argv(const char *const *words, const char *argv[32])
{
	const char *const fixed[] = {PGOCTL, "-i", front_path(&f, "id_a"), "-p", port};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		argv[n++] = fixed[i];
	for (; *words != NULL; words++)
		argv[n++] = *words;
	argv[n] = NULL;
}

static int
ctl(const char *const *words, const char *in, struct buf *out, struct buf *err)
{
	const char *argv[32];

	ctl_argv(words, argv);
	return child_run(&f, argv, NULL, in, out, err);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NEW "--accept-new"

static void
write_file(const char *name, const char *text, mode_t mode)
{
	auto_close int fd = open(front_path(&f, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text, strlen(text), NULL), 0);
}

static void
read_file(const char *name, struct buf *b)
{
	auto_close int fd = open(front_path(&f, name), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	buf_reset(b);
	assert_int_equal(io_read_all(fd, b, NULL), 0);
}

static void
arguments_lose_their_shape(void **state)
{
	auto_buf struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(
	    ctl(WORDS(NEW, "127.0.0.1:t//echo", "a b", "", "-n", "'", "\"", "\\", "$x", "a\nb", "*"), NULL, &out, NULL),
	    0);
	assert_string_equal(buf_str(&out), "<a b>\n<>\n<-n>\n<'>\n<\">\n<\\>\n<$x>\n<a\nb>\n<*>\n");
	buf_reset(&out);
	assert_int_equal(ctl(WORDS("--", "127.0.0.1:t//echo", "-n", "5"), NULL, &out, NULL), 0);
	assert_string_equal(buf_str(&out), "<-n>\n<5>\n");
}

static void
streams_and_statuses_get_mixed_up(void **state)
{
	auto_buf struct buf out = BUF_INIT(4096), err = BUF_INIT(4096);

	(void)state;
	assert_int_equal(ctl(WORDS(NEW, "127.0.0.1:t//both"), NULL, &out, &err), 7);
	assert_string_equal(buf_str(&out), "to stdout\n");
	assert_string_equal(buf_str(&err), "to stderr\n");
	assert_int_equal(ctl(WORDS("127.0.0.1:t//status", "255"), NULL, NULL, NULL), 255);
	buf_reset(&err);
	assert_int_equal(ctl(WORDS("127.0.0.1:t//status", "401"), NULL, NULL, &err), 1);
	assert_string_equal(buf_str(&err), "pgoctl: Process exited with status 401\n");
	buf_reset(&err);
	assert_int_equal(ctl(WORDS("-q", "127.0.0.1:t//status", "4294967295"), NULL, NULL, &err), 1);
	assert_string_equal(buf_str(&err), "");
	buf_reset(&out);
	assert_int_equal(ctl(WORDS("127.0.0.1:t//nope"), NULL, &out, NULL), 1);
	assert_string_equal(buf_str(&out), "Not Acceptable: Command does not match any route\n");
	assert_int_equal(
	    ctl(WORDS("127.0.0.1:t//exec", "sh", "-c", "printf 'no newline'; exit 3"), NULL, &out, NULL), 3);
	assert_non_null(strstr(buf_str(&out), "no newline"));
	assert_int_equal(out.data[out.len - 1], 'e');
}

static void
large_streams_get_damaged(void **state)
{
	auto_buf struct buf in = BUF_INIT(16 * 1024 * 1024), out = BUF_INIT(16 * 1024 * 1024);
	struct child c;
	const char *argv[32];

	(void)state;
	while (in.len < 8 * 1024 * 1024)
		buf_printf(&in, "%zu\n", in.len);
	ctl_argv(WORDS(NEW, "127.0.0.1:t//exec", "cat"), argv);
	child_start(&c, &f, argv, NULL);
	assert_int_equal(child_finish(&c, in.data, in.len, &out, NULL), 0);
	assert_int_equal(out.len, in.len);
	assert_memory_equal(out.data, in.data, in.len);
}

/* In a shell's `while read` loop the rest of the list is on stdin. */
static void
stdin_of_the_caller_is_eaten(void **state)
{
	auto_buf struct buf out = BUF_INIT(4096);
	auto_free char *script =
	    str_printf("%s -i %s -p %s --accept-new 127.0.0.1:t//status 0; cat", PGOCTL, front_path(&f, "id_a"), port);

	(void)state;
	assert_int_equal(child_run(&f, WORDS("sh", "-c", script), NULL, "still here\n", &out, NULL), 0);
	assert_string_equal(buf_str(&out), "still here\n");
}

static void
interrupt_does_not_reach_the_operation(void **state)
{
	static const struct {
		int number;
		const char *name;
	} cases[] = {{SIGINT, "INT"}, {SIGTERM, "TERM"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *want = str_printf("signal %s", cases[i].name);
		const char *argv[32];
		char text[8];
		struct child c;

		ctl_argv(WORDS(NEW, "127.0.0.1:t//signal"), argv);
		child_start(&c, &f, argv, NULL);
		assert_int_equal(read(c.out, text, sizeof(text)), 8); /* "waiting\n": it runs */
		kill(c.pid, cases[i].number);
		assert_string_equal(front_wait(&f, "signal"), want);
		assert_int_equal(child_finish(&c, NULL, 0, NULL, NULL), 128 + cases[i].number);
	}
}

static void
reader_that_leaves_makes_noise(void **state)
{
	auto_buf struct buf err = BUF_INIT(4096);
	struct child c;
	const char *argv[32];

	(void)state;
	ctl_argv(WORDS(NEW, "127.0.0.1:t//exec", "seq", "1", "9999999"), argv);
	child_start(&c, &f, argv, NULL);
	close(c.out);
	c.out = -1;
	assert_int_equal(child_finish(&c, NULL, 0, NULL, &err), 128 + SIGPIPE);
	assert_string_equal(buf_str(&err), "");
	front_wait(&f, "left");
}

static void
unknown_host_is_trusted_unasked(void **state)
{
	auto_buf struct buf err = BUF_INIT(4096), known = BUF_INIT(65536);

	(void)state;
	assert_int_equal(ctl(WORDS("127.0.0.1:t//status", "0"), NULL, NULL, &err), 254);
	assert_non_null(strstr(buf_str(&err), "not known yet (its key is SHA256:"));
	assert_non_null(strstr(buf_str(&err), "--accept-new"));
	assert_non_null(strstr(buf_str(&err), "PGOCTL_HOSTKEY"));
	assert_int_not_equal(access(front_path(&f, ".ssh/known_hosts"), F_OK), 0);
	assert_int_equal(ctl(WORDS(NEW, "127.0.0.1:t//status", "0"), NULL, NULL, NULL), 0);
	read_file(".ssh/known_hosts", &known);
	assert_int_equal(strncmp(buf_str(&known), "[127.0.0.1]:", 12), 0);
	assert_int_equal(ctl(WORDS("127.0.0.1:t//status", "0"), NULL, NULL, NULL), 0);
	/* known now: nothing is added */
	assert_int_equal(ctl(WORDS(NEW, "127.0.0.1:t//status", "0"), NULL, NULL, NULL), 0);
	err.len = known.len;
	read_file(".ssh/known_hosts", &known);
	assert_int_equal(known.len, err.len);
}

/* OpenSSH has written the file: without a newline at its end, with hashed names. */
static void
openssh_and_pgoctl_disagree_on_known_hosts(void **state)
{
	auto_buf struct buf known = BUF_INIT(65536);
	auto_free char *name = str_printf("[127.0.0.1]:%s", port);

	(void)state;
	write_file("kh",
	    "# mine\nother.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPokJRTUCxGCkjIU8tFAlStZWDEHi2SAnhLb+P7Cbu8G",
	    0600);
	assert_int_equal(
	    ctl(WORDS(NEW, "--known-hosts", front_path(&f, "kh"), "127.0.0.1:t//status", "0"), NULL, NULL, NULL), 0);
	assert_int_equal(
	    child_run(&f, WORDS("ssh-keygen", "-F", name, "-f", front_path(&f, "kh")), NULL, NULL, NULL, NULL), 0);
	assert_int_equal(
	    child_run(&f, WORDS("ssh-keygen", "-H", "-f", front_path(&f, "kh")), NULL, NULL, NULL, NULL), 0);
	read_file("kh", &known);
	assert_null(strstr(buf_str(&known), "127.0.0.1"));
	assert_int_equal(
	    ctl(WORDS("--known-hosts", front_path(&f, "kh"), "127.0.0.1:t//status", "4"), NULL, NULL, NULL), 4);
}

static void
changed_host_key_is_accepted(void **state)
{
	auto_buf struct buf err = BUF_INIT(4096);
	auto_free char *line = str_printf(
	    "# one\n[127.0.0.1]:%s ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPokJRTUCxGCkjIU8tFAlStZWDEHi2SAnhLb+P7Cbu8G\n",
	    port);
	const char *argv[32];

	(void)state;
	write_file("kh", line, 0600);
	assert_int_equal(
	    ctl(WORDS(NEW, "--known-hosts", front_path(&f, "kh"), "127.0.0.1:t//status", "0"), NULL, NULL, &err), 254);
	assert_non_null(strstr(buf_str(&err), "HAS CHANGED"));
	assert_non_null(strstr(buf_str(&err), "known: SHA256:"));
	assert_non_null(strstr(buf_str(&err), "now:   SHA256:"));
	assert_non_null(strstr(buf_str(&err), "remove line 2 of "));
	ctl_argv(WORDS(NEW, "127.0.0.1:t//status", "0"), argv);
	buf_reset(&err);
	assert_int_equal(child_run(&f, argv,
			     WORDS("PGOCTL_HOSTKEY=ssh-ed25519 "
				   "AAAAC3NzaC1lZDI1NTE5AAAAIPokJRTUCxGCkjIU8tFAlStZWDEHi2SAnhLb+P7Cbu8G"),
			     NULL, NULL, &err),
	    254);
	assert_non_null(strstr(buf_str(&err), "HAS CHANGED"));
	assert_int_equal(child_run(&f, argv, WORDS("PGOCTL_HOSTKEY=nonsense"), NULL, NULL, NULL), 254);
}

static void
revoked_host_key_is_accepted(void **state)
{
	auto_buf struct buf known = BUF_INIT(65536), err = BUF_INIT(4096);
	auto_free char *text = NULL;

	(void)state;
	assert_int_equal(ctl(WORDS(NEW, "127.0.0.1:t//status", "0"), NULL, NULL, NULL), 0);
	read_file(".ssh/known_hosts", &known);
	text = str_printf("%s@revoked %s", buf_str(&known), buf_str(&known));
	write_file(".ssh/known_hosts", text, 0600);
	assert_int_equal(ctl(WORDS(NEW, "127.0.0.1:t//status", "0"), NULL, NULL, &err), 254);
	assert_non_null(strstr(buf_str(&err), "revoked"));
}

static void
pinned_host_key_is_not_enough(void **state)
{
	auto_buf struct buf out = BUF_INIT(4096);
	auto_free char *env = NULL;
	const char *argv[32];

	(void)state;
	assert_int_equal(
	    child_run(&f, WORDS("ssh-keygen", "-y", "-f", front_path(&f, "hostkey")), NULL, NULL, &out, NULL), 0);
	env = str_printf("PGOCTL_HOSTKEY=%s", buf_str(&out));
	ctl_argv(WORDS("127.0.0.1:t//status", "6"), argv);
	assert_int_equal(child_run(&f, argv, WORDS(env), NULL, NULL, NULL), 6);
	assert_int_not_equal(access(front_path(&f, ".ssh"), F_OK), 0);
}

static void
key_in_the_environment_is_not_used(void **state)
{
	auto_buf struct buf key = BUF_INIT(65536), err = BUF_INIT(4096);
	auto_free char *env = NULL;
	const char *const argv[] = {PGOCTL, "-p", port, NEW, "127.0.0.1:t//status", "2", NULL};

	(void)state;
	read_file("id_b", &key);
	env = str_printf("PGOCTL_ID=%s", buf_str(&key));
	assert_int_equal(child_run(&f, argv, WORDS(env), NULL, NULL, NULL), 2);
	assert_int_equal(child_run(&f, argv, WORDS("PGOCTL_ID=/a/path"), NULL, NULL, &err), 1);
	assert_string_equal(buf_str(&err), "pgoctl: cannot open the key /a/path: No such file or directory\n");
	buf_reset(&err);
	assert_int_equal(child_run(&f, argv, WORDS("PGOCTL_ID=id_b"), NULL, NULL, &err), 1);
	assert_string_equal(buf_str(&err), "pgoctl: the key in PGOCTL_ID is not a private key that I can read\n");
	buf_reset(&err);
	assert_int_equal(child_run(&f, argv, NULL, NULL, NULL, &err), 1);
	assert_non_null(strstr(buf_str(&err), "identity not given"));
	assert_non_null(strstr(buf_str(&err), "-i FILE"));
	assert_non_null(strstr(buf_str(&err), "PGOCTL_ID"));
	assert_non_null(strstr(buf_str(&err), "ssh-agent"));
}

/* What pipelines make of a variable: the line ends of another system, none at the end, a file instead of the text. */
static void
key_from_a_pipeline_is_no_key(void **state)
{
	auto_buf struct buf key = BUF_INIT(65536), crlf = BUF_INIT(65536), host = BUF_INIT(4096);
	auto_free char *file = str_printf("PGOCTL_ID=%s", front_path(&f, "id_b"));
	auto_free char *scan = NULL, *bare = NULL, *windows = NULL, *pinned = NULL;
	const char *const argv[] = {PGOCTL, "-p", port, "127.0.0.1:t//status", "3", NULL};

	(void)state;
	read_file("id_b", &key);
	assert_int_equal(
	    child_run(&f, WORDS("ssh-keygen", "-y", "-f", front_path(&f, "hostkey")), NULL, NULL, &host, NULL), 0);
	for (size_t i = 0; i < key.len; i++)
		buf_printf(&crlf, "%s%c", key.data[i] == '\n' ? "\r" : "", key.data[i]);
	windows = str_printf("PGOCTL_ID=%s", buf_str(&crlf));
	bare = str_printf("PGOCTL_ID=\n%.*s", (int)key.len - 1, buf_str(&key));
	scan = str_printf("# 127.0.0.1:%s SSH-2.0-pgo\r\n[127.0.0.1]:%s %s", port, port, buf_str(&host));
	write_file("pinned", scan, 0600);
	pinned = str_printf("PGOCTL_HOSTKEY=%s", front_path(&f, "pinned"));
	assert_int_equal(child_run(&f, argv, WORDS(pinned, windows), NULL, NULL, NULL), 3);
	assert_int_equal(child_run(&f, argv, WORDS(pinned, bare), NULL, NULL, NULL), 3);
	assert_int_equal(child_run(&f, argv, WORDS(pinned, file), NULL, NULL, NULL), 3);
	write_file("pinned", "ssh-ed25519\n", 0600);
	assert_int_equal(child_run(&f, argv, WORDS(pinned, file), NULL, NULL, NULL), 254);
}

static void
agent_is_not_used(void **state)
{
	auto_free char *script = str_printf("ssh-add -q %s && exec %s -p %s --accept-new me@127.0.0.1:t//status 8",
	    front_path(&f, "id_b"), PGOCTL, port);

	(void)state;
	assert_int_equal(child_run(&f, WORDS("ssh-agent", "sh", "-c", script), NULL, NULL, NULL, NULL), 8);
	assert_int_equal(strncmp(front_wait(&f, "op"), "op me AAAA", 10), 0);
}

static void
locked_key_hangs_without_a_terminal(void **state)
{
	auto_buf struct buf err = BUF_INIT(4096);

	(void)state;
	assert_int_equal(child_run(&f, WORDS("ssh-keygen", "-q", "-p", "-N", "secret", "-f", front_path(&f, "id_a")),
			     NULL, NULL, NULL, NULL),
	    0);
	assert_int_equal(ctl(WORDS(NEW, "127.0.0.1:t//status", "0"), NULL, NULL, &err), 1);
	assert_non_null(strstr(buf_str(&err), "is protected by a passphrase, and there is no terminal"));
}

/* script(1) gives the child a terminal and types for us. */
static void
terminal_is_not_asked(void **state)
{
	auto_buf struct buf out = BUF_INIT(65536);
	auto_free char *command =
	    str_printf("%s -i %s -p %s 127.0.0.1:t//both; stty -a", PGOCTL, front_path(&f, "id_a"), port);
	struct child c;
	char ch;

	(void)state;
	assert_int_equal(child_run(&f, WORDS("ssh-keygen", "-q", "-p", "-N", "secret", "-f", front_path(&f, "id_a")),
			     NULL, NULL, NULL, NULL),
	    0);
	child_start(&c, &f, WORDS("script", "-qec", command, "/dev/null"), NULL);
	while (strstr(buf_str(&out), "Passphrase for ") == NULL && read(c.out, &ch, 1) == 1)
		buf_add(&out, &ch, 1);
	assert_int_equal(io_write_all(c.in, "wrong\n", 6, NULL), 0);
	buf_reset(&out);
	while (strstr(buf_str(&out), "Passphrase for ") == NULL && read(c.out, &ch, 1) == 1)
		buf_add(&out, &ch, 1);
	assert_int_equal(io_write_all(c.in, "secret\n", 7, NULL), 0);
	while (strstr(buf_str(&out), "(yes/no)? ") == NULL && read(c.out, &ch, 1) == 1)
		buf_add(&out, &ch, 1);
	assert_int_equal(io_write_all(c.in, "yes\n", 4, NULL), 0);
	assert_int_equal(child_finish(&c, NULL, 0, &out, NULL), 0);
	assert_non_null(strstr(buf_str(&out), "to stdout\r\n"));
	assert_null(strstr(buf_str(&out), "secret"));
	assert_non_null(strstr(buf_str(&out), " echo ")); /* not "-echo": the terminal is as it was */
	assert_int_equal(access(front_path(&f, ".ssh/known_hosts"), F_OK), 0);
}

static void
connection_trouble_is_told_badly(void **state)
{
	auto_buf struct buf err = BUF_INIT(4096);
	const char *const argv[] = {PGOCTL, "-i", front_path(&f, "id_a"), "-p", "1", "127.0.0.1:t//ps", NULL};

	(void)state;
	assert_int_equal(child_run(&f, argv, NULL, NULL, NULL, &err), 255);
	assert_string_equal(buf_str(&err), "pgoctl: cannot connect to 127.0.0.1 port 1: Connection refused\n");
	buf_reset(&err);
	assert_int_equal(child_run(&f, WORDS(PGOCTL, "-i", front_path(&f, "none"), "-p", port, "127.0.0.1:t//ps"), NULL,
			     NULL, NULL, &err),
	    1);
	assert_non_null(strstr(buf_str(&err), "cannot open the key "));
	assert_int_equal(child_run(&f, WORDS(PGOCTL, "h:s"), NULL, NULL, NULL, NULL), 2);
	assert_int_equal(child_run(&f, WORDS(PGOCTL), NULL, NULL, NULL, NULL), 2);
	assert_int_equal(child_run(&f, WORDS(PGOCTL, "-h"), NULL, NULL, NULL, NULL), 0);
	assert_int_equal(child_run(&f, WORDS(PGOCTL, "-v"), NULL, NULL, NULL, NULL), 0);
}

static void
resting_reader_loses_its_connection(void **state)
{
	struct child c;
	const char *argv[32];
	uint64_t len;

	(void)state;
	front_stop(&f);
	front_start(&f, PGOD_SSH_QUICK);
	snprintf(port, sizeof(port), "%d", f.port);
	ctl_argv(WORDS(NEW, "127.0.0.1:t//exec", "seq", "1", "3000000"), argv);
	child_start(&c, &f, argv, NULL);
	front_wait(&f, "op");
	usleep(6 * 1000 * 1000); /* the rest itself: longer than every quick limit of the server */
	stream_hash(c.out, &len);
	assert_int_equal(len, 22888896);
	assert_int_equal(child_finish(&c, NULL, 0, NULL, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(arguments_lose_their_shape, setup, teardown),
	    cmocka_unit_test_setup_teardown(streams_and_statuses_get_mixed_up, setup, teardown),
	    cmocka_unit_test_setup_teardown(large_streams_get_damaged, setup, teardown),
	    cmocka_unit_test_setup_teardown(stdin_of_the_caller_is_eaten, setup, teardown),
	    cmocka_unit_test_setup_teardown(interrupt_does_not_reach_the_operation, setup, teardown),
	    cmocka_unit_test_setup_teardown(reader_that_leaves_makes_noise, setup, teardown),
	    cmocka_unit_test_setup_teardown(unknown_host_is_trusted_unasked, setup, teardown),
	    cmocka_unit_test_setup_teardown(openssh_and_pgoctl_disagree_on_known_hosts, setup, teardown),
	    cmocka_unit_test_setup_teardown(changed_host_key_is_accepted, setup, teardown),
	    cmocka_unit_test_setup_teardown(revoked_host_key_is_accepted, setup, teardown),
	    cmocka_unit_test_setup_teardown(pinned_host_key_is_not_enough, setup, teardown),
	    cmocka_unit_test_setup_teardown(key_in_the_environment_is_not_used, setup, teardown),
	    cmocka_unit_test_setup_teardown(key_from_a_pipeline_is_no_key, setup, teardown),
	    cmocka_unit_test_setup_teardown(agent_is_not_used, setup, teardown),
	    cmocka_unit_test_setup_teardown(locked_key_hangs_without_a_terminal, setup, teardown),
	    cmocka_unit_test_setup_teardown(terminal_is_not_asked, setup, teardown),
	    cmocka_unit_test_setup_teardown(connection_trouble_is_told_badly, setup, teardown),
	    cmocka_unit_test_setup_teardown(resting_reader_loses_its_connection, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
