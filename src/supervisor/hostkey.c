#include "supervisor/hostkey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "supervisor/keyfile.h"

#define KEY_NAME "host_ed25519"

static int
load(const struct facts *f, int dirfd, struct key_pair *key, struct err *err)
{
	int rc = key_pair_read(dirfd, KEY_NAME, key, err);

	if (rc != -ENOENT)
		return rc;
	rc = key_pair_make(f, key, err);
	if (rc >= 0)
		rc = key_pair_store(dirfd, KEY_NAME, key, err);
	if (rc >= 0)
		log_info("made a host key file=%s/.ssh/%s", f->dir, KEY_NAME);
	return rc;
}

int
hostkey_load(const struct facts *f, struct err *err)
{
	auto_close int dirfd = openat(f->dirfd, ".ssh", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_key_pair struct key_pair key = KEY_PAIR_INIT;
	int rc;

	if (dirfd < 0)
		return err_errno(err, "cannot open %s/.ssh", f->dir);
	rc = load(f, dirfd, &key, err);
	if (rc < 0)
		return err_wrap(err, "%s/.ssh", f->dir);
	return io_memfd("host key", buf_str(&key.private), key.private.len, err);
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
