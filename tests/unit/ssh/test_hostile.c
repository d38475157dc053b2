/* pgod-ssh and clients that mean no good, or have fallen asleep. */
#include <arpa/inet.h>
#include <errno.h>
#include <libssh/libssh.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

/* With limits of seconds instead of minutes. */
static int
setup_quick(void **state)
{
	(void)state;
	front_start(&f, PGOD_SSH_QUICK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	front_stop(&f);
	return 0;
}

static int
raw_connect(void)
{
	struct sockaddr_in addr = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)f.port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* A client of our own, after the key exchange. */
static ssh_session
client_connect_as(const char *user)
{
	ssh_session s = ssh_new();
	bool no = false;

	ssh_options_set(s, SSH_OPTIONS_PROCESS_CONFIG, &no);
	ssh_options_set(s, SSH_OPTIONS_HOST, "127.0.0.1");
	ssh_options_set(s, SSH_OPTIONS_PORT, &f.port);
	ssh_options_set(s, SSH_OPTIONS_USER, user);
	assert_int_equal(ssh_connect(s), SSH_OK);
	return s;
}

static ssh_session
client_connect(void)
{
	return client_connect_as("mallory");
}

static ssh_key
client_key(const char *name)
{
	ssh_key key = NULL;

	assert_int_equal(ssh_pki_import_privkey_file(front_path(&f, name), NULL, NULL, NULL, &key), SSH_OK);
	return key;
}

static ssh_session
client_sign_in(void)
{
	ssh_session s = client_connect();
	ssh_key key = client_key("id_a");

	assert_int_equal(ssh_userauth_publickey(s, NULL, key), SSH_AUTH_SUCCESS);
	ssh_key_free(key);
	return s;
}

static void
client_leave(ssh_session s)
{
	ssh_disconnect(s);
	ssh_free(s);
}

static ssh_channel
client_exec(ssh_session s, const char *line)
{
	ssh_channel ch = ssh_channel_new(s);

	assert_int_equal(ssh_channel_open_session(ch), SSH_OK);
	assert_int_equal(ssh_channel_request_exec(ch, line), SSH_OK);
	return ch;
}

/* CVE-2024-45337: B's public key is no secret; whoever offers it and then signs with A is A. */
static void
offered_key_counts_without_a_signature(void **state)
{
	ssh_key a = client_key("id_a"), b = client_key("id_b");
	ssh_key b_public = NULL;
	ssh_session s = client_connect();
	char *want = NULL;
	char user[64], key[256];

	(void)state;
	assert_int_equal(ssh_pki_export_privkey_to_pubkey(b, &b_public), SSH_OK);
	assert_int_equal(ssh_pki_export_pubkey_base64(a, &want), SSH_OK);
	assert_int_equal(ssh_userauth_try_publickey(s, NULL, b_public), SSH_AUTH_SUCCESS);
	assert_int_equal(ssh_userauth_publickey(s, NULL, a), SSH_AUTH_SUCCESS);
	client_exec(s, "t//status 0");
	assert_int_equal(sscanf(front_wait(&f, "op"), "op %63s %255s", user, key), 2);
	assert_string_equal(user, "mallory");
	assert_string_equal(key, want);
	client_leave(s);
	ssh_string_free_char(want);
	ssh_key_free(a), ssh_key_free(b), ssh_key_free(b_public);
}

static void
offering_alone_signs_in(void **state)
{
	ssh_key b = client_key("id_b"), b_public = NULL;
	ssh_session s = client_connect();
	ssh_channel ch = ssh_channel_new(s);

	(void)state;
	assert_int_equal(ssh_pki_export_privkey_to_pubkey(b, &b_public), SSH_OK);
	assert_int_equal(ssh_userauth_try_publickey(s, NULL, b_public), SSH_AUTH_SUCCESS);
	assert_int_not_equal(ssh_channel_open_session(ch), SSH_OK);
	client_leave(s);
	ssh_key_free(b), ssh_key_free(b_public);
}

static void
keys_may_be_tried_for_ever(void **state)
{
	ssh_key b = client_key("id_b"), b_public = NULL;
	ssh_session s = client_connect();
	int tries;

	(void)state;
	assert_int_equal(ssh_pki_export_privkey_to_pubkey(b, &b_public), SSH_OK);
	for (tries = 0; tries < 100; tries++) {
		if (ssh_userauth_try_publickey(s, NULL, b_public) != SSH_AUTH_SUCCESS)
			break;
	}
	assert_in_range(tries, 1, 6);
	assert_int_equal(front_end(&f, NULL), 0);
	client_leave(s);
	ssh_key_free(b), ssh_key_free(b_public);
}

static void
passwords_are_taken(void **state)
{
	ssh_session s = client_connect();

	(void)state;
	assert_int_equal(ssh_userauth_none(s, NULL), SSH_AUTH_DENIED);
	assert_int_equal(ssh_userauth_list(s, NULL), SSH_AUTH_METHOD_PUBLICKEY);
	assert_int_equal(ssh_userauth_password(s, NULL, "secret"), SSH_AUTH_DENIED);
	client_leave(s);
}

static void
more_than_one_command_is_served(void **state)
{
	ssh_session s = client_sign_in();
	ssh_channel first = ssh_channel_new(s), second = ssh_channel_new(s), forward = ssh_channel_new(s);

	(void)state;
	assert_int_equal(ssh_channel_open_session(first), SSH_OK);
	assert_int_not_equal(ssh_channel_open_session(second), SSH_OK);
	assert_int_not_equal(ssh_channel_open_forward(forward, "127.0.0.1", 22, "127.0.0.1", 1), SSH_OK);
	assert_int_not_equal(ssh_channel_request_subsystem(first, "sftp"), SSH_OK);
	assert_int_not_equal(ssh_channel_request_x11(first, 0, NULL, NULL, 0), SSH_OK);
	assert_int_equal(ssh_channel_request_env(first, "LANG", "C"), SSH_OK);
	assert_int_equal(ssh_channel_request_exec(first, "t//signal"), SSH_OK);
	assert_int_not_equal(ssh_channel_request_exec(first, "t//status 0"), SSH_OK);
	front_wait(&f, "op");
	client_leave(s);
	front_wait(&f, "left");
}

static void
foreign_user_name_reaches_a_terminal_raw(void **state)
{
	ssh_session s =
	    client_connect_as("\x1b[31m\n0123456789012345678901234567890123456789012345678901234567890123456789");
	ssh_key key = client_key("id_a");
	char text[512] = "";
	ssh_channel ch;

	(void)state;
	assert_int_equal(ssh_userauth_publickey(s, NULL, key), SSH_AUTH_SUCCESS);
	ch = client_exec(s, "uptime");
	assert_true(ssh_channel_read(ch, text, sizeof(text) - 1, 0) > 0);
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "for user \"\\x1b[31m\\n0123456789"));
	/* The first line ends where the name does. */
	assert_non_null(strstr(text, "...\"\n"));
	assert_ptr_equal(strchr(text, '\n'), strstr(text, "...\"\n") + strlen("...\""));
	client_leave(s);
	ssh_key_free(key);
}

