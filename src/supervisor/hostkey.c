#include "supervisor/hostkey.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "base/proc.h"

enum {
	KEY_MAX = 16 * 1024,
	MAKE_DEADLINE_MS = 20 * 1000, /* a machine that boots may wait for randomness */
};

#define KEY_NAME "host_ed25519"
#define KEY_NEW "host_ed25519.new"
#define KEY_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----\n"

static int
make(const struct facts *f, struct buf *key, struct err *err)
{
	auto_buf struct buf tail = BUF_INIT(1024);
	auto_free char *path = str_printf("%s/pgod-ssh", f->libexec);
	char *const argv[] = {(char[]){"pgod-ssh"}, (char[]){"--make-host-key"}, NULL};
	char *const envp[] = {(char[]){"PATH=/usr/bin:/bin"}, (char[]){"LANG=C.UTF-8"}, NULL};
	const struct proc_spec spec = {.path = path,
	    .argv = argv,
	    .envp = envp,
	    .set_creds = true,
	    .uid = f->ssh.uid,
	    .gid = f->ssh.gid,
	    .stdio = {-1, -1, -1},
	    .umask = 077,
	    .new_session = true,
	    .death_signal = SIGKILL,
	    .no_new_privs = true};
	int rc = proc_run(&spec, NULL, 0, key, &tail, MAKE_DEADLINE_MS, err);

	if (rc < 0)
		return err_wrap(err, "cannot make a host key");
	if (rc != 0 || !str_starts(buf_str(key), KEY_BEGIN)) {
		auto_buf struct buf vis = BUF_INIT(1024);

		buf_vis(&vis, buf_str(&tail), tail.len, false);
		return err_set(err, EPROTO, "pgod-ssh made no host key: exit status %d: %s", rc, buf_str(&vis));
	}
	return 0;
}

/* Whole or not at all: a torn key file would lock every client out with a warning about an attacker. */
static int
store(int dirfd, const struct buf *key, struct err *err)
{
	auto_close int fd = -1;

	unlinkat(dirfd, KEY_NEW, 0); /* of a start that was cut off */
	fd = openat(dirfd, KEY_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "cannot make %s", KEY_NEW);
	if (io_write_all(fd, key->data, key->len, err) < 0)
		return err_wrap(err, "cannot write %s", KEY_NEW);
	if (fsync(fd) < 0 || renameat(dirfd, KEY_NEW, dirfd, KEY_NAME) < 0 || fsync(dirfd) < 0)
		return err_errno(err, "cannot store %s", KEY_NAME);
	return 0;
}

static int
check_owner(int dirfd, struct err *err)
{
	struct stat st;

	if (fstatat(dirfd, KEY_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "cannot look at %s", KEY_NAME);
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 077) != 0)
		return err_set(err, EPERM, "%s must be a file of root that nobody else can read (chmod 600)", KEY_NAME);
	return 0;
}

static int
load(const struct facts *f, int dirfd, struct buf *key, struct err *err)
{
	int rc = check_owner(dirfd, err);

	if (rc == -ENOENT) {
		rc = make(f, key, err);
		if (rc >= 0)
			rc = store(dirfd, key, err);
		if (rc >= 0)
			log_info("made a host key file=%s/.ssh/%s", f->dir, KEY_NAME);
		return rc;
	}
	if (rc >= 0)
		rc = io_read_file(dirfd, KEY_NAME, key, err);
	if (rc >= 0 && !str_starts(buf_str(key), KEY_BEGIN))
		rc = err_set(err, EINVAL, "%s is not a private key in OpenSSH's format", KEY_NAME);
	return rc;
}

int
hostkey_load(const struct facts *f, struct err *err)
{
	auto_close int dirfd = openat(f->dirfd, ".ssh", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	__attribute__((cleanup(buf_wipe))) struct buf key = BUF_INIT(KEY_MAX);
	int rc;

	if (dirfd < 0)
		return err_errno(err, "cannot open %s/.ssh", f->dir);
	rc = load(f, dirfd, &key, err);
	if (rc < 0)
		return err_wrap(err, "%s/.ssh", f->dir);
	return io_memfd("host key", key.data, key.len, err);
}

int
hostkey_reopen(int memfd, struct err *err)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, "cannot open the host key") : fd;
}
