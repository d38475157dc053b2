/* Children: what a child gets is named in struct proc_spec, and nothing else. It reports its own failing step. */
#ifndef PGO_BASE_PROC_H
#define PGO_BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/err.h"

struct proc_limit {
	int resource; /* RLIMIT_* */
	rlim_t value; /* soft and hard; lowered to the current hard limit when above it */
};

enum { PROC_KEEP_MAX = 4 };

struct proc_spec {
	const char *path; /* absolute path of the program */
	char *const *argv;
	char *const *envp; /* complete: nothing is inherited */
	const char *cwd;   /* NULL: "/" */
	bool set_creds;	   /* change uid, gid and groups below */
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary groups */
	size_t ngroups;
	int stdio[3];	 /* -1: /dev/null */
	int third;	 /* becomes descriptor 3 when > 0 */
	const int *keep; /* further descriptors the child inherits, at the same numbers */
	size_t nkeep;
	mode_t umask; /* 0: 022 */
	const struct proc_limit *limits;
	size_t nlimits;
	bool new_session; /* setsid */
	bool terminal;	  /* stdio[0] is a terminal: it becomes the new session's controlling one */
	int death_signal; /* 0: none; set after the credentials changed */
	bool no_new_privs;
	/* Runs in the child as root, before the credentials change (mount namespaces). Async-signal-safe code is not
	 * needed: the child was forked from a single-threaded process. Returns < 0 with err set to give up. */
	int (*setup)(void *arg, struct err *err);
	void *setup_arg;
};

/* Starts the child. Waits until it has executed the program or failed, so an error names the child's own failing step
 * ("cannot execute /usr/bin/git: No such file or directory"). A child that has not executed it after 30 s is killed
 * (ETIMEDOUT). On success *ret_pidfd (may be NULL) is close-on-exec. */
int proc_spawn(const struct proc_spec *spec, pid_t *ret_pid, int *ret_pidfd, struct err *err);

/* "exit status 3", "killed by SIGKILL": text of a wait status into buf. Returns buf. */
const char *proc_status_text(int wstatus, char *buf, size_t size);

/* Runs the child to its end with a deadline (TERM, then KILL after 2 s), its stdout collected into out (may be NULL,
 * then stdout is spec->stdio[1]), its stderr's last bytes into errtail (may be NULL). Returns the exit status (>= 0; a
 * signal is 128 + n) or < 0 when it could not run, overran (ETIMEDOUT) or wrote more than out->limit (EFBIG: a
 * truncated answer is none). Ends with the child itself, whatever its own children keep open. in: its stdin as a memory
 * file; NULL: spec->stdio[0]. For programs that are sequential by nature (pgod-job, --check). */
struct buf;
int proc_run(const struct proc_spec *spec, const void *in, size_t in_len, struct buf *out, struct buf *errtail,
    int deadline_ms, struct err *err);

#endif
