/* Sockets that systemd keeps: what is taken, what is claimed, what systemd is told. */
#include "../conf/cmocka_all.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/str.h"
#include "supervisor/bind.h"
#include "supervisor/kept.h"

enum { FLOOR = 6 };

static int systemd = -1; /* stands for its end of $NOTIFY_SOCKET */

static int
set_up(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(sa.sun_family) + 1 +
			(socklen_t)snprintf(sa.sun_path + 1, sizeof(sa.sun_path) - 1, "pgot-kept-%d", getpid());
	auto_free char *path = str_printf("@%s", sa.sun_path + 1);
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)state;
	assert_int_equal(bind(s, (struct sockaddr *)&sa, len), 0);
	systemd = s;
	return setenv("NOTIFY_SOCKET", path, 1);
}

static int
listening(int family, const char *host)
{
	struct sockaddr_in a4 = {.sin_family = AF_INET};
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6};
	int only6 = strcmp(host, "::") != 0;
	int s = socket(family, SOCK_STREAM, 0);

	if (family == AF_INET) {
		inet_pton(family, host, &a4.sin_addr);
		assert_int_equal(bind(s, (struct sockaddr *)&a4, sizeof(a4)), 0);
	} else {
		inet_pton(family, host, &a6.sin6_addr);
		setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof(only6));
		assert_int_equal(bind(s, (struct sockaddr *)&a6, sizeof(a6)), 0);
	}
	assert_int_equal(listen(s, 1), 0);
	return s;
}

static int
port_of(int fd)
{
	struct sockaddr_in6 sa = {0};
	socklen_t len = sizeof(sa);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	return ntohs(sa.sin6_port);
}

static struct sockaddr_in
at4(const char *host, int port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	inet_pton(AF_INET, host, &sa.sin_addr);
	return sa;
}

