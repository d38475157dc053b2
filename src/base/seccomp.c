/* The system call filter: a list of what is allowed, looked through from the top; all else is EPERM. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/sandbox_parts.h"

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#else
#error "no system call filter for this machine yet: name its AUDIT_ARCH here"
#endif

enum {
	FILTER_MAX = 1024,
	IOCTLS_MAX = 100, /* a jump over them reaches 255 lines */
	X32_BIT = 0x40000000,
	CLONE_NEW_ANY =
	    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET,
};

/* Memory, time, signals to itself, waiting, and descriptors that it holds already. None opens, connects, starts or
 * reaches another process. */
static const int common[] = {
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_close,
    SYS_fstat,
    SYS_lseek,
    SYS_munmap,
    SYS_madvise,
    SYS_mremap,
    SYS_brk,
    SYS_futex,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigpending,
    SYS_rt_sigtimedwait,
    SYS_sigaltstack,
    SYS_exit,
    SYS_exit_group,
    SYS_getpid,
    SYS_getppid,
    SYS_gettid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_getrandom,
    SYS_ppoll,
    SYS_pselect6,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_eventfd2,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_fcntl,
    SYS_dup,
    SYS_dup3,
    SYS_recvmsg,
    SYS_sendmsg,
    SYS_pipe2,
    SYS_restart_syscall,
    SYS_set_robust_list,
    SYS_sched_yield,
    SYS_getrusage,
#ifdef __x86_64__
    SYS_poll,
    SYS_select,
    SYS_epoll_wait,
    SYS_dup2,
    SYS_time,
    SYS_pipe,
#endif
#if PGO_SANITIZED
    SYS_readlink,
    SYS_sched_getaffinity,
    SYS_sysinfo,
#endif
};

/* libc or a library tries these first and falls back to an older call when they do not exist. */
static const int probed[] = {
    SYS_clone3,
    SYS_statx,
    SYS_rseq,
    SYS_openat2,
    SYS_faccessat2,
    SYS_epoll_pwait2,
    SYS_membarrier,
    SYS_io_uring_setup,
    SYS_copy_file_range,
    SYS_close_range,
};

/* Never from a role's list: without may_fork nothing starts. */
static const int forking[] = {
    SYS_clone,
    SYS_clone3,
#ifdef __x86_64__
    SYS_fork,
    SYS_vfork,
#endif
};

struct filter {
	struct sock_filter code[FILTER_MAX];
	unsigned short n;
	bool full;
};

static void
emit(struct filter *f, unsigned short op, unsigned k, unsigned char jt, unsigned char jf)
{
	if (f->n >= FILTER_MAX)
		f->full = true;
	else
		f->code[f->n++] = (struct sock_filter){op, jt, jf, k};
}

static void
load(struct filter *f, size_t offset)
{
	emit(f, BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0);
}

static void
give(struct filter *f, unsigned action)
{
	emit(f, BPF_RET | BPF_K, action, 0, 0);
}

static void
when_call(struct filter *f, int nr, unsigned action)
{
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1);
	give(f, action);
}

/* The low half of an argument: both machines are little-endian. All arguments looked at here are 32 bits wide. */
static void
when_call_arg(struct filter *f, int nr, int arg, unsigned short test, unsigned k, unsigned yes, unsigned no)
{
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 4);
	load(f, offsetof(struct seccomp_data, args) + sizeof(__u64) * (size_t)arg);
	emit(f, BPF_JMP | test | BPF_K, k, 0, 1);
	give(f, yes);
	give(f, no);
}

/* ioctl with one of these requests, and no other. The request is 32 bits wide for the kernel as well. */
static void
when_ioctl(struct filter *f, const unsigned *requests, size_t n)
{
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, (unsigned char)(2 * n + 2));
	load(f, offsetof(struct seccomp_data, args) + sizeof(__u64));
	for (size_t i = 0; i < n; i++) {
		emit(f, BPF_JMP | BPF_JEQ | BPF_K, requests[i], 0, 1);
		give(f, SECCOMP_RET_ALLOW);
	}
	give(f, SECCOMP_RET_ERRNO | EPERM);
}

