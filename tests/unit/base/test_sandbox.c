#include "fixture.h"

#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/sandbox.h"

enum { NOBODY = 65534, NO_LANDLOCK = 77 };

/* A child says why it failed through this pipe, because a sandboxed process has little else. */
static int report[2];
static char reported[1200];

static int
complain(const char *what)
{
	if (write(report[1], what, strlen(what)) < 0)
		return 98;
	return 1;
}

static bool
become_nobody(void)
{
	if (geteuid() != 0)
		return true;
	return setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	       setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

static bool
enter(const struct sandbox *sb, bool *ret_landlock)
{
	struct err err = ERR_INIT;

	if (!become_nobody())
		return complain("cannot become nobody") == 0;
	return sandbox_enter(sb, ret_landlock, &err) == 0 || complain(err.msg) == 0;
}

/* The child's exit status; its complaint is in `reported`. */
static int
outcome(int (*fn)(const void *arg), const void *arg)
{
	int wstatus;
	ssize_t n;

	assert_int_equal(pipe2(report, O_CLOEXEC), 0);
	wstatus = in_child(fn, arg);
	close(report[1]);
	n = read(report[0], reported, sizeof(reported) - 1);
	close(report[0]);
	reported[n > 0 ? n : 0] = '\0';
	return WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : 128 + WTERMSIG(wstatus);
}

static void
must_pass(int (*fn)(const void *arg), const void *arg)
{
	int r = outcome(fn, arg);

	if (r != 0)
		fail_msg("status %d: %s", r, reported);
}

static int
self_test(const void *arg)
{
	struct err err = ERR_INIT;

	if (!enter(arg, NULL))
		return 10;
	return sandbox_self_test(arg, &err) == 0 ? 0 : complain(err.msg);
}

static int
self_test_outside(const void *arg)
{
	struct err err = ERR_INIT;

	if (!become_nobody())
		return 10;
	return sandbox_self_test(arg, &err) == 0 ? 0 : complain(err.msg);
}

static const int file_calls[] = {SYS_openat, SYS_newfstatat, SYS_unlinkat, SYS_mkdirat, SYS_renameat, SYS_fsync,
    SYS_ftruncate, SYS_getdents64, SYS_symlinkat, SYS_mknodat};

static const struct sandbox no_files = {.role = "test", .nofile = 64};

static void
a_role_passes_its_own_test(void **state)
{
	(void)state;
	must_pass(self_test, &no_files);
}

static void
without_the_sandbox_the_test_fails(void **state)
{
	(void)state;
	assert_int_equal(outcome(self_test_outside, &no_files), 1);
	assert_string_equal(reported, "self-test: test got through: open");
}

/* The list of the role is too wide by one call: the test must name it. */
static void
each_hole_is_found(void **state)
{
	static const struct {
		int nr;
		const char *what;
	} holes[] = {
	    {SYS_socket, "socket(AF_INET)"},
	    {SYS_connect, "connect (errno 9)"},
	    {SYS_ptrace, "ptrace"},
	    {SYS_kill, "kill"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(holes); i++) {
		struct sandbox sb = {.role = "test", .nofile = 64, .syscalls = &holes[i].nr, .nsyscalls = 1};
		char expected[100];

		snprintf(expected, sizeof(expected), "self-test: test got through: %s", holes[i].what);
		assert_int_equal(outcome(self_test, &sb), 1);
		assert_string_equal(reported, expected);
	}
}

static void
a_list_cannot_lift_what_is_never_allowed(void **state)
{
	static const int list[] = {SYS_mmap, SYS_mprotect, SYS_clone, SYS_clone3, SYS_tgkill};
	const struct sandbox sb = {.role = "test", .nofile = 64, .syscalls = list, .nsyscalls = ARRAY_LEN(list)};

	(void)state;
	must_pass(self_test, &sb);
}

static void
a_list_that_is_too_long_is_an_error(void **state)
{
	static int list[2000];
	const struct sandbox sb = {.role = "test", .nofile = 64, .syscalls = list, .nsyscalls = ARRAY_LEN(list)};

	(void)state;
	assert_int_equal(outcome(self_test, &sb), 10);
	assert_string_equal(reported, "sandbox of test: the list of system calls is too long");
}

static int
as_root(const void *arg)
{
	struct err err = ERR_INIT;

	(void)arg;
	return sandbox_enter(&no_files, NULL, &err) == -EPERM ? complain(err.msg) : 10;
}

static void
root_is_refused(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(outcome(as_root, NULL), 1);
	assert_string_equal(reported, "sandbox of test: refuses to run as root");
}

/* What libc and libevent need still works; each line is one thing that broke a role once it was refused. */
static int
ordinary_life(const void *arg)
{
	auto_close int fd = -1;
	struct stat st;
	int pair[2];
	void *p;

	fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0 || !enter(arg, NULL))
		return 10;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return complain("fstat");
	if (fstatat(AT_FDCWD, "/etc/passwd", &st, 0) == 0)
		return complain("stat by name got through");
	p = malloc(10000000);
	if (p == NULL)
		return complain("malloc");
	free(p);
	if (send(pair[0], "x", 1, 0) >= 0 || errno != EPERM)
		return complain("sendto got through");
	if (write(pair[0], "x", 1) != 1 || read(pair[1], reported, 1) != 1 || dup(fd) < 0 || pipe2(pair, O_CLOEXEC) < 0)
		return complain("descriptors");
	if (io_now_ms() <= 0 || time(NULL) <= 0 || usleep(1) < 0)
		return complain("time");
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0, NULL) >= 0 || errno != ENOSYS)
		return complain("statx does not say ENOSYS");
	if (syscall(SYS_tgkill, getppid(), getppid(), 0) >= 0 || errno != EPERM)
		return complain("a signal to another process got through");
	return prctl(PR_SET_DUMPABLE, 1L) >= 0 ? complain("prctl got through") : 0;
}