static ino_t
inode(int fd)
{
	struct stat st = {0};

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

/* What systemd heard next, and the inode of the descriptor that came along (0: none). Empty: nothing. */
static const char *
heard(ino_t *ret_inode)
{
	static char text[256];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {text, sizeof(text) - 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(systemd, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
	auto_close int fd = -1;

	text[n < 0 ? 0 : n] = '\0';
	if (c != NULL)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	if (ret_inode != NULL)
		*ret_inode = fd < 0 ? 0 : inode(fd);
	return text;
}

/* As if systemd had started us with these descriptors, which are the callee's, and with its end of the notification
 * socket, which would be closed otherwise. */
static struct kept
started_with(const int *fds, int n, const char *names)
{
	auto_free char *count = str_printf("%d", n + 1);
	auto_free char *pid = str_printf("%d", getpid());
	auto_free char *all = str_printf("%s:test", names);
	struct kept k = {0};
	int passed[KEPT_MAX];

	for (int i = 0; i <= n; i++)
		passed[i] = fcntl(i < n ? fds[i] : systemd, F_DUPFD, 100);
	for (int i = 0; i <= n; i++)
		assert_int_equal(dup2(passed[i], 3 + i), 3 + i);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_FDNAMES", all, 1);
	assert_int_equal(kept_take(&k, FLOOR, NULL), 0);
	assert_null(getenv("LISTEN_FDS"));
	assert_int_equal(k.n, n + 1);
	systemd = k.sockets[--k.n].fd;
	return k;
}

static void
what_was_passed_is_moved_away_and_the_rest_is_closed(void **state)
{
	int fds[2] = {listening(AF_INET, "127.0.0.1"), listening(AF_INET, "127.0.0.1")};
	ino_t inodes[2] = {inode(fds[0]), inode(fds[1])};
	int careless = open("/dev/null", O_RDONLY);
	struct kept k;

	(void)state;
	assert_int_equal(fcntl(careless, F_DUPFD, 300), 300);
	k = started_with(fds, 2, "ssh:metrics");
	assert_int_equal(k.n, 2);
	assert_string_equal(k.sockets[0].name, "ssh");
	assert_string_equal(k.sockets[1].name, "metrics");
	for (int i = 0; i < 2; i++) {
		assert_true(k.sockets[i].fd >= FLOOR);
		assert_true(fcntl(k.sockets[i].fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(inode(k.sockets[i].fd), inodes[i]);
	}
	for (int fd = 3; fd < FLOOR; fd++)
		assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(fcntl(300, F_GETFD), -1);
	kept_done(&k);
}

static void
descriptors_that_were_meant_for_another_process_are_closed(void **state)
{
	struct kept k = {0};
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		setenv("LISTEN_PID", "1", 1);
		setenv("LISTEN_FDS", "1", 1);
		dup2(STDERR_FILENO, 3);
		kept_take(&k, FLOOR, NULL);
		_exit(k.n == 0 && fcntl(3, F_GETFD) < 0 && getenv("LISTEN_FDS") == NULL ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
a_socket_is_claimed_by_its_name_and_its_very_address(void **state)
{
	int fds[3] = {listening(AF_INET, "127.0.0.1"), listening(AF_INET6, "::1"), listening(AF_INET6, "::")};
	int ports[3] = {port_of(fds[0]), port_of(fds[1]), port_of(fds[2])};
	struct kept k = started_with(fds, 3, "ssh:ssh:ssh");
	struct sockaddr_in a4 = at4("127.0.0.1", ports[0]);
	struct sockaddr_in other = at4("127.0.0.1", ports[0] + 1);
	struct sockaddr_in any = at4("0.0.0.0", ports[0]);
	struct sockaddr_in wild = at4("0.0.0.0", ports[2]);
	struct sockaddr_in6 a6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)ports[1]), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd;

	(void)state;
	assert_int_equal(kept_claim(&k, "metrics", (struct sockaddr *)&a4), -1);
	assert_int_equal(kept_claim(&k, "ssh", (struct sockaddr *)&other), -1);
	assert_int_equal(kept_claim(&k, "ssh", (struct sockaddr *)&any), -1);
	assert_int_equal(kept_claim(&k, "ssh", (struct sockaddr *)&wild), -1);
	fd = kept_claim(&k, "ssh", (struct sockaddr *)&a4);
	assert_true(fd >= 0 && port_of(fd) == ports[0]);
	close(fd);
	assert_int_equal(kept_claim(&k, "ssh", (struct sockaddr *)&a4), -1);
	fd = kept_claim(&k, "ssh", (struct sockaddr *)&a6);
	assert_true(fd >= 0 && port_of(fd) == ports[1]);
	close(fd);
	assert_int_equal(k.n, 1);
	kept_done(&k);
	assert_string_equal(heard(NULL), "FDSTOREREMOVE=1\nFDNAME=ssh");
	assert_string_equal(heard(NULL), "");
}

static void
what_does_not_listen_is_not_claimed(void **state)
{
	struct sockaddr_in sa = at4("127.0.0.1", 0);
	socklen_t len = sizeof(sa);
	int fds[1] = {socket(AF_INET, SOCK_STREAM, 0)};
	struct kept k;

	(void)state;
	assert_int_equal(bind(fds[0], (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(getsockname(fds[0], (struct sockaddr *)&sa, &len), 0);
	k = started_with(fds, 1, "ssh");
	assert_int_equal(kept_claim(&k, "ssh", (struct sockaddr *)&sa), -1);
	kept_done(&k);
	assert_string_equal(heard(NULL), "FDSTOREREMOVE=1\nFDNAME=ssh");
}

static void
a_bind_to_the_same_address_keeps_the_socket(void **state)
{
	struct kept none = {0};
	struct bound first = {0};
	struct bound second = {0};
	auto_free char *address = NULL;
	struct kept k;
	ino_t stored = 0;

	(void)state;
	assert_int_equal(bind_address("127.0.0.1:0", &none, "ssh", &first, NULL), 0);
	address = str_printf("127.0.0.1:%d", port_of(first.fds[0]));
	assert_string_equal(heard(&stored), "FDSTORE=1\nFDNAME=ssh");
	assert_int_equal(stored, inode(first.fds[0]));
	assert_string_equal(heard(NULL), "");
	k = started_with(first.fds, (int)first.n, "ssh");
	assert_int_equal(bind_address(address, &k, "ssh", &second, NULL), 0);
	assert_int_equal(inode(second.fds[0]), stored);
	assert_string_equal(heard(NULL), "FDSTORE=1\nFDNAME=ssh");
	kept_done(&k);
	assert_string_equal(heard(NULL), "");
	bound_close(&second);
}

static void
another_address_takes_the_place_of_the_kept_one(void **state)
{
	int fds[1] = {listening(AF_INET, "127.0.0.1")};
	ino_t before = inode(fds[0]);
	struct kept k = started_with(fds, 1, "ssh");
	struct bound b = {0};
	ino_t stored = 0;

	(void)state;
	assert_int_equal(bind_address("127.0.0.2:0", &k, "ssh", &b, NULL), 0);
	assert_int_not_equal(inode(b.fds[0]), before);
	assert_string_equal(heard(NULL), "FDSTOREREMOVE=1\nFDNAME=ssh");
	assert_string_equal(heard(&stored), "FDSTORE=1\nFDNAME=ssh");
	assert_int_equal(stored, inode(b.fds[0]));
	assert_int_equal(k.n, 0);
	bound_close(&b);
}

static void
a_bind_that_fails_leaves_what_is_kept(void **state)
{
	int fds[1] = {listening(AF_INET, "127.0.0.1")};
	struct kept k = started_with(fds, 1, "ssh");
	auto_close int taken = listening(AF_INET, "127.0.0.1");
	auto_free char *address = str_printf("127.0.0.1:%d", port_of(taken));
	struct bound b = {0};

	(void)state;
	assert_true(bind_address(address, &k, "ssh", &b, NULL) < 0);
	assert_int_equal(b.n, 0);
	assert_int_equal(k.n, 1);
	assert_string_equal(heard(NULL), "");
	kept_done(&k);
	assert_string_equal(heard(NULL), "FDSTOREREMOVE=1\nFDNAME=ssh");
}

static int
drain(void **state)
{
	(void)state;
	while (*heard(NULL) != '\0')
		;
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(what_was_passed_is_moved_away_and_the_rest_is_closed, drain),
	    cmocka_unit_test_setup(descriptors_that_were_meant_for_another_process_are_closed, drain),
	    cmocka_unit_test_setup(a_socket_is_claimed_by_its_name_and_its_very_address, drain),
	    cmocka_unit_test_setup(what_does_not_listen_is_not_claimed, drain),
	    cmocka_unit_test_setup(a_bind_to_the_same_address_keeps_the_socket, drain),
	    cmocka_unit_test_setup(another_address_takes_the_place_of_the_kept_one, drain),
	    cmocka_unit_test_setup(a_bind_that_fails_leaves_what_is_kept, drain),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
