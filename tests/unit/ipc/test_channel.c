#include "fixture.h"

#include <sys/socket.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"
#include "ipc/channel.h"

/* We are core; the peer is a pgod-ssh that is driven by hand. */
static struct side {
	struct event_base *base;
	struct channel *ch;
	int peer;
	int handled, closed;
	char last[64]; /* name of the last signal */
	struct err why;
	enum { KEEP, REFUSE, FREE, ANSWER } reaction;
} side;

static int
on_signal(void *ctx, struct msg *m, struct err *err)
{
	struct side *s = ctx;

	s->handled++;
	strncpy(s->last, msg_str(m, "name"), sizeof(s->last) - 1);
	if (s->reaction == REFUSE)
		return err_set(err, EPERM, "no signals today");
	if (s->reaction == FREE) {
		channel_free(s->ch);
		s->ch = NULL;
	}
	if (s->reaction == ANSWER)
		channel_send(s->ch, msg_new("exit", "si", "status", 0), NULL, 0);
	return 0;
}

static int
on_op(void *ctx, struct msg *m, struct err *err)
{
	(void)ctx;
	(void)m;
	(void)err;
	return -EIO; /* without a sentence */
}

static void
on_closed(void *ctx, const struct err *err)
{
	struct side *s = ctx;

	s->closed++;
	s->why = *err;
	channel_free(s->ch);
	s->ch = NULL;
}

static const struct channel_rule rules[] = {
    {"signal", 1U << 0, on_signal},
    {"op", 1U << 0 | 1U << 31, on_op},
};

static int
setup(void **state)
{
	const struct channel_spec spec = {"ssh 1", SSH_TO_CORE, CORE_TO_SSH, rules, ARRAY_LEN(rules), on_closed, &side};
	int ends[2];

	(void)state;
	memset(&side, 0, sizeof(side));
	side.base = event_base_new();
	if (side.base == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	io_set_nonblock(ends[1], true);
	side.peer = ends[1];
	side.ch = channel_new(side.base, ends[0], &spec);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	channel_free(side.ch);
	event_base_free(side.base);
	if (side.peer >= 0)
		close(side.peer);
	return 0;
}

/* Lets the loop do what there is to do. */
static void
turn(void)
{
	for (int i = 0; i < 5; i++)
		event_base_loop(side.base, EVLOOP_NONBLOCK);
}

static void
peer_sends(const char *name)
{
	json_t *body = msg_new("signal", "ss", "name", name);

	assert_int_equal(msg_send(side.peer, SSH_TO_CORE, body, NULL, 0, NULL), 0);
	json_decref(body);
}

static void
peer_closes(void)
{
	close(side.peer);
	side.peer = -1;
}

static void
send_exit(int status)
{
	channel_send(side.ch, msg_new("exit", "si", "status", status), NULL, 0);
}

/* The status of the next exit message at the peer; -1 when there is none. */
static int
peer_reads(void)
{
	auto_msg struct msg m = MSG_INIT;

	if (msg_recv(side.peer, CORE_TO_SSH, &m, NULL) != 1)
		return -1;
	return (int)msg_int(&m, "status");
}

static void
closed_with(int num, const char *sentence)
{
	assert_int_equal(side.closed, 1);
	assert_int_equal(side.why.num, num);
	assert_string_equal(side.why.msg, sentence);
	turn();
	assert_int_equal(side.closed, 1);
}

static void
messages_reach_their_handler_in_order(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++)
		peer_sends(i == 39 ? "TERM" : "INT");
	turn();
	assert_int_equal(side.handled, 40);
	assert_string_equal(side.last, "TERM");
	assert_int_equal(side.closed, 0);
}

static void
what_is_not_allowed_in_a_state_closes_the_peer(void **state)
{
	(void)state;
	channel_state(side.ch, 1);
	peer_sends("INT");
	peer_sends("INT");
	turn();
	assert_int_equal(side.handled, 0);
	closed_with(EBADMSG, "unexpected message signal in state 1");
}