static bool
has(const int *list, size_t n, int nr)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i] == nr)
			return true;
	}
	return false;
}

/* A call from another table of numbers (32 bits, x32) would mean something else than what is compared below. */
static void
add_arch(struct filter *f)
{
	load(f, offsetof(struct seccomp_data, arch));
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0);
	give(f, SECCOMP_RET_KILL_PROCESS);
	load(f, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	emit(f, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	give(f, SECCOMP_RET_ERRNO | ENOSYS);
#endif
}

static void
add_argument_rules(struct filter *f, const struct sandbox *sb)
{
	const unsigned eperm = SECCOMP_RET_ERRNO | EPERM, allow = SECCOMP_RET_ALLOW;

	/* Injected code must stay data: no page ever becomes executable. */
	when_call_arg(f, SYS_mmap, 2, BPF_JSET, PROT_EXEC, eperm, allow);
	when_call_arg(f, SYS_mprotect, 2, BPF_JSET, PROT_EXEC, eperm, allow);
	/* abort() is tgkill to itself; the processes of the same account are out of reach. */
	when_call_arg(f, SYS_tgkill, 0, BPF_JEQ, (unsigned)getpid(), allow, eperm);
	/* A pair that only who it is handed to can speak through; other families would be a network. */
	if (has(sb->syscalls, sb->nsyscalls, SYS_socketpair))
		when_call_arg(f, SYS_socketpair, 0, BPF_JEQ, AF_UNIX, allow, eperm);
	/* libc's fstat is newfstatat with AT_EMPTY_PATH; a role that looks at files by name lists the call itself. */
	if (!has(sb->syscalls, sb->nsyscalls, SYS_newfstatat))
		when_call_arg(f, SYS_newfstatat, 3, BPF_JSET, AT_EMPTY_PATH, allow, eperm);
	if (sb->nioctls > 0)
		when_ioctl(f, sb->ioctls, sb->nioctls);
	/* New namespaces bring capabilities inside them. */
	if (sb->may_fork)
		when_call_arg(f, SYS_clone, 0, BPF_JSET, CLONE_NEW_ANY, eperm, allow);
}

static void
build(struct filter *f, const struct sandbox *sb)
{
	add_arch(f);
	add_argument_rules(f, sb);
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		when_call(f, common[i], SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < sb->nsyscalls; i++) {
		if (!has(forking, ARRAY_LEN(forking), sb->syscalls[i]))
			when_call(f, sb->syscalls[i], SECCOMP_RET_ALLOW);
	}
#ifdef __x86_64__
	if (sb->may_fork) {
		when_call(f, SYS_fork, SECCOMP_RET_ALLOW);
		when_call(f, SYS_vfork, SECCOMP_RET_ALLOW);
	}
#endif
	for (size_t i = 0; i < ARRAY_LEN(probed); i++)
		when_call(f, probed[i], SECCOMP_RET_ERRNO | ENOSYS);
	give(f, SECCOMP_RET_ERRNO | EPERM);
}

int
sandbox_seccomp(const struct sandbox *sb, struct err *err)
{
	struct filter f = {.n = 0};
	struct sock_fprog prog;
	long r;

	if (sb->nioctls > IOCTLS_MAX)
		return err_set(err, E2BIG, "the list of ioctls is too long");
	build(&f, sb);
	if (f.full)
		return err_set(err, E2BIG, "the list of system calls is too long");
	prog = (struct sock_fprog){.len = f.n, .filter = f.code};
	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog);
	if (r < 0)
		return err_errno(err, "cannot install the system call filter");
	if (r > 0)
		return err_set(err, EBUSY, "thread %ld cannot take the system call filter", r);
	return 0;
}
