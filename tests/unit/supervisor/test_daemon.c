/* The real pgod, with a core that the test plays itself: start, stop, configuration, core, connections. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"

static void
the_start_reaches_core_in_order_and_without_secrets(void **state)
{
	auto_msg struct msg config = MSG_INIT;
	auto_buf struct buf doc = BUF_INIT(65536);
	struct stat st;
	int fd;

	(void)state;
	start_up();
	expect(&fx, "config", &config);
	fd = msg_take_fd(&config, 0);
	assert_int_equal(io_memfd_read(fd, &doc, NULL), 0);
	close(fd);
	assert_null(strstr(buf_str(&doc), "secret"));
	assert_null(strstr(buf_str(&doc), "blue"));
	assert_non_null(strstr(buf_str(&doc), fx.dir));
	for (int i = 0; i < 2; i++) {
		auto_msg struct msg m = MSG_INIT;

		expect(&fx, "service", &m);
		assert_string_equal(msg_str(&m, "name"), i == 0 ? "web" : "db");
		assert_string_equal(msg_str(&m, "problem"), "");
	}
	assert_int_equal(stat(at(&fx, "var/web"), &st), 0);
	assert_true(st.st_uid == UID_ALICE && (st.st_mode & 0777) == 0755);
	assert_int_equal(stat(at(&fx, "var/.repos/db.git"), &st), 0);
	assert_true(st.st_uid == UID_BOB && (st.st_mode & 0777) == 0700);
	assert_int_equal(stat(at(&fx, "var/.state"), &st), 0);
	assert_true(st.st_uid == UID_CORE && (st.st_mode & 0777) == 0700);
	assert_int_equal(stat(at(&fx, "data/web"), &st), 0);
	assert_int_equal(st.st_uid, UID_ALICE);
	assert_int_equal(stat(at(&fx, "var/.ssh/host_ed25519"), &st), 0);
	assert_true(st.st_uid == 0 && (st.st_mode & 0777) == 0600);
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
a_second_pgod_on_the_same_directory_refuses(void **state)
{
	struct fixture second = fx;

	(void)state;
	start_up();
	second = fx;
	snprintf(second.log, sizeof(second.log), "%s/log2", fx.root);
	pgod_start(&second, NULL);
	assert_int_equal(pgod_wait(&second), 1);
	assert_true(log_has(&second, "another pgod works on"));
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
a_core_that_breaks_the_rules_is_dropped_and_started_anew(void **state)
{
	json_t *body = msg_new("job", "sIsssssssssisi", "id", (json_int_t)1, "kind", "logs", "service", "web", "args",
	    "", "stdio", "7", "cols", 0, "rows", 0);

	(void)state;
	start_up();
	assert_int_equal(msg_send(fx.core, CORE_TO_PGOD, body, &fx.lifeline, 1, NULL), 0);
	json_decref(body);
	log_wait(&fx, "dropping core");
	core_drop(&fx);
	core_attach(&fx, true);
	assert_string_equal(read_all(job_start(&fx, 1, "logs", "web", NULL, "--", "echo", "alive", NULL)), "alive");
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
stopping_waits_for_a_lock_job_and_a_second_signal_does_not(void **state)
{
	pid_t job;
	int fd;

	(void)state;
	start_up();
	fd = blocker(1, "web", &job);
	kill(fx.pgod, SIGTERM);
	log_wait(&fx, "stopping");
	assert_int_equal(kill(job, 0), 0);
	{
		auto_msg struct msg m = MSG_INIT;

		expect(&fx, "quit", &m);
	}
	write_file(at(&fx, "go"), "", 0644);
	assert_int_equal(job_status(&fx, 1, NULL), 0);
	core_drop(&fx);
	ends_with(0);
	unlink(at(&fx, "go"));
	close(fd);
	start_up();
	fd = blocker(2, "web", &job);
	kill(fx.pgod, SIGTERM);
	log_wait(&fx, "stopping");
	kill(fx.pgod, SIGINT);
	ends_with(0);
	gone(job);
	close(fd);
}

static void
sighup_with_a_faulty_configuration_reports_it_and_carries_on(void **state)
{
	(void)state;
	start_up();
	write_file(fx.config, "[[services]]\nname = \"web\"\nuser = \"ghost\"\nrepository = \"/r\"\n", 0600);
	kill(fx.pgod, SIGHUP);
	log_wait(&fx, "pgo.toml:3:8: user: there is no account ghost");
	log_wait(&fx, "carrying on");
	write_file(fx.config, "[[services]]\nname = \"web\"\nuser = \"toor\"\nrepository = \"/r\"\n", 0600);
	kill(fx.pgod, SIGHUP);
	log_wait(&fx, "pgo.toml:3:8: user: the account toor has uid 0");
	assert_string_equal(read_all(job_start(&fx, 1, "logs", "web", NULL, "--", "echo", "on", NULL)), "on");
	write_file(fx.config, CONFIG, 0600);
	kill(fx.pgod, SIGHUP);
	log_wait(&fx, "stopping");
	core_drop(&fx);
	ends_with(2);
}

static void
a_changed_file_is_noticed_and_a_valid_one_ends_pgod_with_2(void **state)
{
	(void)state;
	pgod_start(&fx, NULL);
	core_attach(&fx, true);
	log_wait(&fx, "core is up");
	write_file(at(&fx, "new"), "nonsense\n", 0600);
	assert_int_equal(rename(at(&fx, "new"), fx.config), 0);
	log_wait(&fx, "carrying on");
	write_file(at(&fx, "new"), CONFIG "# changed\n", 0600);
	assert_int_equal(rename(at(&fx, "new"), fx.config), 0);
	log_wait(&fx, "stopping");
	core_drop(&fx);
	ends_with(2);
}

static void
a_stop_file_is_a_hold_with_its_author_and_first_line(void **state)
{
	auto_msg struct msg m = MSG_INIT;

	(void)state;
	write_file(at(&fx, "hold"), "disk is full \033[31m\nsecond\n", 0644);
	start_up();
	assert_int_equal(rename(at(&fx, "hold"), at(&fx, "var/db.stop")), 0);
	expect(&fx, "hold", &m);
	assert_string_equal(msg_str(&m, "service"), "db");
	assert_true(msg_bool(&m, "held"));
	assert_true(str_starts(msg_str(&m, "note"), "by root, "));
	assert_non_null(strstr(msg_str(&m, "note"), ": disk is full \\x1b[31m"));
	assert_null(strstr(msg_str(&m, "note"), "second"));
	msg_done(&m);
	m = (struct msg)MSG_INIT;
	/* a core that starts later hears of it too */
	kill(fx.core_pid, SIGKILL);
	core_drop(&fx);
	core_attach(&fx, true);
	expect(&fx, "hold", &m);
	assert_true(msg_bool(&m, "held"));
	msg_done(&m);
	m = (struct msg)MSG_INIT;
	assert_int_equal(unlink(at(&fx, "var/db.stop")), 0);
	expect(&fx, "hold", &m);
	assert_false(msg_bool(&m, "held"));
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
ask_hold(const char *service, int held, const char *note, const char *error, const char *told)
{
	auto_msg struct msg m = MSG_INIT;
	auto_msg struct msg answer = MSG_INIT;
	json_t *body = msg_new("hold", "sisssbss", "id", 7, "service", service, "held", held, "note", note);

	assert_int_equal(msg_send(fx.core, CORE_TO_PGOD, body, NULL, 0, NULL), 0);
	json_decref(body);
	if (told != NULL) {
		expect(&fx, "hold", &m);
		assert_int_equal(msg_bool(&m, "held"), held);
		assert_string_equal(msg_str(&m, "note"), told);
	}
	expect(&fx, "held", &answer);
	assert_int_equal(msg_int(&answer, "id"), 7);
	if (error[0] == '\0')
		assert_string_equal(msg_str(&answer, "error"), "");
	else
		assert_non_null(strstr(msg_str(&answer, "error"), error));
}

