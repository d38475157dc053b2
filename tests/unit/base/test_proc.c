#include "fixture.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "proc_fixture.h"

static char self[4096]; /* this program, which is also the child that tells what it was given */

static void
the_error_names_the_failing_step(void **state)
{
	struct proc_spec spec = spec_of(ARGV("/bin/true"));
	struct err err = ERR_INIT;
	pid_t pid = 77;

	(void)state;
	spec.path = "/nonexistent/git";
	assert_int_equal(proc_spawn(&spec, &pid, NULL, &err), -ENOENT);
	assert_string_equal(err.msg, "cannot execute /nonexistent/git: No such file or directory");
	spec.path = "/bin/true";
	spec.cwd = "/nonexistent";
	assert_int_equal(proc_spawn(&spec, &pid, NULL, &err), -ENOENT);
	assert_string_equal(err.msg, "cannot enter /nonexistent: No such file or directory");
	spec.cwd = NULL;
	spec.stdio[0] = 9999;
	assert_int_equal(proc_spawn(&spec, &pid, NULL, &err), -EBADF);
	assert_string_equal(err.msg, "cannot duplicate descriptor 9999: Bad file descriptor");
	assert_int_equal(pid, 77);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing left to reap */
}

static void
a_wrong_specification_is_refused_before_the_fork(void **state)
{
	struct proc_spec spec = spec_of(ARGV("true"));
	static const int many[PROC_KEEP_MAX + 1] = {3};
	struct err err = ERR_INIT;
	pid_t pid;

	(void)state;
	assert_int_equal(proc_spawn(&spec, &pid, NULL, &err), -EINVAL); /* a relative path */
	spec.path = "/bin/true";
	spec.keep = many;
	spec.nkeep = PROC_KEEP_MAX + 1;
	assert_int_equal(proc_spawn(&spec, &pid, NULL, &err), -EINVAL);
	spec.keep = (const int[]){1};
	spec.nkeep = 1;
	assert_int_equal(proc_spawn(&spec, &pid, NULL, &err), -EBADF); /* 1 is stdout's */
	spec.keep = (const int[]){9999};
	assert_int_equal(proc_spawn(&spec, &pid, NULL, &err), -EBADF);
	spec.nkeep = 0;
	spec.set_creds = true;
	spec.uid = (uid_t)-1;
	assert_int_equal(proc_spawn(&spec, &pid, NULL, &err), -EINVAL); /* would stay root */
}

static void
the_environment_is_what_the_specification_says(void **state)
{
	struct proc_spec spec = spec_of(ARGV("/usr/bin/env"));
	const char *text;

	(void)state;
	setenv("PGO_TEST_SECRET", "x", 1);
	spec.envp = ARGV("A=1", "B=two words");
	text = output_of(&spec);
	assert_string_equal(text, "A=1\nB=two words\n");
	unsetenv("PGO_TEST_SECRET");
}

static void
a_child_has_its_stdio_and_what_is_kept_and_nothing_else(void **state)
{
	struct proc_spec spec = spec_of(ARGV(self, "--fds"));
	int keep[2], leak[20], fds[2];
	char expected[64];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	for (size_t i = 0; i < ARRAY_LEN(leak); i++)
		leak[i] = fcntl(fds[0], F_DUPFD, 10 + 7 * (int)i); /* not close-on-exec */
	keep[0] = fcntl(fds[0], F_DUPFD_CLOEXEC, 50);
	keep[1] = fcntl(fds[0], F_DUPFD, 300);
	spec.keep = keep;
	spec.nkeep = 2;
	snprintf(expected, sizeof(expected), "0 1 2 %d %d \n", keep[0], keep[1]);
	assert_string_equal(output_of(&spec), expected);
	/* the parent's are as they were */
	assert_int_equal(fcntl(keep[0], F_GETFD), FD_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(leak); i++)
		assert_int_equal(close(leak[i]), 0);
	close(keep[0]);
	close(keep[1]);
	close(fds[0]);
	close(fds[1]);
}

