/* Stands in for pgod-core: hands its channel to the test, over the socket beside its own program, and lives until the
 * test lets go. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int
send_channel(int sock)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {(char[]){"c"}, 1};
	struct msghdr mh = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
	int channel = 3;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &channel, sizeof(int));
	return sendmsg(sock, &mh, 0) == 1 ? 0 : -1;
}

int
main(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);
	char path[100] = "";
	char byte;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return 3;
	*strrchr(path, '/') = '\0';
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/s", path);
	if (connect(sock, (struct sockaddr *)&sa, sizeof(sa)) < 0 || send_channel(sock) < 0)
		return 4;
	return read(sock, &byte, 1) == 1 ? byte : 0;
}
