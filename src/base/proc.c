#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"

enum {
	PROC_START_MS = 30000, /* from fork to exec; a program on a dead network file system must not stop pgod */
	PROC_GROUPS_MAX = 65536,
	THIRD_FILENO = STDERR_FILENO + 1,
};

/* Each step of the child is one function: 0, or < 0 with err set. They run in this order, between fork and exec. */
struct child {
	const struct proc_spec *spec;
	int report; /* write end of the pipe that tells the parent how it went; close-on-exec */
	pid_t parent;
};

/* Moves the report out of the way of 0, 1, 2 and 3. The lowest free number cannot be a kept descriptor: those are open.
 */
static int
child_report(struct child *c, struct err *err)
{
	int fd;

	if (c->report > THIRD_FILENO)
		return 0;
	fd = fcntl(c->report, F_DUPFD_CLOEXEC, THIRD_FILENO + 1);
	if (fd < 0)
		return err_errno(err, "cannot duplicate a descriptor");
	close(c->report);
	c->report = fd;
	return 0;
}

/* What pgod ignores or blocks must not be ignored or blocked in a job: exec keeps both. */
static int
child_signals(struct child *c, struct err *err)
{
	/* The kernel's struct, all zero: SIG_DFL. libc's sigaction refuses the two signals that it keeps for itself,
	 * and a careless parent can have them ignored all the same. */
	static const unsigned long dfl[4] = {0};
	sigset_t none;

	(void)c;
	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, dfl, NULL, 8); /* fails for KILL and STOP, which cannot be ignored */
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return err_errno(err, "cannot unblock signals");
	return 0;
}

static int
child_session(struct child *c, struct err *err)
{
	if (c->spec->new_session && setsid() < 0)
		return err_errno(err, "cannot start a session");
	umask(c->spec->umask == 0 ? 022 : c->spec->umask);
	return 0;
}

static int
child_setup(struct child *c, struct err *err)
{
	int r;

	if (c->spec->setup == NULL)
		return 0;
	r = c->spec->setup(c->spec->setup_arg, err);
	if (r < 0 && err->num == 0)
		return err_set(err, -r, "the setup of the child failed");
	return r < 0 ? r : 0;
}

/* Duplicates all of them first, because each may be a number that another one is to become. */
static int
child_stdio(struct child *c, struct err *err)
{
	int n = c->spec->third > 0 ? 4 : 3;
	int high[4];

	for (int i = 0; i < n; i++) {
		int fd = i == THIRD_FILENO ? c->spec->third : c->spec->stdio[i];
		auto_close int null = -1;

		if (fd < 0) {
			null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
			if (null < 0)
				return err_errno(err, "cannot open /dev/null");
			fd = null;
		}
		high[i] = fcntl(fd, F_DUPFD_CLOEXEC, THIRD_FILENO + 1);
		if (high[i] < 0)
			return err_errno(err, "cannot duplicate descriptor %d", fd);
	}
	for (int i = 0; i < n; i++) {
		if (dup2(high[i], i) < 0)
			return err_errno(err, "cannot set up descriptor %d", i);
	}
	return 0;
}