static void
a_child_may_have_a_descriptor_three(void **state)
{
	struct proc_spec spec = spec_of(ARGV("/bin/sh", "-c", "cat <&3"));
	int low[2], pair[2], fds[2];
	char data[8];

	(void)state;
	assert_int_equal(pipe2(low, O_CLOEXEC), 0); /* whatever is at 3 in the parent */
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(write(pair[1], "hello", 5), 5);
	close(pair[1]);
	spec.third = pair[0];
	assert_string_equal(output_of(&spec), "hello");
	spec = spec_of(ARGV(self, "--fds"));
	spec.third = pair[0];
	assert_string_equal(output_of(&spec), "0 1 2 3 \n");
	spec.keep = (const int[]){3};
	spec.nkeep = 1;
	assert_int_equal(proc_spawn(&spec, &(pid_t){0}, NULL, &(struct err){0}), -EBADF);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	spec = spec_of(ARGV("/bin/sh", "-c", "echo >&3 x"));
	spec.third = fds[1];
	output_of(&spec);
	assert_int_equal(read(fds[0], data, sizeof(data)), 2);
	close(low[0]);
	close(low[1]);
	close(pair[0]);
	close(fds[0]);
	close(fds[1]);
}

static void
missing_stdio_is_dev_null(void **state)
{
	struct proc_spec spec = spec_of(ARGV("/bin/readlink", "/proc/self/fd/0", "/proc/self/fd/2"));

	(void)state;
	assert_string_equal(output_of(&spec), "/dev/null\n/dev/null\n");
}

/* In a child whose own 0, 1 and 2 are three pipe ends in the wrong places. */
static int
rotated_stdio(const void *arg)
{
	struct proc_spec spec = spec_of(ARGV("/bin/sh", "-c", "read x; echo out $x; echo err $x >&2"));
	int in[2], out[2], err[2];
	char text[32] = "";
	pid_t pid;

	(void)arg;
	if (pipe(in) < 0 || pipe(out) < 0 || pipe(err) < 0 || write(in[1], "word\n", 5) != 5)
		return 10;
	dup2(err[1], 0);
	dup2(in[0], 1);
	dup2(out[1], 2);
	spec.stdio[0] = 1;
	spec.stdio[1] = 2;
	spec.stdio[2] = 0;
	if (proc_spawn(&spec, &pid, NULL, NULL) < 0 || waitpid(pid, NULL, 0) != pid)
		return 11;
	if (read(out[0], text, sizeof(text)) != 9 || memcmp(text, "out word\n", 9) != 0)
		return 12;
	if (read(err[0], text, sizeof(text)) != 9 || memcmp(text, "err word\n", 9) != 0)
		return 13;
	return 0;
}

/* In a child that has no 0, 1 and 2 at all: the pipes of proc_spawn itself get these numbers. */
static int
closed_stdio(const void *arg)
{
	struct proc_spec spec =
	    spec_of(ARGV("/bin/sh", "-c", "test -c /dev/fd/0 && test -c /dev/fd/1 && test -c /dev/fd/2"));
	struct err err = ERR_INIT;
	int wstatus = -1;
	pid_t pid;

	(void)arg;
	close(0);
	close(1);
	close(2);
	if (proc_spawn(&spec, &pid, NULL, NULL) < 0 || waitpid(pid, &wstatus, 0) != pid)
		return 10;
	spec.path = "/nonexistent";
	if (proc_spawn(&spec, &pid, NULL, &err) != -ENOENT)
		return 11;
	return wstatus == 0 ? 0 : 12;
}

static void
stdio_may_overlap_with_its_own_numbers(void **state)
{
	(void)state;
	assert_int_equal(in_child(rotated_stdio, NULL), 0);
	assert_int_equal(in_child(closed_stdio, NULL), 0);
}