static void
ordinary_life_goes_on_inside(void **state)
{
	(void)state;
	must_pass(ordinary_life, &no_files);
}

static int
limits_inside(const void *arg)
{
	static const int list[] = {SYS_prlimit64, SYS_prctl};
	const struct sandbox sb = {.role = "test", .nofile = 20, .as_bytes = 1 << 30, .syscalls = list, .nsyscalls = 2};
	struct rlimit rl;

	(void)arg;
	if (!enter(&sb, NULL))
		return 10;
	if (getrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_cur != 20 || rl.rlim_max != 20)
		return complain("RLIMIT_NOFILE");
	if (getrlimit(RLIMIT_CORE, &rl) < 0 || rl.rlim_max != 0)
		return complain("RLIMIT_CORE");
	if (getrlimit(RLIMIT_NPROC, &rl) < 0 || rl.rlim_max != 0)
		return complain("RLIMIT_NPROC");
	if (prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L) != 0)
		return complain("dumpable");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) != 1)
		return complain("no_new_privs");
	return 0;
}

static void
limits_are_lowered_for_good(void **state)
{
	(void)state;
	must_pass(limits_inside, NULL);
}

static int
forks(const void *arg)
{
	int wstatus = 0;
	pid_t pid;

	if (!enter(arg, NULL))
		return 10;
	pid = fork();
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return complain("refused");
	return waitpid(pid, &wstatus, 0) == pid ? wstatus : 11;
}

static void
only_a_role_that_may_fork_forks(void **state)
{
	static const int list[] = {SYS_wait4};
	struct sandbox sb = {.role = "test", .nofile = 64, .syscalls = list, .nsyscalls = 1};

	(void)state;
	assert_int_equal(outcome(forks, &sb), 1);
	assert_string_equal(reported, "refused");
	sb.may_fork = true;
	must_pass(forks, &sb);
}

static int
new_namespace(const void *arg)
{
	if (!enter(arg, NULL))
		return 10;
	return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL) < 0 && errno == EPERM ? 0 : 11;
}

static void
a_role_that_may_fork_gets_no_namespace(void **state)
{
	const struct sandbox sb = {.role = "test", .nofile = 64, .may_fork = true};

	(void)state;
	must_pass(new_namespace, &sb);
}

static int
aborts(const void *arg)
{
	if (!enter(arg, NULL))
		return 10;
	abort();
}

static void
abort_still_aborts(void **state)
{
	(void)state;
	assert_int_equal(outcome(aborts, &no_files), 128 + SIGABRT);
}

#ifdef __x86_64__
static int
old_entry(const void *arg)
{
	long r = 20; /* getpid of the 32-bit table, which is writev of ours */

	if (!enter(arg, NULL))
		return 10;
	__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
	return 0;
}

static int
x32_entry(const void *arg)
{
	if (!enter(arg, NULL))
		return 10;
	return syscall(0x40000000 + SYS_getpid) < 0 && errno == ENOSYS ? 0 : 11;
}

