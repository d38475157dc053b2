#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "ssh/bounds.h"
#include "ssh/conn.h"

static const int phase_limit_ms[] = {
    [PHASE_AUTH] = GRACE_MS,
    [PHASE_EXEC] = EXEC_WAIT_MS,
    [PHASE_RUN] = 0,   /* `logs -f` may take days; a dead client is noticed by STALL_MS and SILENCE_MS */
    [PHASE_DRAIN] = 0, /* the same, and LINGER_MS for the pipes */
    [PHASE_BYE] = BYE_MS,
};

void
conn_init(struct conn *c, int core, int sock)
{
	long long now = io_now_ms();

	memset(c, 0, sizeof(*c));
	c->core = core;
	c->core_open = true;
	c->sock = sock;
	c->in_fd = c->term_fd = -1;
	c->in.limit = STDIN_MAX_BYTES;
	for (size_t i = 0; i < ARRAY_LEN(c->out); i++) {
		c->out[i].fd = -1;
		c->out[i].wait.limit = TEXT_MAX_BYTES;
	}
	c->heard_ms = c->asked_ms = c->moved_ms = now;
	conn_phase(c, PHASE_AUTH);
}

/* The client has gone, the job on its terminal has not. The engine goes on with a command whose compose is hung up: so
 * its input ends first, which is the end of a shell, if not now then when it reads on. */
static void
say_goodbye(const struct conn *c)
{
	static char dropped[CHUNK_BYTES];
	struct pollfd p = {c->term_fd, POLLIN, 0};
	long long until = io_now_ms() + GOODBYE_MS;
	long long now;

	if (c->term_fd < 0 || write(c->term_fd, (const char[]){CTRL_D}, 1) < 0)
		return;
	while ((now = io_now_ms()) < until && poll(&p, 1, (int)(until - now)) >= 0) {
		if ((p.revents & POLLHUP) != 0)
			return;
		if ((p.revents & POLLIN) != 0 && read(c->term_fd, dropped, sizeof(dropped)) <= 0)
			return;
	}
}

void
conn_done(struct conn *c)
{
	say_goodbye(c);
	/* First core learns that the client has left, then the job that nobody reads: so it is not the job that failed.
	 */
	close(c->core);
	relay_close(c);
	if (c->session != NULL)
		ssh_disconnect(c->session);
	if (c->event != NULL)
		ssh_event_free(c->event);
	ssh_free(c->session);
	buf_done(&c->in);
	for (size_t i = 0; i < ARRAY_LEN(c->out); i++)
		buf_done(&c->out[i].wait);
	free(c->key);
	free(c->fingerprint);
	free(c->user);
	free(c->line);
}

void
conn_phase(struct conn *c, enum phase phase)
{
	c->phase = phase;
	c->deadline_ms = phase_limit_ms[phase] == 0 ? 0 : io_now_ms() + phase_limit_ms[phase];
}

enum { AT_SOCK, AT_CORE, AT_IN, AT_OUT, AT_N = AT_OUT + 2 };

static bool
write_pending(const struct conn *c)
{
	return (ssh_get_poll_flags(c->session) & SSH_WRITE_PENDING) != 0;
}

/* Core is heard when nothing waits for the client: that is what bounds its texts. Before an operation it has nothing to
 * say, so whatever comes then (its end, mostly) ends the connection. */
static bool
hear_core(const struct conn *c)
{
	return c->core_open && c->phase <= PHASE_RUN && relay_idle(c);
}

static void
watch_list(const struct conn *c, struct pollfd p[AT_N])
{
	p[AT_SOCK] = (struct pollfd){c->sock, (short)(write_pending(c) ? POLLIN | POLLOUT : POLLIN), 0};
	p[AT_CORE] = (struct pollfd){hear_core(c) ? c->core : -1, POLLIN, 0};
	p[AT_IN] = (struct pollfd){c->in_fd, c->in.len > 0 ? POLLOUT : 0, 0};
	for (int i = 0; i < 2; i++)
		p[AT_OUT + i] = (struct pollfd){c->out[i].wait.len == 0 ? c->out[i].fd : -1, POLLIN, 0};
}