static int
child_terminal(struct child *c, struct err *err)
{
	if (c->spec->terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		return err_errno(err, "cannot take the terminal");
	return 0;
}

/* All but 0, 1, 2, 3 when there is one, and the kept ones close at exec; the kernel closes them before the account can
 * look into the process.
 */
static int
child_fds(struct child *c, struct err *err)
{
	if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return err_errno(err, "cannot close the inherited descriptors");
	if (c->spec->third > 0 && fcntl(THIRD_FILENO, F_SETFD, 0) < 0)
		return err_errno(err, "cannot keep descriptor %d", THIRD_FILENO);
	for (size_t i = 0; i < c->spec->nkeep; i++) {
		if (fcntl(c->spec->keep[i], F_SETFD, 0) < 0)
			return err_errno(err, "cannot keep descriptor %d", c->spec->keep[i]);
	}
	return 0;
}

static int
child_limits(struct child *c, struct err *err)
{
	for (size_t i = 0; i < c->spec->nlimits; i++) {
		const struct proc_limit *limit = &c->spec->limits[i];
		struct rlimit rl;

		if (getrlimit(limit->resource, &rl) < 0)
			return err_errno(err, "cannot read resource limit %d", limit->resource);
		if (limit->value < rl.rlim_max) /* RLIM_INFINITY is the largest value */
			rl.rlim_max = limit->value;
		rl.rlim_cur = rl.rlim_max;
		if (setrlimit(limit->resource, &rl) < 0)
			return err_errno(err, "cannot set resource limit %d", limit->resource);
	}
	return 0;
}

/* Believes the kernel, not the return values: a child that kept root would run a repository's files as root. */
static int
verify_creds(const struct proc_spec *spec, struct err *err)
{
	static gid_t groups[PROC_GROUPS_MAX];
	uid_t ru, eu, su;
	gid_t rg, eg, sg;
	int n;

	if (getresuid(&ru, &eu, &su) < 0 || getresgid(&rg, &eg, &sg) < 0)
		return err_errno(err, "cannot read the credentials");
	if (ru != spec->uid || eu != spec->uid || su != spec->uid || rg != spec->gid || eg != spec->gid ||
	    sg != spec->gid)
		return err_set(err, EPERM, "the credentials did not change");
	n = getgroups(PROC_GROUPS_MAX, groups);
	if (n < 0)
		return err_errno(err, "cannot read the groups");
	for (int i = 0; i < n; i++) {
		bool known = groups[i] == spec->gid;

		for (size_t j = 0; j < spec->ngroups && !known; j++)
			known = groups[i] == spec->groups[j];
		if (!known)
			return err_set(err, EPERM, "the group %u was not given up", (unsigned)groups[i]);
	}
	if (spec->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		return err_set(err, EPERM, "the root account can be had back");
	return 0;
}

/* setresuid leaves inheritable (and with them ambient) capabilities alone. */
static int
drop_caps(struct err *err)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};

	if (syscall(SYS_capset, &head, none) < 0)
		return err_errno(err, "cannot give up capabilities");
	return 0;
}

static int
child_creds(struct child *c, struct err *err)
{
	const struct proc_spec *spec = c->spec;

	if (!spec->set_creds)
		return 0;
	if (setgroups(spec->ngroups, spec->groups) < 0)
		return err_errno(err, "cannot set the groups");
	if (setresgid(spec->gid, spec->gid, spec->gid) < 0)
		return err_errno(err, "cannot become group %u", (unsigned)spec->gid);
	if (setresuid(spec->uid, spec->uid, spec->uid) < 0)
		return err_errno(err, "cannot become user %u", (unsigned)spec->uid);
	if (spec->uid != 0 && drop_caps(err) < 0)
		return -err->num;
	return verify_creds(spec, err);
}

static int
child_cwd(struct child *c, struct err *err)
{
	const char *cwd = c->spec->cwd == NULL ? "/" : c->spec->cwd;

	if (chdir(cwd) < 0)
		return err_errno(err, "cannot enter %s", cwd);
	return 0;
}

static int
child_prctl(struct child *c, struct err *err)
{
	if (c->spec->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		return err_errno(err, "cannot set no_new_privs");
	if (c->spec->death_signal == 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, (long)c->spec->death_signal, 0L, 0L, 0L) < 0)
		return err_errno(err, "cannot set the death signal");
	/* The parent may have died before the line above: no signal would ever come. */
	if (getppid() != c->parent)
		return err_set(err, ESRCH, "the parent has died");
	return 0;
}

static int
child_exec(struct child *c, struct err *err)
{
	execve(c->spec->path, c->spec->argv, c->spec->envp);
	return err_errno(err, "cannot execute %s", c->spec->path);
}

static _Noreturn void
child_main(struct child *c)
{
	static int (*const steps[])(struct child *, struct err *) = {child_report, child_signals, child_session,
	    child_setup, child_stdio, child_terminal, child_fds, child_limits, child_creds, child_cwd, child_prctl,
	    child_exec};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (steps[i](c, &err) < 0)
			break;
	}
	/* Smaller than PIPE_BUF: it arrives whole or not at all. */
	while (write(c->report, &err, sizeof(err)) < 0 && errno == EINTR)
		;
	_exit(127);
}

