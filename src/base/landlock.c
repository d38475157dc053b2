/* Landlock through raw system calls: Debian 12's headers end at ABI 2, its users' kernels do not. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/sandbox_parts.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define BIT(n) (UINT64_C(1) << (n))

enum {
	CREATE_RULESET_VERSION = 1,
	RULE_PATH_BENEATH = 1,
};

struct ruleset_attr {
	uint64_t fs;
	uint64_t net;	/* ABI 4 */
	uint64_t scope; /* ABI 6 */
};

struct path_beneath_attr {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* Every right there is; what the kernel handles and no rule allows is refused. */
static const struct {
	int bit;
	int abi;
	bool in_dir; /* allowed inside the role's directory: what a database needs */
} fs_rights[] = {
    {0, 1, false},  /* EXECUTE */
    {1, 1, true},   /* WRITE_FILE */
    {2, 1, true},   /* READ_FILE */
    {3, 1, true},   /* READ_DIR */
    {4, 1, true},   /* REMOVE_DIR */
    {5, 1, true},   /* REMOVE_FILE */
    {6, 1, false},  /* MAKE_CHAR */
    {7, 1, true},   /* MAKE_DIR */
    {8, 1, true},   /* MAKE_REG */
    {9, 1, false},  /* MAKE_SOCK */
    {10, 1, false}, /* MAKE_FIFO */
    {11, 1, false}, /* MAKE_BLOCK */
    {12, 1, false}, /* MAKE_SYM: a link would lead others out of the directory */
    {13, 2, true},  /* REFER */
    {14, 3, true},  /* TRUNCATE */
    {15, 5, false}, /* IOCTL_DEV */
};

static uint64_t
fs_mask(int abi, bool in_dir)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < ARRAY_LEN(fs_rights); i++) {
		if (fs_rights[i].abi <= abi && (!in_dir || fs_rights[i].in_dir))
			mask |= BIT(fs_rights[i].bit);
	}
	return mask;
}

static int
make_ruleset(int abi, struct err *err)
{
	struct ruleset_attr attr = {.fs = fs_mask(abi, false)};
	size_t size = sizeof(attr.fs);
	int fd;

	if (abi >= 4) {
		attr.net = BIT(0) | BIT(1); /* BIND_TCP, CONNECT_TCP */
		size = sizeof(attr.fs) + sizeof(attr.net);
	}
	if (abi >= 6) {
		attr.scope = BIT(0) | BIT(1); /* ABSTRACT_UNIX_SOCKET, SIGNAL */
		size = sizeof(attr);
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0U); /* close-on-exec */
	if (fd < 0)
		return err_errno(err, "landlock: cannot make a rule set");
	return fd;
}

static int
allow_dir(int ruleset, int abi, const char *dir, struct err *err)
{
	struct path_beneath_attr attr = {.allowed = fs_mask(abi, true)};
	auto_close int fd = -1;

	fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "cannot open %s", dir);
	attr.fd = fd;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attr, 0U) < 0)
		return err_errno(err, "landlock: cannot allow %s", dir);
	return 0;
}

int
sandbox_landlock(const char *dir, struct err *err)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0UL, CREATE_RULESET_VERSION);
	auto_close int ruleset = -1;
	int r;

	/* Not built, not enabled, or hidden by a container's filter. */
	if (abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM))
		return 0;
	if (abi < 0)
		return err_errno(err, "landlock: cannot read its version");
	ruleset = make_ruleset(abi, err);
	if (ruleset < 0)
		return ruleset;
	if (dir != NULL) {
		r = allow_dir(ruleset, abi, dir, err);
		if (r < 0)
			return r;
	}
	if (syscall(SYS_landlock_restrict_self, ruleset, 0U) < 0)
		return err_errno(err, "landlock: cannot enter");
	return 1;
}
