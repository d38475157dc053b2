/* The self-test from inside: each attempt is one line of a table. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/sandbox_parts.h"

static const char outside[] = "/etc/passwd";

/* An attempt returns < 0 with errno set when it was refused, else what it got. */
static int
got_fd(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd;
}

static int
try_open(const struct sandbox *sb)
{
	(void)sb;
#ifdef SYS_open
	return got_fd((int)syscall(SYS_open, outside, O_RDONLY | O_CLOEXEC));
#else
	return got_fd(open(outside, O_RDONLY | O_CLOEXEC));
#endif
}

static int
try_openat(const struct sandbox *sb)
{
	(void)sb;
	return got_fd(openat(AT_FDCWD, outside, O_RDONLY | O_CLOEXEC));
}

static int
try_openat2(const struct sandbox *sb)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC};

	(void)sb;
	return got_fd((int)syscall(SYS_openat2, AT_FDCWD, outside, &how, sizeof(how)));
}

/* Out of the directory by its own way. */
static int
try_dotdot(const struct sandbox *sb)
{
	char path[PATH_MAX];

	if (sb->dir == NULL)
		return try_openat(sb);
	snprintf(path, sizeof(path), "%s/../../../../../../../../../..%s", sb->dir, outside);
	return got_fd(openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC));
}

static int
try_inet(const struct sandbox *sb)
{
	(void)sb;
	return got_fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int
try_unix(const struct sandbox *sb)
{
	(void)sb;
	return got_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/* A refused call says EPERM before it looks at its arguments; EBADF means that the call itself is open. */
static int
try_connect(const struct sandbox *sb)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(9)};

	(void)sb;
	return connect(-1, (const struct sockaddr *)&sin, sizeof(sin));
}

/* Of a program that fails: where it runs in our place, the self-test must not end well. */
static int
try_execve(const struct sandbox *sb)
{
	char arg[] = "/bin/false";
	char *const argv[] = {arg, NULL};
	char *const envp[] = {NULL};

	(void)sb;
	return execve("/bin/false", argv, envp);
}

static int
try_ptrace(const struct sandbox *sb)
{
	(void)sb;
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int
try_fork(const struct sandbox *sb)
{
	pid_t pid;

	if (sb->may_fork) {
		errno = EPERM;
		return -1;
	}
	pid = fork();
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return pid;
}

static int
try_setuid(const struct sandbox *sb)
{
	(void)sb;
	return setuid(0);
}

static int
try_mount(const struct sandbox *sb)
{
	(void)sb;
	return mount("none", "/mnt", "tmpfs", 0, NULL);
}

static int
try_kill(const struct sandbox *sb)
{
	(void)sb;
	return kill(getpid(), 0);
}

/* What would type into a terminal. EBADF means that the request was let in. */
static int
try_ioctl(const struct sandbox *sb)
{
	(void)sb;
	return ioctl(-1, TIOCSTI, "x");
}

static int
try_mmap(const struct sandbox *sb)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)sb;
	if (p == MAP_FAILED)
		return -1;
	munmap(p, 4096);
	return 0;
}

static int
try_mprotect(const struct sandbox *sb)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r, saved;

	(void)sb;
	if (p == MAP_FAILED)
		return 0;
	r = mprotect(p, 4096, PROT_READ | PROT_EXEC);
	saved = errno;
	munmap(p, 4096);
	errno = saved;
	return r;
}

static const struct {
	const char *what;
	int (*attempt)(const struct sandbox *sb);
	bool by_path; /* refused by landlock alone where the role may open files */
} attempts[] = {
    {"open", try_open, true}, {"openat", try_openat, true}, {"openat2", try_openat2, true},
    {"openat through ..", try_dotdot, true}, {"socket(AF_INET)", try_inet, false}, {"socket(AF_UNIX)", try_unix, false},
    {"connect", try_connect, false}, {"ptrace", try_ptrace, false}, {"fork", try_fork, false},
    {"setuid(0)", try_setuid, false}, {"mount", try_mount, false}, {"kill", try_kill, false},
    {"ioctl(TIOCSTI)", try_ioctl, false}, {"mmap(PROT_EXEC)", try_mmap, false},
    {"mprotect(PROT_EXEC)", try_mprotect, false},
    {"execve", try_execve, false}, /* last: nothing comes back from one that works */
};

/* EAGAIN is RLIMIT_NPROC's answer. Any other error means that the call was let in and failed by itself. */
static bool
is_refusal(int num)
{
	return num == EPERM || num == EACCES || num == ENOSYS || num == EAGAIN;
}

static int
check_inside(const struct sandbox *sb, struct err *err)
{
	if (sb->dir == NULL)
		return 0;
	if (got_fd(openat(AT_FDCWD, sb->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return err_errno(err, "self-test: %s cannot open its own directory %s", sb->role, sb->dir);
	return 0;
}

int
sandbox_self_test(const struct sandbox *sb, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		if (attempts[i].by_path && sb->dir != NULL && !sandbox_confines_paths())
			continue;
		errno = 0;
		if (attempts[i].attempt(sb) >= 0)
			return err_set(err, EPERM, "self-test: %s got through: %s", sb->role, attempts[i].what);
		if (!is_refusal(errno))
			return err_set(
			    err, EPERM, "self-test: %s got through: %s (errno %d)", sb->role, attempts[i].what, errno);
	}
	return check_inside(sb, err);
}