/* Until the next deadline, at most POLL_MAX_MS. Keepalive, stall and silence are far away: POLL_MAX_MS is close enough.
 */
static int
wait_ms(const struct conn *c, long long now)
{
	const int rest_ms[] = {POLL_MAX_MS, KEEPALIVE_MS};
	long long until = now + (rest_ms[0] < rest_ms[1] ? rest_ms[0] : rest_ms[1]);

	if (c->deadline_ms != 0 && c->deadline_ms < until)
		until = c->deadline_ms;
	if (c->phase == PHASE_DRAIN && c->exit_ms + LINGER_MS > now && c->exit_ms + LINGER_MS < until)
		until = c->exit_ms + LINGER_MS;
	return until > now ? (int)(until - now) : 0;
}

/* Is the client still there? TCP keepalive finds dead hosts; this finds stopped ones, and those behind a forgetful
 * firewall. */
static void
check_client(struct conn *c, long long now)
{
	if (c->counter.in_bytes != c->heard_bytes) {
		c->heard_bytes = c->counter.in_bytes;
		c->heard_ms = now;
	}
	if (c->counter.out_bytes != c->moved_bytes || !write_pending(c)) {
		c->moved_bytes = c->counter.out_bytes;
		c->moved_ms = now;
	}
	if (now - c->moved_ms >= STALL_MS || now - c->heard_ms >= SILENCE_MS)
		c->over = true;
	if (c->phase == PHASE_AUTH || now - c->heard_ms < KEEPALIVE_MS || now - c->asked_ms < KEEPALIVE_MS)
		return;
	c->asked_ms = now;
	/* The first call takes in the answer to an earlier keepalive, if there was one; then the second one sends. */
	ssh_send_keepalive(c->session);
	ssh_send_keepalive(c->session);
}

static void
advance(struct conn *c, long long now)
{
	if (c->deadline_ms != 0 && now >= c->deadline_ms)
		c->over = true;
	if (c->channel_closed && c->phase != PHASE_BYE)
		c->over = true;
	/* pgod stops: nobody is waited for who does not read. */
	if (op_leaving() && c->phase == PHASE_DRAIN && now - c->exit_ms >= BYE_MS)
		c->over = true;
	if (c->over || c->phase != PHASE_DRAIN || !relay_drained(c, now))
		return;
	relay_close(c);
	session_finish(c);
	conn_phase(c, PHASE_BYE);
}

/* libssh believes a client's "packets of at most 10 bytes" and then loops for ever making empty ones: SIGALRM ends such
 * a process. */
static void
wind_watchdog(long long now)
{
	static long long wound_ms;

	if (wound_ms != 0 && now - wound_ms < WATCHDOG_S * 1000 / 4)
		return;
	wound_ms = now;
	alarm(WATCHDOG_S);
}

static void
turn(struct conn *c, const struct pollfd p[AT_N])
{
	if (p[AT_SOCK].revents != 0 || write_pending(c))
		session_pump(c);
	if (!c->over && c->line != NULL)
		op_start(c);
	for (int i = 0; i < 2; i++) {
		if (p[AT_OUT + i].revents != 0)
			relay_read(c, &c->out[i]);
	}
	if (p[AT_CORE].revents != 0 && hear_core(c))
		op_core_readable(c);
	/* A terminal that nobody has open any more reports that until it is closed. */
	if ((p[AT_IN].revents & (c->term_fd >= 0 ? POLLERR | POLLHUP : POLLERR)) != 0)
		relay_close_in(c);
	relay_resize(c);
	if (!c->over)
		relay_push(c);
}

void
conn_serve(struct conn *c)
{
	while (!c->over) {
		struct pollfd p[AT_N];
		long long now = io_now_ms();

		wind_watchdog(now);
		watch_list(c, p);
		if (poll(p, AT_N, wait_ms(c, now)) < 0)
			continue; /* EINTR: nothing was reported */
		turn(c, p);
		if (!c->over)
			advance(c, io_now_ms());
		if (!c->over)
			check_client(c, io_now_ms());
	}
}
