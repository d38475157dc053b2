/* The real pgod, with a core that the test plays itself. */
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

static struct fixture fx;
static const char *fast_pgod;

#define CONFIG                                                                                                    \
	"[[services]]\nname = \"web\"\nuser = \"alice\"\nrepository = \"https://u:secret@example.org/web.git\"\n" \
	"env = [\"COLOUR=blue\"]\n"                                                                               \
	"[[services]]\nname = \"db\"\nuser = \"bob\"\nrepository = \"https://example.org/db.git\"\n"
#define OID "0123456789012345678901234567890123456789"

static int
setup(void **state)
{
	(void)state;
	write_file(fx.config, CONFIG, 0600);
	return 0;
}

/* Whatever a failed test left behind must not disturb the next. */
static int
teardown(void **state)
{
	(void)state;
	core_drop(&fx);
	if (fx.pgod > 0) {
		kill(fx.pgod, SIGKILL);
		waitpid(fx.pgod, NULL, 0);
		fx.pgod = 0;
	}
	return 0;
}

static void
start_up(void)
{
	pgod_start(&fx, "--restart=false", NULL);
	core_attach(&fx, true);
}

static void
ends_with(int status)
{
	assert_int_equal(pgod_wait(&fx), status);
	fx.pgod = 0;
}

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
	assert_null(strstr(buf_str(&doc), "COLOUR"));
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
	kill(fx.pgod, SIGTERM);
	core_drop(&fx);
	ends_with(0);
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
	kill(fx.pgod, SIGTERM);
	core_drop(&fx);
	ends_with(0);
}

static void
a_job_is_the_account_and_nothing_else(void **state)
{
	const char *text;
	int fd;

	(void)state;
	start_up();
	fd = job_start(&fx, 1, "logs", "web", NULL, "--tail", "--", "sh", "-c",
	    "echo $words; id -u; id -g; id -G; pwd; umask; env | sort | tr '\\n' ' '; ls /proc/self/fd | wc -l; "
	    "ps -o sid= -o pid= -p $$ | awk '{print $1 == $2}'; grep NoNewPrivs /proc/self/status; ulimit -c; ulimit "
	    "-n",
	    NULL);
	text = read_all(fd);
	assert_int_equal(job_status(&fx, 1, NULL), 0);
	assert_non_null(strstr(text, "-p web logs --tail\n61001\n61001\n61001 61005 61006\n"));
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
	    "echo null; head -c 1 /dev/urandom | wc -c; id -u; test -x $PGO_COMPOSE && echo compose; echo $COLOUR; "
	    "echo $PATH; "
	    "/bin/ls /; cat < /dev/tcp/127.0.0.1/1; getent hosts localhost || echo no hosts; ulimit -d\n",
	    fx.dir, fx.dir, fx.dir, fx.dir);
	text = read_all(job_start(&fx, 1, "resolve", "web", script, NULL));
	assert_int_equal(job_status(&fx, 1, NULL), 0);
	assert_true(str_starts(text, "staged\n"));
	assert_null(strstr(text, "sees"));
	assert_null(strstr(text, "wrote"));
	assert_non_null(strstr(text, "t\nnull\n1\n61001\ncompose\nblue\n/usr/sbin:/usr/bin:/sbin:/bin\n"));
	assert_null(strstr(text, "proc"));
	assert_non_null(strstr(text, "no hosts\n1048576"));
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
	refused(7, "fetch", "web", OID, "takes no operands");
	refused(8, "down", ".state", NULL, "not the name of a service");
	assert_int_equal(pgod_stop(&fx), 0);
	fx.pgod = 0;
}

static void
a_core_that_breaks_the_rules_is_dropped_and_started_anew(void **state)
{
	json_t *body = msg_new(
	    "job", "sIssssssss", "id", (json_int_t)1, "kind", "logs", "service", "web", "args", "", "stdio", "7");

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

static pid_t
read_pid(int fd)
{
	char line[32] = "";
	size_t n = 0;

	while (n < sizeof(line) - 1 && (n == 0 || line[n - 1] != '\n')) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};

		assert_int_equal(poll(&pfd, 1, WAIT_MS), 1);
		assert_int_equal(read(fd, line + n, 1), 1);
		n++;
	}
	return atoi(line);
}

static void
gone(pid_t pid)
{
	long long until = io_now_ms() + WAIT_MS;

	while (kill(pid, 0) == 0) {
		assert_true(io_now_ms() < until);
		poll(NULL, 0, 5);
	}
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
	fx.program = fast_pgod;
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

/* A lock job that says its pid and then runs until the file "go" appears. */
static int
blocker(long long id, const char *service, pid_t *ret_pid)
{
	auto_free char *script = str_printf("echo $$; until test -e %s/go; do sleep 0.05; done; echo over", fx.root);
	int fd = job_start(&fx, id, "stop", service, NULL, "--", "sh", "-c", script, NULL);

	*ret_pid = read_pid(fd);
	return fd;
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
	    T(a_job_is_the_account_and_nothing_else),
	    T(a_git_job_has_no_engine_and_gets_its_secret_in_the_environment),
	    T(a_sealed_job_sees_no_host_and_no_network),
	    T(a_sealed_job_has_no_network_device_but_a_dead_loopback),
	    T(a_staged_job_sees_the_stage_over_the_live_tree_and_the_host_does_not),
	    T(what_is_not_on_the_menu_is_refused_with_a_sentence),
	    T(a_core_that_breaks_the_rules_is_dropped_and_started_anew),
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
	    T(stopping_waits_for_a_lock_job_and_a_second_signal_does_not),
	    T(sighup_with_a_faulty_configuration_reports_it_and_carries_on),
	    T(a_changed_file_is_noticed_and_a_valid_one_ends_pgod_with_2),
	    T(a_stop_file_is_a_hold_with_its_author_and_first_line),
	    T(a_directory_of_another_account_is_a_problem_with_the_command),
	    T(retire_moves_the_directories_and_never_a_configured_service),
	    T(core_gets_a_connection_to_the_engine_or_a_reason),
	    T(a_connection_gets_a_process_with_the_host_key_and_core_a_channel),
	    T(the_33rd_connection_of_an_address_is_closed_at_once),
	    T(what_is_wrong_at_the_start_is_said_in_a_sentence),
	    T(a_link_in_place_of_a_directory_is_a_problem_and_not_followed),
	};
	int failed;

	if (argc != 6)
		return 2;
	fast_pgod = argv[5];
	fixture_init(&fx, argv);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fixture_done(&fx);
	return failed;
}
