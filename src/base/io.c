#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum { IO_CHUNK = 16 * 1024, SEAL_ATTEMPTS = 10 };

static int
too_big(const struct buf *b, struct err *err)
{
	return err_set(err, EFBIG, "more than %zu bytes", b->limit);
}

static bool
fits(const struct buf *b, size_t len)
{
	return b->len <= b->limit && len <= b->limit - b->len;
}

int
io_read_all(int fd, struct buf *b, struct err *err)
{
	char chunk[IO_CHUNK];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read");
		if (!fits(b, (size_t)n))
			return too_big(b, err);
		buf_add(b, chunk, (size_t)n);
	}
}

int
io_read_file(int dirfd, const char *path, struct buf *b, struct err *err)
{
	auto_close int fd = -1;
	struct stat st;

	/* O_NONBLOCK: a FIFO that someone put there must not make us wait. */
	fd = openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_errno(err, "cannot open %s", path);
	if (fstat(fd, &st) < 0)
		return err_errno(err, "cannot stat %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, S_ISDIR(st.st_mode) ? EISDIR : EINVAL, "%s is not a regular file", path);
	if (io_read_all(fd, b, err) < 0)
		return err_wrap(err, "cannot read %s", path);
	return 0;
}

int
io_write_all(int fd, const void *data, size_t len, struct err *err)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot write");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The kernel says EBUSY when it holds one of the pages itself after it has waited for 150 ms, as it may on a machine
 * that is short of memory or busy: that passes. */
static int
add_seals(int fd)
{
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	int rc = -1;

	for (int i = 0; i < SEAL_ATTEMPTS && rc < 0; i++) {
		rc = fcntl(fd, F_ADD_SEALS, seals);
		if (rc < 0 && errno != EBUSY)
			return -1;
	}
	return rc;
}

int
io_memfd(const char *name, const void *data, size_t len, struct err *err)
{
	auto_close int fd = -1;

	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_errno(err, "cannot make a memory file");
	if (io_write_all(fd, data, len, err) < 0)
		return err_wrap(err, "memory file");
	if (lseek(fd, 0, SEEK_SET) < 0 || add_seals(fd) < 0)
		return err_errno(err, "cannot seal a memory file");
	return take_fd(&fd);
}

/* Reads size bytes from the start. Never moves the file's offset: the peer shares it and could move it between two
 * reads. */
static int
read_at_start(int fd, size_t size, struct buf *b, struct err *err)
{
	char chunk[IO_CHUNK];

	for (size_t at = 0; at < size;) {
		size_t want = size - at < sizeof(chunk) ? size - at : sizeof(chunk);
		ssize_t n = pread(fd, chunk, want, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read");
		if (n == 0)
			return err_set(err, EIO, "the memory file is shorter than it says");
		buf_add(b, chunk, (size_t)n);
		at += (size_t)n;
	}
	return 0;
}

int
io_memfd_read(int fd, struct buf *b, struct err *err)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0)
		return err_set(err, EINVAL, "the descriptor is not a memory file");
	/* A peer that can still write could change what was checked; one that can shrink, the size that was checked. */
	if ((seals & F_SEAL_WRITE) == 0 || (seals & F_SEAL_SHRINK) == 0)
		return err_set(err, EINVAL, "the memory file is not sealed");
	if (fstat(fd, &st) < 0)
		return err_errno(err, "cannot stat");
	if (st.st_size < 0 || !fits(b, (size_t)st.st_size))
		return too_big(b, err);
	return read_at_start(fd, (size_t)st.st_size, b, err);
}

int
io_send_fd(int sock, int fd, struct err *err)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	char byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr mh = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	while (sendmsg(sock, &mh, MSG_NOSIGNAL) < 0) {
		if (errno != EINTR)
			return err_errno(err, "cannot hand a descriptor over");
	}
	return 0;
}

int
io_recv_fd(int sock, int *ret_fd, struct err *err)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr mh = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};
	const struct cmsghdr *cm;
	ssize_t n;

	do
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(err, "cannot receive a descriptor");
	if (n == 0)
		return 0;
	cm = CMSG_FIRSTHDR(&mh);
	if (cm == NULL || cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS ||
	    cm->cmsg_len != CMSG_LEN(sizeof(int)))
		return err_set(err, EBADMSG, "a message without a descriptor");
	memcpy(ret_fd, CMSG_DATA(cm), sizeof(int));
	return 1;
}

int
io_set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if (fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static long long
clock_ms(clockid_t clock)
{
	struct timespec ts = {0, 0};

	clock_gettime(clock, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

long long
io_now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

long long
io_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

void
io_utc_text(long long wall_ms, char ret[IO_UTC_TEXT])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL || strftime(ret, IO_UTC_TEXT, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(ret, IO_UTC_TEXT, "(no time)");
}
