#include "fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/io.h"
#include "ipc/msg.h"

static int ends[2];

static int
open_ends(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
}

static int
close_ends(void **state)
{
	(void)state;
	close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	return 0;
}

/* Sends any bytes with any number of copies of descriptor 0. */
static void
send_raw(const void *data, size_t len, size_t nfds)
{
	char control[CMSG_SPACE(sizeof(int) * 64)] = {0};
	struct iovec iov = {.iov_len = len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	auto_free char *copy = malloc(len + 1);

	memcpy(copy, data, len);
	iov.iov_base = copy;
	if (nfds > 0) {
		struct cmsghdr *c;

		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds); /* the numbers are all 0: stdin */
	}
	assert_int_equal(sendmsg(ends[1], &mh, 0), (ssize_t)len);
}

/* What the receiver makes of a text of a peer that may send SSH_TO_CORE. */
static int
receive_text(const char *text, struct err *err)
{
	auto_msg struct msg m = MSG_INIT;

	send_raw(text, strlen(text), 0);
	return msg_recv(ends[0], SSH_TO_CORE, &m, err);
}

static void
fields_and_descriptors_arrive(void **state)
{
	auto_msg struct msg m = MSG_INIT;
	int before = count_fds(), fds[3] = {0, 1, 2};
	json_t *body = msg_new("job", "sIsssssssssisi", "id", 1234567890123LL, "kind", "up", "service", "web", "args",
	    "", "stdio", "012", "cols", 0, "rows", 0);

	(void)state;
	assert_int_equal(msg_send(ends[1], CORE_TO_PGOD, body, fds, 3, NULL), 0);
	json_decref(body);
	assert_int_equal(msg_recv(ends[0], CORE_TO_PGOD, &m, NULL), 1);
	assert_string_equal(m.spec->type, "job");
	assert_true(msg_int(&m, "id") == 1234567890123LL);
	assert_string_equal(msg_str(&m, "kind"), "up");
	assert_string_equal(msg_str(&m, "args"), "");
	assert_int_equal(m.nfds, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true((fcntl(m.fds[i], F_GETFD) & FD_CLOEXEC) != 0);
	msg_done(&m);
	assert_int_equal(count_fds(), before);
	assert_int_equal(m.nfds, 0);
	assert_null(m.body);
}

static void
a_boolean_is_a_boolean(void **state)
{
	auto_msg struct msg m = MSG_INIT;
	json_t *body = msg_new("hold", "sssbss", "service", "a", "held", 1, "note", "why");

	(void)state;
	assert_int_equal(msg_send(ends[1], PGOD_TO_CORE, body, NULL, 0, NULL), 0);
	json_decref(body);
	assert_int_equal(msg_recv(ends[0], PGOD_TO_CORE, &m, NULL), 1);
	assert_true(msg_bool(&m, "held"));
}

static void
a_taken_descriptor_is_the_callers(void **state)
{
	auto_msg struct msg m = MSG_INIT;
	json_t *body = msg_new("client", "siss", "id", 1, "peer", "::1");
	int zero = 0, fd;

	(void)state;
	assert_int_equal(msg_send(ends[1], PGOD_TO_CORE, body, &zero, 1, NULL), 0);
	json_decref(body);
	assert_int_equal(msg_recv(ends[0], PGOD_TO_CORE, &m, NULL), 1);
	fd = msg_take_fd(&m, 0);
	assert_true(fd > 0);
	assert_int_equal(msg_take_fd(&m, 0), -1);
	assert_int_equal(msg_take_fd(&m, 1), -1);
	msg_done(&m);
	assert_int_equal(close(fd), 0);
}

static void
nothing_to_read_and_the_end_are_told_apart(void **state)
{
	struct msg m = {.nfds = 77};

	(void)state;
	assert_int_equal(msg_recv(ends[0], SSH_TO_CORE, &m, NULL), -EAGAIN);
	close(ends[1]);
	ends[1] = -1;
	assert_int_equal(msg_recv(ends[0], SSH_TO_CORE, &m, NULL), 0);
	assert_int_equal(m.nfds, 77);
	assert_int_equal(msg_recv(-1, SSH_TO_CORE, &m, NULL), -EBADF);
}

static void
what_a_peer_said_before_it_went_is_heard(void **state)
{
	auto_msg struct msg m = MSG_INIT;
	json_t *body = msg_new("signal", "ss", "name", "INT");
	json_t *unread = msg_new("exit", "si", "status", 0);

	(void)state;
	assert_int_equal(msg_send(ends[0], CORE_TO_SSH, unread, NULL, 0, NULL), 0);
	assert_int_equal(msg_send(ends[1], SSH_TO_CORE, body, NULL, 0, NULL), 0);
	close(ends[1]); /* with ours unread: the kernel answers ECONNRESET first */
	ends[1] = -1;
	assert_int_equal(msg_recv(ends[0], SSH_TO_CORE, &m, NULL), 1);
	msg_done(&m);
	assert_int_equal(msg_recv(ends[0], SSH_TO_CORE, &m, NULL), 0);
	assert_int_equal(msg_send(ends[0], CORE_TO_SSH, unread, NULL, 0, NULL), -EPIPE);
	json_decref(body);
	json_decref(unread);
}

static void
garbage_drops_the_peer(void **state)
{
	static const char *const garbage[] = {
	    "x",
	    "{",
	    "{}",
	    "[]",
	    "null",
	    "\"signal\"",
	    "{\"type\":1}",
	    "{\"type\":null}",
	    "{\"type\":\"\"}",
	    "{\"type\":\"nonsense\"}",
	    "{\"type\":\"quit\"}", /* another direction's */
	    "{\"type\":\"signal\"}",
	    "{\"type\":\"signal\",\"name\":1}",
	    "{\"type\":\"signal\",\"name\":[\"INT\"]}",
	    "{\"type\":\"signal\",\"name\":\"INT\",\"more\":1}",
	    "{\"type\":\"signal\",\"name\":\"INT\",\"name\":\"TERM\"}", /* which one was checked? */
	    "{\"type\":\"signal\",\"name\":\"INT\"}x",
	    "{\"type\":\"signal\",\"name\":\"a\\u0000b\"}",
	    "{\"type\":\"signal\",\"name\":\"\xff\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
		struct err err = ERR_INIT;
		int r = receive_text(garbage[i], &err);

		if (r != -EBADMSG)
			fail_msg("%d for %s", r, garbage[i]);
		assert_true(err.msg[0] != '\0');
	}
}

static void
deep_nesting_drops_the_peer(void **state)
{
	auto_free char *deep = malloc(MSG_MAX);

	(void)state;
	memset(deep, '[', MSG_MAX - 1);
	deep[MSG_MAX - 1] = '\0';
	assert_int_equal(receive_text(deep, NULL), -EBADMSG);
}

/* {"type":"signal","name":"xxx..."} of exactly this many bytes */
static char *
signal_of(size_t len)
{
	static const char head[] = "{\"type\":\"signal\",\"name\":\"";
	char *text = malloc(len + 1);

	memset(text, 'x', len);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + len - 2, "\"}", 3);
	return text;
}