static void
the_highest_state_is_a_state(void **state)
{
	json_t *body =
	    msg_new("op", "sssssssssisi", "user", "u", "key", "k", "line", "l", "term", "", "cols", 0, "rows", 0);

	(void)state;
	channel_state(side.ch, 31);
	assert_int_equal(msg_send(side.peer, SSH_TO_CORE, body, NULL, 0, NULL), 0);
	json_decref(body);
	turn();
	closed_with(EIO, "message op failed");
}

static void
garbage_closes_the_peer(void **state)
{
	(void)state;
	assert_int_equal(write(side.peer, "garbage", 7), 7);
	turn();
	assert_int_equal(side.closed, 1);
	assert_int_equal(side.why.num, EBADMSG);
}

static void
a_handler_that_fails_closes_the_peer(void **state)
{
	(void)state;
	side.reaction = REFUSE;
	peer_sends("INT");
	peer_sends("INT");
	turn();
	assert_int_equal(side.handled, 1);
	closed_with(EPERM, "no signals today");
}

static void
a_handler_may_free_its_channel(void **state)
{
	(void)state;
	side.reaction = FREE;
	peer_sends("INT");
	peer_sends("INT");
	turn();
	assert_int_equal(side.handled, 1);
	assert_int_equal(side.closed, 0);
	assert_null(side.ch);
}

static void
a_peer_that_leaves_is_no_error(void **state)
{
	(void)state;
	peer_sends("INT");
	peer_closes();
	turn();
	assert_int_equal(side.handled, 1);
	closed_with(0, "");
}

static void
the_last_words_are_heard_although_nothing_can_be_sent(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++)
		peer_sends("INT");
	peer_closes();
	send_exit(0);
	send_exit(1);
	assert_int_equal(side.closed, 0); /* never from inside channel_send */
	turn();
	assert_int_equal(side.handled, 40);
	closed_with(0, "");
}

static void
answering_a_peer_that_has_gone_is_harmless(void **state)
{
	(void)state;
	side.reaction = ANSWER;
	send_exit(7);
	for (int i = 0; i < 3; i++)
		peer_sends("INT");
	peer_closes();
	turn();
	assert_int_equal(side.handled, 3);
	closed_with(0, "");
}

static void
a_peer_that_only_stops_reading_is_gone_as_well(void **state)
{
	(void)state;
	for (int i = 0; i < 16; i++) /* a whole batch: the socket is empty after it */
		peer_sends("INT");
	assert_int_equal(shutdown(side.peer, SHUT_RD), 0);
	send_exit(0);
	turn();
	assert_int_equal(side.handled, 16);
	closed_with(EPIPE, "the peer has gone");
}

static void
what_waits_is_sent_in_order_once_the_peer_reads(void **state)
{
	int sent = 0;

	(void)state;
	while (channel_queued(side.ch) < 100)
		send_exit(sent++);
	assert_true(sent > 100);
	for (int i = 0; i < sent; i++) {
		int status = peer_reads();

		if (status < 0) {
			turn();
			status = peer_reads();
		}
		assert_int_equal(status, i);
	}
	turn();
	assert_int_equal(peer_reads(), -1);
	assert_int_equal(channel_queued(side.ch), 0);
	assert_int_equal(side.closed, 0);
}

static void
queued_descriptors_do_not_need_the_callers(void **state)
{
	auto_msg struct msg m = MSG_INIT;
	int fds[3], pipefd[2], sent = 0;

	(void)state;
	while (channel_queued(side.ch) == 0)
		send_exit(sent++);
	assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
	fds[0] = fds[1] = fds[2] = pipefd[1];
	channel_send(side.ch, msg_new("run", ""), fds, 3);
	close(pipefd[1]);
	for (int i = 0; i < sent; i++) {
		if (peer_reads() < 0) {
			turn();
			i--;
		}
	}
	turn();
	assert_int_equal(msg_recv(side.peer, CORE_TO_SSH, &m, NULL), 1);
	assert_int_equal(write(m.fds[2], "x", 1), 1);
	assert_int_equal(read(pipefd[0], fds, 1), 1);
	close(pipefd[0]);
}