static void
signals_are_neither_blocked_nor_ignored(void **state)
{
	struct proc_spec spec = spec_of(ARGV("/bin/grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"));
	sigset_t block, old, now;

	(void)state;
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &old);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	assert_string_equal(output_of(&spec), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	sigprocmask(SIG_SETMASK, &old, &now);
	assert_true(sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGINT) == 0);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
}

static void
umask_directory_session_and_limits_are_set(void **state)
{
	const struct proc_limit limits[] = {{RLIMIT_NOFILE, 64}, {RLIMIT_CORE, 0}, {RLIMIT_FSIZE, RLIM_INFINITY}};
	struct proc_spec spec = spec_of(ARGV("/bin/sh", "-c", "umask; pwd; ulimit -Hn; ulimit -Sn; ulimit -c"));

	(void)state;
	umask(0);
	spec.limits = limits;
	spec.nlimits = ARRAY_LEN(limits);
	assert_string_equal(output_of(&spec), "0022\n/\n64\n64\n0\n");
	spec.umask = 077;
	spec.cwd = "/tmp";
	assert_string_equal(output_of(&spec), "0077\n/tmp\n64\n64\n0\n");
	umask(022);
	spec = spec_of(ARGV(self, "--session"));
	assert_string_equal(output_of(&spec), "inherited\n");
	spec.new_session = true;
	assert_string_equal(output_of(&spec), "own\n");
}

static int
limit_above_hard(const void *arg)
{
	const struct rlimit low = {50, 60};
	const struct proc_limit limits[] = {{RLIMIT_NOFILE, 1000}};
	struct proc_spec spec = spec_of(ARGV("/bin/sh", "-c", "test $(ulimit -Hn) = 60 && test $(ulimit -Sn) = 60"));
	int wstatus = -1;
	pid_t pid;

	(void)arg;
	spec.limits = limits;
	spec.nlimits = 1;
	if (setrlimit(RLIMIT_NOFILE, &low) < 0 || proc_spawn(&spec, &pid, NULL, NULL) < 0)
		return 10;
	return waitpid(pid, &wstatus, 0) == pid && wstatus == 0 ? 0 : 11;
}

static void
a_limit_above_the_hard_one_is_lowered_to_it(void **state)
{
	(void)state;
	assert_int_equal(in_child(limit_above_hard, NULL), 0);
}

static int
setup_step(void *arg, struct err *err)
{
	const int *mode = arg;

	if (*mode == 0)
		return chdir("/tmp") < 0 ? -errno : prctl(PR_SET_NAME, "set-up");
	return *mode == 1 ? err_set(err, EXDEV, "no view") : -EIO;
}

static void
the_setup_runs_in_the_child_and_can_give_up(void **state)
{
	struct proc_spec spec = spec_of(ARGV("/bin/pwd"));
	struct err err = ERR_INIT;
	char here[4096];
	int mode = 0;
	pid_t pid;

	(void)state;
	spec.setup = setup_step;
	spec.setup_arg = &mode;
	assert_string_equal(output_of(&spec), "/\n"); /* cwd comes later */
	assert_non_null(getcwd(here, sizeof(here)));
	assert_string_not_equal(here, "/tmp");
	mode = 1;
	assert_int_equal(proc_spawn(&spec, &pid, NULL, &err), -EXDEV);
	assert_string_equal(err.msg, "no view");
	mode = 2;
	assert_int_equal(proc_spawn(&spec, &pid, NULL, &err), -EIO);
	assert_string_equal(err.msg, "the setup of the child failed");
}

/* Starts a sleeper that holds the write end of a pipe, and dies. */
static int
dying_parent(const void *arg)
{
	struct proc_spec spec = spec_of(ARGV("/bin/sleep", "30"));
	pid_t pid;

	spec.stdio[1] = *(const int *)arg;
	spec.death_signal = SIGKILL;
	return proc_spawn(&spec, &pid, NULL, NULL) < 0 ? 10 : 0;
}

