/* The real pgod, with a core that the test plays itself: the jobs. */
#include "fixture.h"

#include "base/sanitized.h"

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
a_job_is_the_account_and_nothing_else(void **state)
{
	const char *text;
	int fd;

	(void)state;
	start_up();
	fd = job_start(&fx, 1, "logs", "web", NULL, "--tail", "--", "sh", "-c",
	    "echo $words; id -u; id -g; id -G; pwd; umask; env | sort | tr '\\n' ' '; ls /proc/self/fd | wc -l; "
	    "awk '{print $1 == $6}' /proc/$$/stat; grep NoNewPrivs /proc/self/status; ulimit -c; ulimit "
	    "-n",
	    NULL);
	text = read_all(fd);
	assert_int_equal(job_status(&fx, 1, NULL), 0);
	assert_non_null(strstr(text, "-p web --ansi never logs --tail\n61001\n61001\n61001 61005 61006\n"));
	assert_non_null(strstr(text, "/var/.empty\n0022\n"));
	assert_non_null(strstr(text, "DOCKER_HOST=unix:///tmp/"));
	assert_non_null(strstr(text, "HOME=/home/alice"));
	assert_non_null(strstr(text, "PATH=/usr/sbin:/usr/bin:/sbin:/bin"));
	assert_null(strstr(text, "COLOUR"));
	assert_null(strstr(text, "secret"));
	assert_null(strstr(text, "PGO_"));
	assert_non_null(strstr(text, " 4\n1\nNoNewPrivs:\t1\n0\n4096")); /* 0, 1, 2 and ls's own; session leader */
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
a_git_job_has_no_engine_and_gets_its_secret_in_the_environment(void **state)
{
	const char *text;

	(void)state;
	start_up();
	text = read_all(job_start(&fx, 1, "ls-remote", "web", "echo $1; id -G; env | sort\n", NULL));
	assert_int_equal(job_status(&fx, 1, NULL), 0);
	assert_true(str_starts(text, "ls-remote\n61001 61006\n"));
	assert_non_null(strstr(text, "PGO_AUTH=dTpzZWNyZXQ=\n"));
	assert_non_null(strstr(text, "PGO_URL=https://example.org/web.git\n"));
	assert_non_null(strstr(text, "PGO_BRANCH=main\n"));
	assert_null(strstr(text, "DOCKER_HOST"));
	text = read_all(job_start(&fx, 2, "keys", "db", "echo $*; env | grep -c AUTH\n", OID, NULL));
	assert_string_equal(text, "keys " OID "\n0");
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
a_sealed_job_sees_no_host_and_no_network(void **state)
{
	const char *text;
	auto_free char *script = NULL;

	(void)state;
	start_up();
	write_file(at(&fx, "var/.stage/web/compose.yaml"), "staged\n", 0644);
	write_file(at(&fx, "var/web/compose.yaml"), "live\n", 0644);
	script = str_printf(
	    "cat %s/web/compose.yaml; for f in /proc/self /sys/class /etc/hostname /etc/shadow /root /home "
	    "%s/db %s/.stage /var /run; do test -e $f && echo sees $f; done; echo x > %s/web/new && echo wrote; "
	    "echo x > /usr/x && echo wrote; echo x > /x && echo wrote; echo t > /tmp/t && cat /tmp/t; echo n > "
	    "/dev/null && "
	    "echo null; head -c 1 /dev/urandom | wc -c; id -u; test -x $PGO_COMPOSE && echo compose; echo $PGO_ENV_COLOUR; "
	    "echo $PATH; "
	    "/bin/ls /; cat < /dev/tcp/127.0.0.1/1; getent hosts localhost || echo no hosts; ulimit -d\n",
	    fx.dir, fx.dir, fx.dir, fx.dir);
	text = read_all(job_start(&fx, 1, "resolve", "web", script, NULL));
	assert_int_equal(job_status(&fx, 1, NULL), 0);
	assert_true(str_starts(text, "staged\n"));
	if (!PGO_SANITIZED) /* whose runtime must see /proc */
		assert_null(strstr(text, "sees"));
	assert_null(strstr(text, "wrote"));
	assert_non_null(strstr(text, "t\nnull\n1\n61001\ncompose\nblue\n/usr/sbin:/usr/bin:/sbin:/bin\n"));
	if (!PGO_SANITIZED)
		assert_null(strstr(text, "proc"));
	assert_non_null(strstr(text, PGO_SANITIZED ? "no hosts\nunlimited" : "no hosts\n1048576"));
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
a_sealed_job_has_no_network_device_but_a_dead_loopback(void **state)
{
	const char *text;

	(void)state;
	start_up();
	text = read_all(job_start(&fx, 1, "resolve", "web",
	    "perl -e 'use Socket; socket(S, PF_INET, SOCK_STREAM, 0) or die; connect(S, sockaddr_in($ENV{PORT} || 22, "
	    "inet_aton(\"127.0.0.1\"))) or print \"$!\"'\n",
	    NULL));
	assert_string_equal(text, "Network is unreachable");
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
a_staged_job_sees_the_stage_over_the_live_tree_and_the_host_does_not(void **state)
{
	auto_free char *cat = NULL;
	const char *text;

	(void)state;
	start_up();
	write_file(at(&fx, "var/.stage/web/f"), "staged\n", 0644);
	write_file(at(&fx, "var/web/f"), "live\n", 0644);
	cat = str_printf("cat %s/web/f; test -e /etc/hostname && echo host", fx.dir);
	text = read_all(job_start(&fx, 1, "build", "web", NULL, "--", "sh", "-c", cat, NULL));
	assert_string_equal(text, "staged\nhost");
	assert_int_equal(job_status(&fx, 1, NULL), 0);
	text = read_all(job_start(&fx, 2, "logs", "web", NULL, "--", "sh", "-c", cat, NULL));
	assert_string_equal(text, "live\nhost");
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
refused(long long id, const char *kind, const char *service, const char *operand, const char *sentence)
{
	const char *error = NULL;

	close(job_start(&fx, id, kind, service, NULL, operand, NULL));
	assert_int_equal(job_status(&fx, id, &error), -1);
	if (strstr(error, sentence) == NULL)
		fail_msg("%s %s: %s", kind, service, error);
}

static void
what_is_not_on_the_menu_is_refused_with_a_sentence(void **state)
{
	(void)state;
	start_up();
	refused(1, "rm", "web", NULL, "no such kind");
	refused(2, "logs", "nobody-knows", NULL, "is not configured");
	refused(3, "down", "nobody-knows", NULL, "has no directory");
	refused(4, "logs", "../web", NULL, "not the name of a service");
	refused(5, "stage", "web", "HEAD", "takes one commit");
	refused(6, "stage", "web", NULL, "takes one commit");
	refused(7, "fetch", "web", "HEAD", "takes commits only");
	refused(8, "down", ".state", NULL, "not the name of a service");
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
down_of_a_service_that_is_gone_runs_as_the_owner_of_its_directory(void **state)
{
	(void)state;
	start_up();
	assert_int_equal(mkdir(at(&fx, "var/old"), 0755), 0);
	assert_int_equal(chown(at(&fx, "var/old"), UID_BOB, UID_BOB), 0);
	assert_string_equal(read_all(job_start(&fx, 1, "down", "old", NULL, "--", "id", "-un", NULL)), "bob");
	assert_int_equal(job_status(&fx, 1, NULL), 0);
	assert_int_equal(rmdir(at(&fx, "var/old")), 0);
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
a_job_that_cannot_start_names_the_reason(void **state)
{
	const char *error = NULL;

	(void)state;
	start_up();
	assert_int_equal(chmod(at(&fx, "x/pgod-job"), 0600), 0);
	close(job_start(&fx, 1, "ls-remote", "web", NULL, NULL));
	assert_int_equal(job_status(&fx, 1, &error), -1);
	assert_int_equal(chmod(at(&fx, "x/pgod-job"), 0755), 0);
	assert_non_null(strstr(error, "cannot execute"));
	assert_non_null(strstr(error, "Permission denied"));
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
exit_status_and_signal_come_back_as_they_are(void **state)
{
	(void)state;
	start_up();
	close(job_start(&fx, 1, "exec", "web", NULL, "--", "sh", "-c", "exit 42", NULL));
	assert_int_equal(job_status(&fx, 1, NULL), 42);
	close(job_start(&fx, 2, "exec", "web", NULL, "--", "sh", "-c", "kill -SEGV $$", NULL));
	assert_int_equal(job_status(&fx, 2, NULL), 128 + SIGSEGV);
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

/* With a clock that runs ten times as fast: a deadline is too long to wait for. */
static void
a_job_that_overruns_its_deadline_is_ended_with_what_it_started(void **state)
{
	const char *ordinary = fx.program;
	const char *error = NULL;
	pid_t grandchild;
	int fd;

	(void)state;
	fx.program = fx.fast_program;
	start_up();
	fx.program = ordinary;
	fd = job_start(&fx, 1, "keys", "web",
	    "trap '' TERM; sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' & wait; wait\n", OID, NULL);
	grandchild = read_pid(fd);
	assert_int_equal(job_status(&fx, 1, &error), -1);
	assert_string_equal(error, "keys overran its deadline of 30 s");
	gone(grandchild);
	close(fd);
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
kill_ends_a_grandchild_that_ignores_term_in_a_group_of_its_own(void **state)
{
	pid_t grandchild;
	int fd;

	(void)state;
	start_up();
	fd = job_start(&fx, 1, "exec", "web", NULL, "--", "bash", "-c",
	    "trap '' TERM; set -m; (trap '' TERM; echo $BASHPID; while :; do sleep 1; done) & wait; wait", NULL);
	grandchild = read_pid(fd);
	job_kill(&fx, 1, "TERM");
	assert_int_equal(job_status(&fx, 1, NULL), 128 + SIGKILL);
	gone(grandchild);
	close(fd);
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
a_daemon_that_left_the_session_ends_and_no_zombie_stays(void **state)
{
	pid_t daemon;
	int fd;

	(void)state;
	start_up();
	fd = job_start(&fx, 1, "exec", "web", NULL, "--", "bash", "-c",
	    "setsid bash -c 'echo $$; exec sleep 1000' & sleep 0.2", NULL);
	daemon = read_pid(fd);
	assert_int_equal(job_status(&fx, 1, NULL), 0);
	gone(daemon);
	close(fd);
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
interrupt_reaches_the_job(void **state)
{
	int fd;

	(void)state;
	start_up();
	fd = job_start(&fx, 1, "exec", "web", NULL, "--", "bash", "-c",
	    "trap 'exit 7' INT; echo 1; while :; do sleep 0.05; done", NULL);
	read_pid(fd);
	job_kill(&fx, 1, "INT");
	assert_int_equal(job_status(&fx, 1, NULL), 7);
	close(fd);
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
two_lock_jobs_of_a_service_run_one_after_the_other(void **state)
{
	auto_msg struct msg m = MSG_INIT;
	pid_t first;
	int one, two;

	(void)state;
	start_up();
	one = blocker(1, "web", &first);
	two = job_start(&fx, 2, "start", "web", NULL, "--", "echo", "second", NULL);
	assert_string_equal(read_all(job_start(&fx, 3, "start", "db", NULL, "--", "echo", "other", NULL)), "other");
	assert_int_equal(job_status(&fx, 3, NULL), 0);
	write_file(at(&fx, "go"), "", 0644);
	expect(&fx, "job-exited", &m);
	assert_int_equal(msg_int(&m, "id"), 1);
	assert_string_equal(read_all(two), "second");
	assert_int_equal(job_status(&fx, 2, NULL), 0);
	assert_string_equal(read_all(one), "over");
	unlink(at(&fx, "go"));
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
a_waiting_job_can_be_ended(void **state)
{
	const char *error = NULL;
	pid_t first;
	int one, two;

	(void)state;
	start_up();
	one = blocker(1, "web", &first);
	two = job_start(&fx, 2, "start", "web", NULL, "--", "echo", "second", NULL);
	job_kill(&fx, 2, "TERM");
	assert_int_equal(job_status(&fx, 2, &error), -1);
	assert_non_null(strstr(error, "while it waited"));
	assert_string_equal(read_all(two), "");
	write_file(at(&fx, "go"), "", 0644);
	assert_int_equal(job_status(&fx, 1, NULL), 0);
	close(one);
	unlink(at(&fx, "go"));
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
after_kill_9_the_new_pgod_waits_for_the_old_job(void **state)
{
	auto_msg struct msg m = MSG_INIT;
	pid_t old;
	int one, two;

	(void)state;
	start_up();
	one = blocker(1, "web", &old);
	kill(fx.pgod, SIGKILL);
	ends_with(128 + SIGKILL);
	core_drop(&fx);
	start_up();
	two = job_start(&fx, 2, "start", "web", NULL, "--", "echo", "second", NULL);
	expect(&fx, "job-waiting", &m);
	assert_int_equal(msg_int(&m, "id"), 2);
	assert_int_equal(msg_int(&m, "pid"), old);
	write_file(at(&fx, "go"), "", 0644);
	assert_string_equal(read_all(two), "second");
	assert_int_equal(job_status(&fx, 2, NULL), 0);
	assert_string_equal(read_all(one), "over");
	waitpid(old, NULL, 0);
	unlink(at(&fx, "go"));
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

/* Its deadline is the one that its kind had: the lock tells when it began. */
static void
an_old_job_beyond_its_deadline_is_ended_with_all_its_processes(void **state)
{
	auto_close int lock = -1;
	auto_free char *note = NULL;
	int ready[2];
	pid_t old;
	char byte;

	(void)state;
	start_up();
	assert_int_equal(pgod_stop(&fx), 0);
	assert_int_equal(pipe(ready), 0);
	old = fork();
	if (old == 0) {
		lock = open(at(&fx, "var/.lock/web"), O_RDWR | O_CREAT, 0600);
		note = str_printf("%d resolve 1\n", (int)getpid()); /* began when the machine did */
		flock(lock, LOCK_EX);
		if (write(lock, note, strlen(note)) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	start_up();
	assert_string_equal(read_all(job_start(&fx, 1, "start", "web", NULL, "--", "echo", "mine", NULL)), "mine");
	assert_int_equal(waitpid(old, NULL, 0), old);
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
when_core_dies_lock_jobs_finish_and_others_end(void **state)
{
	auto_msg struct msg m = MSG_INIT;
	pid_t locked, free_one;
	int one, two, three;

	(void)state;
	start_up();
	one = blocker(1, "web", &locked);
	two = job_start(&fx, 2, "logs", "web", NULL, "--", "sh", "-c", "echo $$; exec sleep 1000", NULL);
	free_one = read_pid(two);
	kill(fx.core_pid, SIGKILL);
	core_drop(&fx);
	core_attach(&fx, true);
	gone(free_one);
	expect(&fx, "config", &m);
	assert_int_equal(kill(locked, 0), 0);
	three = job_start(&fx, 1, "start", "web", NULL, "--", "echo", "new", NULL);
	msg_done(&m);
	m = (struct msg)MSG_INIT;
	expect(&fx, "job-waiting", &m);
	assert_int_equal(msg_int(&m, "pid"), locked);
	write_file(at(&fx, "go"), "", 0644);
	assert_string_equal(read_all(three), "new");
	assert_int_equal(job_status(&fx, 1, NULL), 0);
	close(one);
	close(two);
	unlink(at(&fx, "go"));
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T(a_job_is_the_account_and_nothing_else),
	    T(a_git_job_has_no_engine_and_gets_its_secret_in_the_environment),
	    T(a_sealed_job_sees_no_host_and_no_network),
	    T(a_sealed_job_has_no_network_device_but_a_dead_loopback),
	    T(a_staged_job_sees_the_stage_over_the_live_tree_and_the_host_does_not),
	    T(what_is_not_on_the_menu_is_refused_with_a_sentence),
	    T(down_of_a_service_that_is_gone_runs_as_the_owner_of_its_directory),
	    T(a_job_that_cannot_start_names_the_reason),
	    T(exit_status_and_signal_come_back_as_they_are),
	    T(a_job_that_overruns_its_deadline_is_ended_with_what_it_started),
	    T(kill_ends_a_grandchild_that_ignores_term_in_a_group_of_its_own),
	    T(a_daemon_that_left_the_session_ends_and_no_zombie_stays),
	    T(interrupt_reaches_the_job),
	    T(two_lock_jobs_of_a_service_run_one_after_the_other),
	    T(a_waiting_job_can_be_ended),
	    T(after_kill_9_the_new_pgod_waits_for_the_old_job),
	    T(an_old_job_beyond_its_deadline_is_ended_with_all_its_processes),
	    T(when_core_dies_lock_jobs_finish_and_others_end),
	};
	int failed;

	if (argc != 6)
		return 2;
	fixture_init(&fx, argv);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fixture_done(&fx);
	return failed;
}