static void
the_largest_message_passes_and_one_byte_more_does_not(void **state)
{
	auto_free char *largest = signal_of(MSG_MAX);
	auto_free char *larger = signal_of(MSG_MAX + 1);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(receive_text(largest, NULL), 1);
	assert_int_equal(receive_text(larger, &err), -EBADMSG);
	assert_string_equal(err.msg, "a message that is too long or has too many descriptors");
}

static void
unwanted_descriptors_are_closed(void **state)
{
	static const char fine[] = "{\"type\":\"signal\",\"name\":\"INT\"}";
	auto_free char *larger = signal_of(MSG_MAX + 1);
	int before = count_fds();

	(void)state;
	for (size_t n = 1; n <= 64; n = n < 5 ? n + 1 : n * 2) {
		auto_msg struct msg m = MSG_INIT;

		send_raw(fine, strlen(fine), n);
		assert_int_equal(msg_recv(ends[0], SSH_TO_CORE, &m, NULL), -EBADMSG);
		send_raw("{", 1, n);
		assert_int_equal(msg_recv(ends[0], SSH_TO_CORE, &m, NULL), -EBADMSG);
		send_raw(larger, strlen(larger), n);
		assert_int_equal(msg_recv(ends[0], SSH_TO_CORE, &m, NULL), -EBADMSG);
		send_raw("", 0, n); /* an empty datagram is the end */
		assert_true(msg_recv(ends[0], SSH_TO_CORE, &m, NULL) <= 0);
		assert_int_equal(m.nfds, 0);
	}
	assert_int_equal(count_fds(), before);
}

