/* Closing the door: each unprivileged role calls sandbox_enter once, after its last open, and cannot come back. */
#ifndef PGO_BASE_SANDBOX_H
#define PGO_BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

#include "base/err.h"

struct sandbox {
	const char *role;
	/* Allowed system calls (SYS_*), besides the few every process needs (seccomp.c). What libc makes of a function
	 * counts: fstat is allowed, stat by name needs SYS_newfstatat, renameat2 without flags is SYS_renameat, send is
	 * SYS_sendto. No list lifts executable memory or (without may_fork) fork. */
	const int *syscalls;
	size_t nsyscalls;
	/* What ioctl may ask for, when SYS_ioctl is not in the list; NULL: nothing. */
	const unsigned *ioctls;
	size_t nioctls;
	const char *dir; /* the only directory this role may use, NULL: no files at all (landlock where available) */
	rlim_t nofile;	 /* RLIMIT_NOFILE */
	rlim_t as_bytes; /* RLIMIT_AS, 0: unlimited (always unlimited in sanitizer builds) */
	bool may_fork;	 /* false: RLIMIT_NPROC 0 and no clone */
};

/* Call it after everything that opens files lazily (OpenSSL's configuration, the time zone) was touched once.
 * no_new_privs, non-dumpable, rlimits, landlock, seccomp with default deny (EPERM; ENOSYS for calls libc probes for).
 * Refuses to run as root. Any failure is an error: a role never runs unconfined. Landlock alone may be missing (old
 * kernel): *ret_landlock (may be NULL) tells. */
int sandbox_enter(const struct sandbox *sb, bool *ret_landlock, struct err *err);

/* The self-test from inside: tries open, socket, execve, ptrace, fork and (with dir) an open outside dir. Returns 0
 * when all are refused, else -EPERM with err naming what got through. Run by every role's hidden --sandbox-test option.
 */
int sandbox_self_test(const struct sandbox *sb, struct err *err);

#endif