static void
a_hold_of_core_is_another_one_than_a_hold_by_hand(void **state)
{
	auto_free char *word = calloc(1, 3001);
	struct stat st;

	(void)state;
	start_up();
	ask_hold("db", 1, "by ssh/a.pub, today: disk \n is\033 full", "", "by ssh/a.pub, today: disk \\n is\\x1b full");
	assert_int_equal(stat(at(&fx, "var/db.stop"), &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	ask_hold("db", 0, "", "", "");
	assert_int_equal(access(at(&fx, "var/db.stop"), F_OK), -1);
	ask_hold("db", 0, "", "", NULL);
	/* One that cannot be read as a file is removed no more than one of nobody's service is written. */
	ask_hold("nobody", 1, "x", "configured", NULL);
	assert_int_equal(access(at(&fx, "var/nobody.stop"), F_OK), -1);
	ask_hold("../db", 1, "x", "configured", NULL);
	memset(word, 'a', 3000);
	memcpy(word, "by ", 3);
	ask_hold("db", 1, word, "", NULL);
	assert_int_equal(stat(at(&fx, "var/db.stop"), &st), 0);
	assert_true(st.st_size <= 200);
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
a_directory_of_another_account_is_a_problem_with_the_command(void **state)
{
	auto_msg struct msg m = MSG_INIT;

	(void)state;
	start_up();
	assert_int_equal(pgod_stop(&fx), 0);
	write_file(fx.config, "[[services]]\nname = \"web\"\nuser = \"bob\"\nrepository = \"/r\"\n", 0600);
	start_up();
	expect(&fx, "service", &m);
	assert_non_null(strstr(msg_str(&m, "problem"), "chown -R --no-dereference bob: "));
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
retire_moves_the_directories_and_never_a_configured_service(void **state)
{
	auto_msg struct msg m = MSG_INIT;
	json_t *body = msg_new("retire", "ss", "service", "web");

	(void)state;
	start_up();
	assert_int_equal(msg_send(fx.core, CORE_TO_PGOD, body, NULL, 0, NULL), 0);
	json_decref(body);
	expect(&fx, "retired", &m);
	assert_non_null(strstr(msg_str(&m, "error"), "is configured"));
	msg_done(&m);
	m = (struct msg)MSG_INIT;
	assert_int_equal(mkdir(at(&fx, "var/old"), 0755), 0);
	assert_int_equal(mkdir(at(&fx, "var/.repos/old.git"), 0700), 0);
	write_file(at(&fx, "var/old/data"), "precious", 0600);
	body = msg_new("retire", "ss", "service", "old");
	assert_int_equal(msg_send(fx.core, CORE_TO_PGOD, body, NULL, 0, NULL), 0);
	json_decref(body);
	expect(&fx, "retired", &m);
	assert_string_equal(msg_str(&m, "error"), "");
	assert_int_equal(access(at(&fx, "var/old"), F_OK), -1);
	{
		auto_free char *check =
		    str_printf("test -d %s/.removed/old-*/repo.git && grep -q precious %s/.removed/old-*/tree/data",
			fx.dir, fx.dir);

		assert_int_equal(system(check), 0); // NOLINT: a test's own words
	}
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
core_gets_a_connection_to_the_engine_or_a_reason(void **state)
{
	auto_msg struct msg m = MSG_INIT;
	json_t *body = msg_new("engine", "sI", "id", (json_int_t)9);

	(void)state;
	start_up();
	assert_int_equal(msg_send(fx.core, CORE_TO_PGOD, body, NULL, 0, NULL), 0);
	expect(&fx, "engine", &m);
	assert_int_equal(m.nfds, 1);
	assert_string_equal(msg_str(&m, "error"), "");
	msg_done(&m);
	m = (struct msg)MSG_INIT;
	assert_int_equal(rename(at(&fx, "engine.sock"), at(&fx, "away")), 0);
	assert_int_equal(msg_send(fx.core, CORE_TO_PGOD, body, NULL, 0, NULL), 0);
	json_decref(body);
	expect(&fx, "engine", &m);
	assert_int_equal(rename(at(&fx, "away"), at(&fx, "engine.sock")), 0);
	assert_int_equal(m.nfds, 0);
	assert_non_null(strstr(msg_str(&m, "error"), "No such file"));
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
a_connection_gets_a_process_with_the_host_key_and_core_a_channel(void **state)
{
	(void)state;
	start_up();
	for (int i = 0; i < 2; i++) { /* twice: the key's offset is not shared */
		auto_msg struct msg m = MSG_INIT;
		int fd = ssh_connect(&fx);
		char line[400] = "";

		expect(&fx, "client", &m);
		assert_true(str_starts(msg_str(&m, "peer"), "127.0.0.1:"));
		assert_true(recv(fd, line, sizeof(line) - 1, 0) > 0);
		assert_true(str_starts(line, "uid=61004 fd6=closed key=-----BEGIN OPENSSH PRIVATE KEY-----\nof "));
		close(fd);
	}
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
the_33rd_connection_of_an_address_is_closed_at_once(void **state)
{
	int fds[40];
	int open = 0;
	char byte;

	(void)state;
	start_up();
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = ssh_connect(&fx);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		struct pollfd pfd = {.fd = fds[i], .events = POLLIN};

		assert_int_equal(poll(&pfd, 1, WAIT_MS), 1);
		open += recv(fds[i], &byte, 1, 0) == 1;
		close(fds[i]);
	}
	assert_int_equal(open, 32);
	assert_true(log_has(&fx, "too many connections"));
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
fails_to_start(const char *sentence, const char *option, const char *value)
{
	pgod_start(&fx, option, value, NULL);
	ends_with(1);
	if (!log_has(&fx, sentence)) {
		log_wait(&fx, sentence);
	}
}

static void
what_is_wrong_at_the_start_is_said_in_a_sentence(void **state)
{
	auto_free char *engine = str_dup(getenv("DOCKER_HOST"));
	auto_free char *compose = str_dup(getenv("PGO_COMPOSE"));

	(void)state;
	setenv("DOCKER_HOST", "tcp://10.0.0.1:2375", 1);
	fails_to_start("DOCKER_HOST must be a unix socket", NULL, NULL);
	setenv("DOCKER_HOST", engine, 1);
	write_file(at(&fx, "v1"), "#!/bin/sh\necho 1.29.2\n", 0755);
	setenv("PGO_COMPOSE", at(&fx, "v1"), 1);
	fails_to_start("is docker compose version 1, which ended in 2023", NULL, NULL);
	setenv("PGO_COMPOSE", compose, 1);
	fails_to_start("--ssh", "--ssh", "192.0.2.1:2222");
	fails_to_start("must belong to root", "--dir", at(&fx, "var/web"));
	write_file(fx.config, "[[services]]\nname = \"web\"\nuser = \"_pgod\"\nrepository = \"/r\"\n", 0600);
	fails_to_start(":3:8: user: the account _pgod is not for services", NULL, NULL);
}

/* The machine of these tests has no account _pgod-web, as one where pgo was installed before there were metrics. */
static void
without_an_account_for_metrics_all_else_goes_on(void **state)
{
	auto_msg struct msg m = MSG_INIT;

	(void)state;
	pgod_start(&fx, "--metric=127.0.0.1:0", NULL);
	core_attach(&fx, true);
	expect(&fx, "config", &m);
	assert_true(log_has(&fx, "metrics are not served: make it with: adduser"));
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
a_link_in_place_of_a_directory_is_a_problem_and_not_followed(void **state)
{
	auto_msg struct msg m = MSG_INIT;
	struct stat st;

	(void)state;
	write_file(fx.config, "[[services]]\nname = \"linked\"\nuser = \"bob\"\nrepository = \"/r\"\n", 0600);
	assert_int_equal(mkdir(at(&fx, "target"), 0755), 0);
	assert_int_equal(symlink(at(&fx, "target"), at(&fx, "var/linked")), 0);
	start_up();
	expect(&fx, "service", &m);
	assert_non_null(strstr(msg_str(&m, "problem"), "not a symbolic link"));
	assert_int_equal(stat(at(&fx, "target"), &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T(the_start_reaches_core_in_order_and_without_secrets),
	    T(a_second_pgod_on_the_same_directory_refuses),
	    T(a_core_that_breaks_the_rules_is_dropped_and_started_anew),
	    T(stopping_waits_for_a_lock_job_and_a_second_signal_does_not),
	    T(sighup_with_a_faulty_configuration_reports_it_and_carries_on),
	    T(a_changed_file_is_noticed_and_a_valid_one_ends_pgod_with_2),
	    T(a_stop_file_is_a_hold_with_its_author_and_first_line),
	    T(a_hold_of_core_is_another_one_than_a_hold_by_hand),
	    T(a_directory_of_another_account_is_a_problem_with_the_command),
	    T(retire_moves_the_directories_and_never_a_configured_service),
	    T(core_gets_a_connection_to_the_engine_or_a_reason),
	    T(a_connection_gets_a_process_with_the_host_key_and_core_a_channel),
	    T(the_33rd_connection_of_an_address_is_closed_at_once),
	    T(what_is_wrong_at_the_start_is_said_in_a_sentence),
	    T(without_an_account_for_metrics_all_else_goes_on),
	    T(a_link_in_place_of_a_directory_is_a_problem_and_not_followed),
	};
	int failed;

	if (argc != 6)
		return 2;
	fixture_init(&fx, argv);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fixture_done(&fx);
	return failed;
}