static void
signals_do_not_arrive(void **state)
{
	ssh_session s = client_sign_in();
	ssh_channel ch = client_exec(s, "t//signal");
	char text[32] = "";

	(void)state;
	assert_int_equal(ssh_channel_read(ch, text, sizeof(text) - 1, 0), 8);
	assert_string_equal(text, "waiting\n");
	assert_int_equal(ssh_channel_request_send_signal(ch, "USR1"), SSH_OK); /* not for us to forward */
	assert_int_equal(ssh_channel_request_send_signal(ch, "QUIT"), SSH_OK);
	assert_int_equal(ssh_blocking_flush(s, WAIT_MS), SSH_OK);
	assert_string_equal(front_wait(&f, "signal"), "signal QUIT");
	client_leave(s);
}

static void
a_megabyte_of_exec_string_does_harm(void **state)
{
	auto_free char *line = malloc(1024 * 1024 + 1);
	ssh_session s = client_sign_in();
	ssh_channel ch = ssh_channel_new(s);
	long kb;

	(void)state;
	memset(line, 'x', 1024 * 1024);
	memcpy(line, "t//status ", 10);
	line[1024 * 1024] = '\0';
	assert_int_equal(ssh_channel_open_session(ch), SSH_OK);
	assert_int_not_equal(ssh_channel_request_exec(ch, line), SSH_OK);
	assert_int_equal(front_end(&f, &kb), 0);
	assert_in_range(kb, 1, MEMORY_FLAT_KB);
	client_leave(s);
	assert_int_equal(ssh_run(&f, "t//status 5", NULL, NULL, NULL), 5);
}