static int
check_spec(const struct proc_spec *spec, struct err *err)
{
	if (spec->path == NULL || spec->path[0] != '/' || spec->argv == NULL || spec->envp == NULL)
		return err_set(err, EINVAL, "a child needs an absolute path, arguments and an environment");
	if (spec->nkeep > PROC_KEEP_MAX)
		return err_set(err, EINVAL, "a child keeps at most %d descriptors", PROC_KEEP_MAX);
	for (size_t i = 0; i < spec->nkeep; i++) {
		if (spec->keep[i] <= (spec->third > 0 ? THIRD_FILENO : STDERR_FILENO) ||
		    fcntl(spec->keep[i], F_GETFD) < 0)
			return err_set(err, EBADF, "descriptor %d cannot be kept", spec->keep[i]);
	}
	/* (uid_t)-1 means "leave as it is" to setresuid: the child would stay root. */
	if (spec->set_creds && (spec->uid == (uid_t)-1 || spec->gid == (gid_t)-1))
		return err_set(err, EINVAL, "a child cannot run as user %d, group %d", (int)spec->uid, (int)spec->gid);
	return 0;
}

/* Signals are blocked around fork, so that no handler of ours ever runs in the child. */
static pid_t
fork_quietly(struct child *c)
{
	sigset_t all, old;
	pid_t pid;
	int saved;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		child_main(c);
	saved = errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return pid;
}

/* Reads the child's report: 0 when it has executed the program, else its error. */
static int
await_exec(int fd, struct err *err)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	long long until_ms = io_now_ms() + PROC_START_MS;
	struct err theirs = ERR_INIT;
	ssize_t n;

	for (;;) {
		long long left_ms = until_ms - io_now_ms();
		int r = poll(&pfd, 1, left_ms > 0 ? (int)left_ms : 0);

		if (r > 0)
			break;
		if (r == 0)
			return err_set(err, ETIMEDOUT, "the child did not start within %d ms", PROC_START_MS);
		if (errno != EINTR)
			return err_errno(err, "cannot wait for the child");
	}
	do
		n = read(fd, &theirs, sizeof(theirs));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	if (n != (ssize_t)sizeof(theirs))
		return err_set(err, EIO, "the child's report is damaged");
	theirs.msg[sizeof(theirs.msg) - 1] = '\0';
	return err_set(err, theirs.num > 0 ? theirs.num : EIO, "%s", theirs.msg);
}

static void
bury(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int
proc_spawn(const struct proc_spec *spec, pid_t *ret_pid, int *ret_pidfd, struct err *err)
{
	struct child c = {.spec = spec, .report = -1, .parent = getpid()};
	auto_close int report = -1, pidfd = -1;
	struct err why = ERR_INIT;
	int pipefd[2], r;
	pid_t pid;

	r = check_spec(spec, err);
	if (r < 0)
		return r;
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return err_errno(err, "cannot make a pipe");
	report = pipefd[0];
	c.report = pipefd[1];
	pid = fork_quietly(&c);
	if (pid < 0)
		r = err_errno(&why, "cannot fork");
	close(pipefd[1]);
	if (pid < 0)
		return err_set(err, -r, "%s", why.msg);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0U);
	r = pidfd < 0 ? err_errno(&why, "cannot watch the child") : await_exec(report, &why);
	if (r < 0) {
		bury(pid);
		return err_set(err, -r, "%s", why.msg);
	}
	*ret_pid = pid;
	if (ret_pidfd != NULL)
		*ret_pidfd = take_fd(&pidfd);
	return 0;
}

const char *
proc_status_text(int wstatus, char *buf, size_t size)
{
	const char *name = WIFSIGNALED(wstatus) ? sigabbrev_np(WTERMSIG(wstatus)) : NULL;

	if (WIFEXITED(wstatus))
		snprintf(buf, size, "exit status %d", WEXITSTATUS(wstatus));
	else if (name != NULL)
		snprintf(buf, size, "killed by SIG%s", name);
	else if (WIFSIGNALED(wstatus))
		snprintf(buf, size, "killed by signal %d", WTERMSIG(wstatus));
	else
		snprintf(buf, size, "wait status 0x%x", (unsigned)wstatus);
	return buf;
}
