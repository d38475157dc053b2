#include "supervisor/role.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/proc.h"

static const struct proc_limit limits[] = {
    {RLIMIT_NOFILE, 4096}, /* core: 256 connections, 128 jobs with three pipes each; pgod-ssh lowers its own */
    {RLIMIT_CORE, 0},	   /* a core file would hold keys */
};

int
role_reserve_fds(struct err *err)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR); /* 0 to 2 without close-on-exec, as they are expected to be */
		if (fd < 0)
			return err_errno(err, "cannot open /dev/null");
	} while (fd < ROLE_FD_FIRST);
	close(fd);
	for (int i = 0; i < ROLE_FD_MAX; i++) {
		if (open("/dev/null", O_RDWR | O_CLOEXEC) != ROLE_FD_FIRST + i)
			return err_errno(err, "cannot reserve descriptors");
	}
	return 0;
}

static int
put_fds(const int *fds, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (dup3(fds[i], ROLE_FD_FIRST + (int)i, O_CLOEXEC) < 0)
			return err_errno(err, "cannot place a descriptor");
	}
	return 0;
}

/* The role's ends must not stay open here: the peers would never see each other go. */
static void
drop_fds(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (null < 0 || dup3(null, ROLE_FD_FIRST + (int)i, O_CLOEXEC) < 0)
			abort();
	}
}

int
role_spawn(const struct facts *f, const struct role *r, pid_t *ret_pid, struct err *err)
{
	static const int numbers[ROLE_FD_MAX] = {ROLE_FD_FIRST, ROLE_FD_FIRST + 1, ROLE_FD_FIRST + 2};
	auto_free char *path = str_printf("%s/%s", f->libexec, r->program);
	auto_free char *name = str_dup(r->program);
	char *const argv[] = {name, NULL};
	char debug[] = "PGO_DEBUG=1";
	const char *journal = getenv("JOURNAL_STREAM");
	auto_free char *stream = journal != NULL ? str_printf("JOURNAL_STREAM=%s", journal) : NULL;
	char *envp[5] = {(char[]){"PATH=/usr/bin:/bin"}, (char[]){"LANG=C.UTF-8"}};
	size_t nenv = 2;
	const struct proc_spec spec = {.path = path,
	    .argv = argv,
	    .envp = envp,
	    .cwd = r->cwd,
	    .set_creds = true,
	    .uid = r->account->uid,
	    .gid = r->account->gid,
	    .stdio = {-1, -1, STDERR_FILENO},
	    .keep = numbers,
	    .nkeep = r->nfds,
	    .umask = 077,
	    .limits = limits,
	    .nlimits = ARRAY_LEN(limits),
	    .new_session = true,
	    .death_signal = SIGKILL,
	    .no_new_privs = true};
	int rc = put_fds(r->fds, r->nfds, err);

	if (f->debug)
		envp[nenv++] = debug;
	envp[nenv] = stream; /* its stderr is ours: the journal's, if ours is */
	if (rc >= 0)
		rc = proc_spawn(&spec, ret_pid, NULL, err);
	drop_fds(r->nfds);
	return rc < 0 ? err_wrap(err, "cannot start %s", r->program) : 0;
}