static void
garbage_is_listened_to(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
	    {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27},
	    {"SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 27},
	    {"SSH-2.0-x\r\n\0\0\0\x0c\x0a\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 31},
	    {"SSH-1.5-old\r\n", 13},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = raw_connect();

		assert_int_equal(send(fd, cases[i].bytes, cases[i].len, MSG_NOSIGNAL), cases[i].len);
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		assert_int_equal(front_end(&f, NULL), 0);
		close(fd);
	}
}

static void
endless_banner_is_stored(void **state)
{
	static const char bytes[65536] = "SSH-2.0-";
	int fd = raw_connect();
	ssize_t n = 1;
	size_t sent = 0;
	long kb;

	(void)state;
	while (n > 0 && sent < 64 * 1024 * 1024) {
		n = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
	}
	front_end(&f, &kb);
	assert_in_range(kb, 1, MEMORY_FLAT_KB);
	close(fd);
}

static void
silent_client_stays(void **state)
{
	long long start = io_now_ms();
	int fd = raw_connect();

	(void)state;
	assert_int_equal(front_end(&f, NULL), 0);
	assert_in_range(elapsed_ms(start), 1000, 10000);
	close(fd);
}

static void
slow_drip_of_a_banner_stays(void **state)
{
	long long start = io_now_ms();
	int fd = raw_connect();

	(void)state;
	front_wait(&f, "start");
	while (elapsed_ms(start) < 10000 && send(fd, "S", 1, MSG_NOSIGNAL) == 1)
		usleep(50 * 1000); /* the drip itself, not a wait for something */
	assert_int_equal(front_end(&f, NULL), 0);
	assert_in_range(elapsed_ms(start), 1000, 9000);
	close(fd);
}

static void
signed_in_client_without_a_command_stays(void **state)
{
	ssh_session s = client_sign_in();
	long long start = io_now_ms();

	(void)state;
	assert_int_equal(front_end(&f, NULL), 0);
	assert_in_range(elapsed_ms(start), 1000, 10000);
	client_leave(s);
}

static void
stopped_client(const char *line)
{
	struct child c;
	const char *argv[32];
	long long start;
	long kb;

	ssh_argv(&f, NULL, line, argv);
	child_start(&c, &f, argv, NULL);
	front_wait(&f, "op");
	kill(c.pid, SIGSTOP);
	start = io_now_ms();
	front_wait(&f, "left");
	assert_int_equal(front_end(&f, &kb), 0);
	assert_in_range(elapsed_ms(start), 1500, 15000);
	assert_in_range(kb, 1, MEMORY_FLAT_KB);
	kill(c.pid, SIGKILL);
	child_finish(&c, NULL, 0, NULL, NULL);
}

static void
stopped_client_with_output_waiting_stays(void **state)
{
	(void)state;
	stopped_client("t//exec cat /dev/zero");
}

static void
stopped_client_with_nothing_waiting_stays(void **state)
{
	(void)state;
	stopped_client("t//exec sleep 1000");
}

static void
quiet_job_loses_its_living_client(void **state)
{
	(void)state; /* longer than every quick limit: keepalives are answered, so it stays */
	assert_int_equal(ssh_run(&f, "t//exec sh -c 'sleep 4; exit 3'", NULL, NULL, NULL), 3);
}

/* The client's window is full because its reader rests: it answers keepalives, so it may rest. */
static void
resting_reader_loses_its_connection(void **state)
{
	auto_buf struct buf out = BUF_INIT(64 * 1024 * 1024);
	struct child c;
	const char *argv[32];
	long kb;

	(void)state;
	ssh_argv(&f, NULL, "t//exec seq 1 3000000", argv);
	child_start(&c, &f, argv, NULL);
	front_wait(&f, "op");
	usleep(4 * 1000 * 1000); /* the rest itself: longer than every quick limit */
	assert_int_equal(child_finish(&c, NULL, 0, &out, NULL), 0);
	assert_string_equal(out.data + out.len - 8, "3000000\n");
	assert_int_equal(front_end(&f, &kb), 0);
	assert_in_range(kb, 1, MEMORY_FLAT_KB);
}

static void
sandbox_lets_something_through(void **state)
{
	const char *argv[] = {
	    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PGOD_SSH, "--sandbox-test", NULL};

	(void)state;
	assert_int_equal(child_run(&f, getuid() == 0 ? argv : argv + 4, NULL, NULL, NULL, NULL), 0);
}

/* What waits for limits to pass does so beside the rest: the argument "limits" runs these alone. */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(offered_key_counts_without_a_signature, setup, teardown),
	    cmocka_unit_test_setup_teardown(offering_alone_signs_in, setup, teardown),
	    cmocka_unit_test_setup_teardown(keys_may_be_tried_for_ever, setup, teardown),
	    cmocka_unit_test_setup_teardown(passwords_are_taken, setup, teardown),
	    cmocka_unit_test_setup_teardown(more_than_one_command_is_served, setup, teardown),
	    cmocka_unit_test_setup_teardown(foreign_user_name_reaches_a_terminal_raw, setup, teardown),
	    cmocka_unit_test_setup_teardown(signals_do_not_arrive, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_megabyte_of_exec_string_does_harm, setup, teardown),
	    cmocka_unit_test_setup_teardown(garbage_is_listened_to, setup, teardown),
	    cmocka_unit_test_setup_teardown(endless_banner_is_stored, setup, teardown),
	    cmocka_unit_test_setup_teardown(sandbox_lets_something_through, setup, teardown),
	};
	const struct CMUnitTest limits[] = {
	    cmocka_unit_test_setup_teardown(silent_client_stays, setup_quick, teardown),
	    cmocka_unit_test_setup_teardown(slow_drip_of_a_banner_stays, setup_quick, teardown),
	    cmocka_unit_test_setup_teardown(signed_in_client_without_a_command_stays, setup_quick, teardown),
	    cmocka_unit_test_setup_teardown(stopped_client_with_output_waiting_stays, setup_quick, teardown),
	    cmocka_unit_test_setup_teardown(stopped_client_with_nothing_waiting_stays, setup_quick, teardown),
	    cmocka_unit_test_setup_teardown(quiet_job_loses_its_living_client, setup_quick, teardown),
	    cmocka_unit_test_setup_teardown(resting_reader_loses_its_connection, setup_quick, teardown),
	};

	if (argc == 2 && str_eq(argv[1], "limits"))
		return cmocka_run_group_tests(limits, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