static void
a_peer_that_never_reads_is_closed_at_the_limit(void **state)
{
	(void)state;
	for (int i = 0; i < 100000 && channel_queued(side.ch) < CHANNEL_QUEUE_MAX; i++)
		send_exit(i);
	turn();
	assert_int_equal(side.closed, 0);
	assert_int_equal(channel_queued(side.ch), CHANNEL_QUEUE_MAX);
	send_exit(0);
	assert_int_equal(side.closed, 0);
	send_exit(0);
	assert_int_equal(channel_queued(side.ch), 0);
	turn();
	closed_with(ENOBUFS, "the peer does not read: 1024 messages wait");
}

static void
a_peer_that_never_reads_is_closed_at_the_limit_of_bytes(void **state)
{
	auto_free char *big = calloc(1, 60001);
	size_t most = 0;

	(void)state;
	memset(big, 'x', 60000);
	for (int i = 0; i < 500; i++) {
		channel_send(side.ch, msg_new("output", "siss", "stream", 1, "data", big), NULL, 0);
		if (channel_queued(side.ch) > most)
			most = channel_queued(side.ch);
	}
	turn();
	assert_int_equal(side.why.num, ENOBUFS);
	assert_in_range(most, 270, 280); /* 16 MiB */
}

static void
a_message_that_is_too_long_closes_the_channel_later(void **state)
{
	auto_free char *big = calloc(1, MSG_MAX + 1);

	(void)state;
	memset(big, 'x', MSG_MAX);
	channel_send(side.ch, msg_new("output", "siss", "stream", 1, "data", big), NULL, 0);
	assert_int_equal(side.closed, 0);
	send_exit(0); /* ignored */
	turn();
	closed_with(EMSGSIZE, "message output is longer than 65536 bytes");
}

static void
freeing_with_a_queue_leaks_nothing(void **state)
{
	int before = count_fds(), fds[3] = {0, 0, 0};

	(void)state;
	while (channel_queued(side.ch) < 20)
		channel_send(side.ch, msg_new("run", ""), fds, 3);
	assert_true(count_fds() >= before + 57);
	channel_free(side.ch);
	side.ch = NULL;
	assert_int_equal(count_fds(), before - 1);
	channel_free(NULL);
}

#define CHANNEL_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CHANNEL_TEST(messages_reach_their_handler_in_order),
	    CHANNEL_TEST(what_is_not_allowed_in_a_state_closes_the_peer),
	    CHANNEL_TEST(the_highest_state_is_a_state),
	    CHANNEL_TEST(garbage_closes_the_peer),
	    CHANNEL_TEST(a_handler_that_fails_closes_the_peer),
	    CHANNEL_TEST(a_handler_may_free_its_channel),
	    CHANNEL_TEST(a_peer_that_leaves_is_no_error),
	    CHANNEL_TEST(the_last_words_are_heard_although_nothing_can_be_sent),
	    CHANNEL_TEST(answering_a_peer_that_has_gone_is_harmless),
	    CHANNEL_TEST(a_peer_that_only_stops_reading_is_gone_as_well),
	    CHANNEL_TEST(what_waits_is_sent_in_order_once_the_peer_reads),
	    CHANNEL_TEST(queued_descriptors_do_not_need_the_callers),
	    CHANNEL_TEST(a_peer_that_never_reads_is_closed_at_the_limit),
	    CHANNEL_TEST(a_peer_that_never_reads_is_closed_at_the_limit_of_bytes),
	    CHANNEL_TEST(a_message_that_is_too_long_closes_the_channel_later),
	    CHANNEL_TEST(freeing_with_a_queue_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
