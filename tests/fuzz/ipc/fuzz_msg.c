/* What a peer may put into a datagram. The first byte chooses its direction and how many descriptors come along; what
 * is received must be exactly what the catalogue says, and must be sendable again. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "ipc/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FDS_MOST = 5 }; /* more than a message may have */

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
send_raw(int fd, const uint8_t *data, size_t size, size_t nfds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * FDS_MOST)];
	} control = {0};
	auto_free uint8_t *copy = malloc(size + 1);
	struct iovec iov = {.iov_base = copy, .iov_len = size};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	must(copy != NULL);
	memcpy(copy, data, size);
	if (nfds > 0) {
		mh.msg_control = control.space;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		control.align = (struct cmsghdr){CMSG_LEN(sizeof(int) * nfds), SOL_SOCKET, SCM_RIGHTS};
		for (size_t i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(&control.align) + i * sizeof(fd), &fd, sizeof(fd));
	}
	must(sendmsg(fd, &mh, 0) == (ssize_t)size);
}

/* A number that grows when a descriptor leaks. */
static int
lowest_free(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

static void
check_again(struct msg *m, enum msg_dir dir, int ends[2])
{
	auto_msg struct msg again = MSG_INIT;

	must(m->spec->dir == dir && msg_check(m->spec, m->body, m->nfds, NULL) == 0 && m->nfds <= MSG_FDS);
	if (msg_send(ends[1], dir, m->body, m->fds, m->nfds, NULL) < 0)
		return; /* escapes made it longer than may be sent */
	must(msg_recv(ends[0], dir, &again, NULL) == 1);
	must(again.spec == m->spec && json_equal(again.body, m->body) == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum msg_dir dirs[] = {
	    CORE_TO_PGOD, PGOD_TO_CORE, SSH_TO_CORE, CORE_TO_SSH, WEB_TO_CORE, CORE_TO_WEB};
	enum msg_dir dir = dirs[size == 0 ? 0 : data[0] % ARRAY_LEN(dirs)];
	size_t nfds = size == 0 ? 0 : data[0] / ARRAY_LEN(dirs) % (FDS_MOST + 1);
	struct err err = ERR_INIT;
	int ends[2], r, before = lowest_free();
	struct msg m = MSG_INIT;

	if (size < 2 || size > 100000)
		return 0;
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	send_raw(ends[1], data + 1, size - 1, nfds);
	r = msg_recv(ends[0], dir, &m, &err);
	must(r == 1 || (r == -EBADMSG && err.num == EBADMSG && m.body == NULL && m.nfds == 0));
	if (r == 1)
		check_again(&m, dir, ends);
	msg_done(&m);
	close(ends[0]);
	close(ends[1]);
	must(lowest_free() == before);
	return 0;
}
