#include "base/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/sandbox_parts.h"

static bool entered;
static bool confines_paths = true;

#if PGO_SANITIZED
int __lsan_is_turned_off(void);

/* The leak check at exit wants to fork and to trace, which is what the door is closed against. */
int
__lsan_is_turned_off(void)
{
	return entered;
}
#endif

bool
sandbox_confines_paths(void)
{
	return confines_paths;
}

/* A role is an ordinary account without any capability, and must not become more. */
static int
drop_privileges(struct err *err)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};

	if (getuid() == 0 || geteuid() == 0 || getgid() == 0 || getegid() == 0)
		return err_set(err, EPERM, "refuses to run as root");
	if (syscall(SYS_capset, &head, none) < 0)
		return err_errno(err, "cannot give up capabilities");
	if (prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) < 0)
		return err_errno(err, "cannot become non-dumpable");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		return err_errno(err, "cannot set no_new_privs");
	return 0;
}

static int
limit(int resource, rlim_t value, const char *what, struct err *err)
{
	struct rlimit rl;

	if (getrlimit(resource, &rl) < 0)
		return err_errno(err, "cannot read the limit of %s", what);
	if (value < rl.rlim_max)
		rl.rlim_max = value;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(resource, &rl) < 0)
		return err_errno(err, "cannot limit %s", what);
	return 0;
}

static int
set_limits(const struct sandbox *sb, struct err *err)
{
	const struct {
		bool set;
		int resource;
		rlim_t value;
		const char *what;
	} limits[] = {
	    {true, RLIMIT_CORE, 0, "core files"},
	    {true, RLIMIT_NOFILE, sb->nofile, "open files"},
	    {!sb->may_fork, RLIMIT_NPROC, 0, "processes"},
	    {sb->as_bytes > 0 && !PGO_SANITIZED, RLIMIT_AS, sb->as_bytes, "memory"},
	};

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		if (limits[i].set && limit(limits[i].resource, limits[i].value, limits[i].what, err) < 0)
			return -err->num;
	}
	return 0;
}

static int
close_door(const struct sandbox *sb, struct err *err)
{
	int r, landlock;

	r = drop_privileges(err);
	if (r < 0)
		return r;
	landlock = sandbox_landlock(sb->dir, err); /* before the limits: it needs a descriptor of its own */
	if (landlock < 0)
		return landlock;
	r = set_limits(sb, err);
	if (r < 0)
		return r;
	r = sandbox_seccomp(sb, err);
	return r < 0 ? r : landlock;
}

int
sandbox_enter(const struct sandbox *sb, bool *ret_landlock, struct err *err)
{
	struct err why = ERR_INIT;
	int r = close_door(sb, &why);

	if (r < 0)
		return err_set(err, why.num, "sandbox of %s: %s", sb->role, why.msg);
	entered = true;
	confines_paths = r > 0;
	if (ret_landlock != NULL)
		*ret_landlock = r > 0;
	return 0;
}
