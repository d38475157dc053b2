#include "supervisor/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/proc.h"

enum { MAKE_DEADLINE_MS = 20 * 1000 }; /* a machine that boots may wait for randomness */

#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define END "\n-----END OPENSSH PRIVATE KEY-----\n"

/* Takes the text apart. */
static int
split(const struct buf *text, struct key_pair *ret, struct err *err)
{
	const char *end = strstr(buf_str(text), END);
	size_t len = end == NULL ? 0 : (size_t)(end - buf_str(text)) + strlen(END);
	size_t line = len == 0 ? 0 : strcspn(buf_str(text) + len, "\n");

	if (len == 0 || !str_starts(buf_str(text), BEGIN))
		return err_set(err, EINVAL, "not a private key in OpenSSH's format");
	buf_add(&ret->private, buf_str(text), len);
	if (line > 0)
		ret->public = str_printf("%.*s", (int)line, buf_str(text) + len);
	return 0;
}

int
key_pair_make(const struct facts *f, struct key_pair *ret, struct err *err)
{
	__attribute__((cleanup(buf_wipe))) struct buf text = BUF_INIT(KEYFILE_MAX);
	auto_buf struct buf tail = BUF_INIT(1024);
	auto_buf struct buf vis = BUF_INIT(1024);
	auto_free char *path = str_printf("%s/pgod-ssh", f->libexec);
	char *const argv[] = {(char[]){"pgod-ssh"}, (char[]){"--make-key"}, NULL};
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
	int rc = proc_run(&spec, NULL, 0, &text, &tail, MAKE_DEADLINE_MS, err);

	if (rc < 0)
		return err_wrap(err, "cannot make a key");
	if (rc == 0 && split(&text, ret, NULL) == 0 && ret->public != NULL)
		return 0;
	buf_vis(&vis, buf_str(&tail), tail.len, false);
	return err_set(err, EPROTO, "pgod-ssh made no key: exit status %d: %s", rc, buf_str(&vis));
}

int
key_pair_store(int dirfd, const char *name, const struct key_pair *k, struct err *err)
{
	auto_free char *fresh = str_printf(".%s.new", name);
	auto_close int fd = -1;
	int rc;

	unlinkat(dirfd, fresh, 0); /* of an attempt that was cut off */
	fd = openat(dirfd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "cannot make %s", fresh);
	rc = io_write_all(fd, buf_str(&k->private), k->private.len, err);
	if (rc >= 0 && k->public != NULL)
		rc = dprintf(fd, "%s\n", k->public) < 0 ? err_errno(err, "cannot write it") : 0;
	if (rc < 0)
		return err_wrap(err, "cannot write %s", fresh);
	/* A torn key would lock out whoever relies on it. */
	if (fsync(fd) < 0 || renameat(dirfd, fresh, dirfd, name) < 0 || fsync(dirfd) < 0)
		return err_errno(err, "cannot store %s", name);
	return 0;
}

static int
check_owner(int dirfd, const char *name, struct err *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "cannot look at %s", name);
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 077) != 0)
		return err_set(err, EPERM, "%s must be a file of root that nobody else can read (chmod 600)", name);
	return 0;
}

int
key_pair_read(int dirfd, const char *name, struct key_pair *ret, struct err *err)
{
	__attribute__((cleanup(buf_wipe))) struct buf text = BUF_INIT(KEYFILE_MAX);
	int rc = check_owner(dirfd, name, err);

	if (rc >= 0)
		rc = io_read_file(dirfd, name, &text, err);
	if (rc < 0)
		return rc;
	rc = split(&text, ret, err);
	return rc < 0 ? err_wrap(err, "%s", name) : 0;
}

void
key_pair_done(struct key_pair *k)
{
	buf_wipe(&k->private);
	free(k->public);
	k->public = NULL;
}