static void
a_full_socket_says_so(void **state)
{
	json_t *body = msg_new("exit", "si", "status", 0);
	int r = 0;

	(void)state;
	for (int i = 0; i < 100000 && r == 0; i++)
		r = msg_send(ends[0], CORE_TO_SSH, body, NULL, 0, NULL);
	assert_int_equal(r, -EAGAIN);
	json_decref(body);
}

static void
a_text_that_is_too_long_is_refused_at_the_sender(void **state)
{
	auto_free char *text = calloc(1, MSG_MAX + 1);
	struct err err = ERR_INIT;
	json_t *body;

	(void)state;
	memset(text, '\n', MSG_MAX / 2); /* JSON makes two of each */
	body = msg_new("output", "siss", "stream", 1, "data", text);
	assert_int_equal(msg_send(ends[0], CORE_TO_SSH, body, NULL, 0, &err), -EMSGSIZE);
	assert_string_equal(err.msg, "message output is longer than 65536 bytes");
	json_decref(body);
}

static void
a_string_that_is_not_utf8_is_sent_escaped(void **state)
{
	auto_msg struct msg m = MSG_INIT;
	json_t *body = msg_new("signal", "ss", "name", "a\xff\nb");

	(void)state;
	assert_int_equal(msg_send(ends[1], SSH_TO_CORE, body, NULL, 0, NULL), 0);
	json_decref(body);
	assert_int_equal(msg_recv(ends[0], SSH_TO_CORE, &m, NULL), 1);
	assert_string_equal(msg_str(&m, "name"), "a\\xff\nb");
}

/* Our own mistakes end in abort, so that no malformed message ever leaves. */
static int
malformed_send(const void *arg)
{
	static const struct rlimit none = {0, 0};
	int which = *(const int *)arg, fd = 0;

	setrlimit(RLIMIT_CORE, &none);
	if (which == 0)
		msg_send(ends[0], CORE_TO_SSH, msg_new("exit", "ss", "status", "0"), NULL, 0, NULL);
	if (which == 1)
		msg_send(ends[0], CORE_TO_SSH, msg_new("nonsense", ""), NULL, 0, NULL);
	if (which == 2)
		msg_send(ends[0], SSH_TO_CORE, msg_new("exit", "si", "status", 0), NULL, 0, NULL);
	if (which == 3)
		msg_send(ends[0], CORE_TO_SSH, msg_new("exit", "si", "status", 0), &fd, 1, NULL);
	if (which == 4)
		msg_new("exit", "sf", "status", 0.5);
	if (which == 5)
		msg_new("exit", "is", 1, "x");
	if (which == 6)
		msg_new("signal", "ss", "name", (const char *)NULL);
	return 0;
}

static void
a_malformed_message_of_our_own_aborts(void **state)
{
	(void)state;
	for (int which = 0; which < 7; which++) {
		int wstatus = in_child(malformed_send, &which);

		assert_true(WIFSIGNALED(wstatus) && WTERMSIG(wstatus) == SIGABRT);
	}
}

#define MSG_TEST(fn) cmocka_unit_test_setup_teardown(fn, open_ends, close_ends)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    MSG_TEST(fields_and_descriptors_arrive),
	    MSG_TEST(a_boolean_is_a_boolean),
	    MSG_TEST(a_taken_descriptor_is_the_callers),
	    MSG_TEST(nothing_to_read_and_the_end_are_told_apart),
	    MSG_TEST(what_a_peer_said_before_it_went_is_heard),
	    MSG_TEST(garbage_drops_the_peer),
	    MSG_TEST(deep_nesting_drops_the_peer),
	    MSG_TEST(the_largest_message_passes_and_one_byte_more_does_not),
	    MSG_TEST(unwanted_descriptors_are_closed),
	    MSG_TEST(a_full_socket_says_so),
	    MSG_TEST(a_text_that_is_too_long_is_refused_at_the_sender),
	    MSG_TEST(a_string_that_is_not_utf8_is_sent_escaped),
	    MSG_TEST(a_malformed_message_of_our_own_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
