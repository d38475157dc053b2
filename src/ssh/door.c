#include "ssh/door.h"

#include <errno.h>
#include <libssh/libssh.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "base/auto.h"
#include "base/sandbox.h"
#include "ssh/bounds.h"

/* What a whole session of libssh needs, and nothing that opens, connects or executes. */
static const int syscalls[] = {
    SYS_alarm, /* the watchdog */
    SYS_brk,
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_close,
    SYS_exit_group,
    SYS_fcntl, /* O_NONBLOCK on the job's pipes */
    SYS_fstat,
    SYS_futex,
    SYS_getpid,
    SYS_getrandom,
    SYS_getsockopt,
    SYS_gettid,
    SYS_madvise,
    SYS_mmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_munmap,
    SYS_poll,
    SYS_read,
    SYS_recvfrom,
    SYS_recvmsg,
    SYS_rt_sigreturn,
    SYS_sendmsg,
    SYS_sendto,
    SYS_shutdown,
    SYS_write,
};

/* On the job's pipes and on its terminal: what it still holds, and how large the client's window is. No terminal takes
 * input or another owner that way. */
static const unsigned ioctls[] = {FIONREAD, TIOCSWINSZ};

static const struct sandbox sandbox = {
    .role = "pgod-ssh",
    .syscalls = syscalls,
    .nsyscalls = ARRAY_LEN(syscalls),
    .ioctls = ioctls,
    .nioctls = ARRAY_LEN(ioctls),
    .dir = NULL,
    .nofile = FDS_MAX,
    .as_bytes = MEMORY_MAX_BYTES,
    .may_fork = false,
};

int
door_close(struct err *err)
{
	unsigned char byte;

	/* OpenSSL reads openssl.cnf and seeds itself at the first use. */
	if (ssh_init() != SSH_OK || ssh_get_random(&byte, 1, 1) != 1)
		return err_set(err, EIO, "libssh cannot be initialised");
	return sandbox_enter(&sandbox, NULL, err);
}

int
door_test(struct err *err)
{
	int rc = door_close(err);

	return rc < 0 ? rc : sandbox_self_test(&sandbox, err);
}