static void
the_death_signal_ends_the_child_with_its_parent(void **state)
{
	struct pollfd pfd;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(in_child(dying_parent, &fds[1]), 0);
	close(fds[1]);
	pfd = (struct pollfd){.fd = fds[0], .events = POLLIN};
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	assert_true((pfd.revents & POLLHUP) != 0);
	close(fds[0]);
}

static void
the_pidfd_tells_when_the_child_ends(void **state)
{
	struct proc_spec spec = spec_of(ARGV("/bin/cat"));
	struct pollfd pfd = {.events = POLLIN};
	int fds[2], pidfd = -1, wstatus;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	spec.stdio[0] = fds[0];
	assert_int_equal(proc_spawn(&spec, &pid, &pidfd, NULL), 0);
	assert_true((fcntl(pidfd, F_GETFD) & FD_CLOEXEC) != 0);
	pfd.fd = pidfd;
	assert_int_equal(poll(&pfd, 1, 0), 0);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	assert_int_equal(waitpid(pid, &wstatus, 0), pid);
	close(pidfd);
}

static void
starting_and_failing_leaks_no_descriptor(void **state)
{
	struct proc_spec spec = spec_of(ARGV("/bin/true"));
	int before = count_fds();
	pid_t pid;

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(proc_spawn(&spec, &pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	spec.path = "/nonexistent";
	for (int i = 0; i < 5; i++)
		assert_int_equal(proc_spawn(&spec, &pid, NULL, NULL), -ENOENT);
	assert_int_equal(count_fds(), before);
}

static void
a_status_has_words(void **state)
{
	char text[64], few[8];

	(void)state;
	assert_string_equal(proc_status_text(W_EXITCODE(3, 0), text, sizeof(text)), "exit status 3");
	assert_string_equal(proc_status_text(W_EXITCODE(0, SIGKILL), text, sizeof(text)), "killed by SIGKILL");
	assert_string_equal(proc_status_text(W_EXITCODE(0, 40), text, sizeof(text)), "killed by signal 40");
	assert_string_equal(proc_status_text(0x137f, text, sizeof(text)), "wait status 0x137f");
	assert_string_equal(proc_status_text(0, few, sizeof(few)), "exit st");
}

/* The child's side: what was I given? */
static int
tell(const char *what)
{
	if (strcmp(what, "--session") == 0) {
		puts(getsid(0) == getpid() ? "own" : "inherited");
		return 0;
	}
	for (int fd = 0; fd < 1024; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d ", fd);
	}
	puts("");
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_error_names_the_failing_step),
	    cmocka_unit_test(a_wrong_specification_is_refused_before_the_fork),
	    cmocka_unit_test(the_environment_is_what_the_specification_says),
	    cmocka_unit_test(a_child_has_its_stdio_and_what_is_kept_and_nothing_else),
	    cmocka_unit_test(a_child_may_have_a_descriptor_three),
	    cmocka_unit_test(missing_stdio_is_dev_null),
	    cmocka_unit_test(stdio_may_overlap_with_its_own_numbers),
	    cmocka_unit_test(signals_are_neither_blocked_nor_ignored),
	    cmocka_unit_test(umask_directory_session_and_limits_are_set),
	    cmocka_unit_test(a_limit_above_the_hard_one_is_lowered_to_it),
	    cmocka_unit_test(the_setup_runs_in_the_child_and_can_give_up),
	    cmocka_unit_test(the_death_signal_ends_the_child_with_its_parent),
	    cmocka_unit_test(the_pidfd_tells_when_the_child_ends),
	    cmocka_unit_test(starting_and_failing_leaks_no_descriptor),
	    cmocka_unit_test(a_status_has_words),
	};
	ssize_t n;

	if (argc > 1)
		return tell(argv[1]);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	return n < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