static void
the_other_tables_of_system_calls_are_closed(void **state)
{
	(void)state;
	assert_true(outcome(old_entry, &no_files) > 128); /* SIGSYS, or SIGSEGV where the kernel has no 32-bit entry */
	must_pass(x32_entry, &no_files);
}
#endif

static char dir[40];

static int
make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pgo-test-box-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	return geteuid() == 0 ? chown(dir, NOBODY, NOBODY) : 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static struct sandbox
with_dir(void)
{
	return (struct sandbox){
	    .role = "test", .nofile = 64, .dir = dir, .syscalls = file_calls, .nsyscalls = ARRAY_LEN(file_calls)};
}

static void
a_role_with_a_directory_passes_its_own_test(void **state)
{
	const struct sandbox sb = with_dir();

	(void)state;
	must_pass(self_test, &sb);
}

static void
a_role_that_cannot_use_its_directory_fails_its_test(void **state)
{
	const struct sandbox sb = {.role = "test", .nofile = 64, .dir = dir};

	(void)state;
	assert_int_equal(outcome(self_test, &sb), 1);
	assert_non_null(strstr(reported, "cannot open its own directory"));
}

static int
works_in_dir(const void *arg)
{
	auto_close int dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool landlock = false;
	auto_close int fd = -1;

	if (!enter(arg, &landlock))
		return 10;
	if (mkdirat(dirfd, "d", 0700) < 0)
		return complain("mkdir");
	fd = openat(dirfd, "d/a", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "abc", 3) != 3 || fsync(fd) < 0 || ftruncate(fd, 1) < 0)
		return complain("write");
	if (renameat(dirfd, "d/a", dirfd, "b") < 0)
		return complain("rename into another directory");
	if (unlinkat(dirfd, "b", 0) < 0 || unlinkat(dirfd, "d", AT_REMOVEDIR) < 0)
		return complain("remove");
	if (!landlock)
		return NO_LANDLOCK;
	if (symlinkat("/etc", dirfd, "link") == 0 || mknodat(dirfd, "fifo", S_IFIFO | 0600, 0) == 0)
		return complain("a link or a fifo got through");
	if (openat(AT_FDCWD, "/tmp/pgo-test-box-outside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0)
		return complain("a file outside got through");
	return openat(AT_FDCWD, "/proc/self/mem", O_RDWR | O_CLOEXEC) >= 0 ? complain("/proc/self/mem") : 0;
}

static void
the_directory_is_usable_and_the_world_outside_is_not(void **state)
{
	const struct sandbox sb = with_dir();
	int r;

	(void)state;
	r = outcome(works_in_dir, &sb);
	if (r == NO_LANDLOCK && getenv("PGO_TEST_STRICT") == NULL)
		skip();
	if (r != 0)
		fail_msg("status %d: %s", r, reported);
}

static void
a_missing_directory_is_an_error(void **state)
{
	struct sandbox sb = with_dir();

	(void)state;
	sb.dir = "/nonexistent";
	assert_int_equal(outcome(self_test, &sb), 10);
	assert_string_equal(reported, "sandbox of test: cannot open /nonexistent: No such file or directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_role_passes_its_own_test),
	    cmocka_unit_test(without_the_sandbox_the_test_fails),
	    cmocka_unit_test(each_hole_is_found),
	    cmocka_unit_test(a_list_cannot_lift_what_is_never_allowed),
	    cmocka_unit_test(a_list_that_is_too_long_is_an_error),
	    cmocka_unit_test(root_is_refused),
	    cmocka_unit_test(ordinary_life_goes_on_inside),
	    cmocka_unit_test(limits_are_lowered_for_good),
	    cmocka_unit_test(only_a_role_that_may_fork_forks),
	    cmocka_unit_test(a_role_that_may_fork_gets_no_namespace),
	    cmocka_unit_test(abort_still_aborts),
#ifdef __x86_64__
	    cmocka_unit_test(the_other_tables_of_system_calls_are_closed),
#endif
	    cmocka_unit_test(a_role_with_a_directory_passes_its_own_test),
	    cmocka_unit_test(a_role_that_cannot_use_its_directory_fails_its_test),
	    cmocka_unit_test(the_directory_is_usable_and_the_world_outside_is_not),
	    cmocka_unit_test(a_missing_directory_is_an_error),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
