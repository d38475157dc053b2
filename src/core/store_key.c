/* The key of this host: what must be told apart but not guessed goes into the database hashed together with it. It lies
 * beside the database, in a file of its own, so that a copy of the one is no copy of the other. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "core/store.h"

#define KEY_NAME "key"
#define KEY_NEW "key.new"

static int
make_key(char ret_hex[STORE_KEY], struct err *err)
{
	auto_close int dirfd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_close int fd = open(KEY_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unsigned char raw[STORE_KEY / 2];

	if (dirfd < 0 || fd < 0)
		return err_errno(err, "cannot make the file %s", KEY_NAME);
	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return err_errno(err, "cannot make a key");
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", raw[i]);
	if (io_write_all(fd, ret_hex, STORE_KEY - 1, err) < 0)
		return err_wrap(err, "cannot write the file %s", KEY_NAME);
	if (fsync(fd) < 0 || rename(KEY_NEW, KEY_NAME) < 0 || fsync(dirfd) < 0)
		return err_errno(err, "cannot write the file %s", KEY_NAME);
	return 0;
}

int
store_key(char ret_hex[STORE_KEY], struct err *err)
{
	auto_buf struct buf text = BUF_INIT(STORE_KEY - 1);
	int rc = io_read_file(AT_FDCWD, KEY_NAME, &text, err);

	/* One that is lost or damaged costs another look at what was judged, and no more. */
	if (rc == -ENOENT || rc == -EFBIG || (rc >= 0 && text.len != STORE_KEY - 1))
		return make_key(ret_hex, err);
	if (rc >= 0)
		memcpy(ret_hex, buf_str(&text), STORE_KEY);
	return rc;
}
