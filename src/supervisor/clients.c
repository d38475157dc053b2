#include "supervisor/clients.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "supervisor/hostkey.h"
#include "supervisor/role.h"

enum {
	CLIENTS_MAX = 256, /* each is a process of some MiB; more would take the machine's memory from the services */
	CLIENTS_PER_ADDRESS = 32,  /* one address must not shut the others out; a build server with many jobs fits */
	CLIENT_LIFE_S = 25 * 3600, /* longer than any job's deadline, so nothing honest is cut */
	REFUSAL_LOG_MS = 10 * 1000,
	SPARE_AFTER_MS =
	    50, /* a new spare is started when the connection that took the last one has had its handshake */
	SPARE_AGAIN_MS = 5 * 1000, /* after one that could not be started, or ended by itself */
};

static void on_spare_timer(evutil_socket_t fd, short what, void *arg);

struct client {
	LIST_ENTRY(client) link;
	struct child child;
	struct clients *clients;
	struct in6_addr key;
	struct event *life;
	int channel; /* core's end, until core has it */
	int arrival; /* the way for the connection; -1 once it was handed over */
	char peer[INET6_ADDRSTRLEN + 16];
};

struct clients {
	struct event_base *base;
	struct children *children;
	const struct facts *facts;
	int hostkey;
	long long next_id;
	long long refused; /* since the last line about it */
	long long refused_logged_ms;
	LIST_HEAD(, client) list;
	struct client *spare; /* started, confined, without a connection yet: the next one need not wait for that */
	struct event *spare_timer;
	bool closing;
};

struct clients *
clients_new(struct event_base *base, struct children *children, const struct facts *facts, int hostkey)
{
	struct clients *cs = calloc(1, sizeof(*cs));

	if (cs == NULL)
		abort();
	cs->base = base;
	cs->children = children;
	cs->facts = facts;
	cs->hostkey = hostkey;
	cs->refused_logged_ms = -REFUSAL_LOG_MS;
	LIST_INIT(&cs->list);
	cs->spare_timer = evtimer_new(base, on_spare_timer, cs);
	if (cs->spare_timer == NULL)
		abort();
	return cs;
}

static void
client_free(struct client *c)
{
	auto_close_(&c->channel);
	auto_close_(&c->arrival);
	event_free(c->life);
	free(c);
}

void
clients_free(struct clients *cs)
{
	struct client *c;

	if (cs == NULL)
		return;
	while ((c = LIST_FIRST(&cs->list)) != NULL) {
		LIST_REMOVE(c, link);
		client_free(c);
	}
	if (cs->spare != NULL)
		client_free(cs->spare);
	event_free(cs->spare_timer);
	free(cs);
}

struct in6_addr
clients_key(const struct sockaddr_storage *peer)
{
	struct in6_addr key = IN6ADDR_ANY_INIT;

	if (peer->ss_family == AF_INET) {
		key.s6_addr[10] = key.s6_addr[11] = 0xff;
		memcpy(&key.s6_addr[12], &((const struct sockaddr_in *)peer)->sin_addr, 4);
		return key;
	}
	key = ((const struct sockaddr_in6 *)peer)->sin6_addr;
	if (!IN6_IS_ADDR_V4MAPPED(&key))
		memset(&key.s6_addr[8], 0, 8);
	return key;
}

static void
peer_text(const struct sockaddr_storage *peer, char *text, size_t size)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;
	const struct sockaddr_in *in = (const struct sockaddr_in *)peer;
	char host[INET6_ADDRSTRLEN] = "";

	if (peer->ss_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		inet_ntop(AF_INET,
		    peer->ss_family == AF_INET ? (const void *)&in->sin_addr : &in6->sin6_addr.s6_addr[12], host,
		    sizeof(host));
		snprintf(text, size, "%s:%d", host, ntohs(in->sin_port));
		return;
	}
	inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
	snprintf(text, size, "[%s]:%d", host, ntohs(in6->sin6_port));
}

size_t
clients_count(const struct clients *cs)
{
	const struct client *c;
	size_t n = 0;

	LIST_FOREACH(c, &cs->list, link)
	n++;
	return n;
}

static bool
is_full(const struct clients *cs, const struct in6_addr *key)
{
	const struct client *c;
	size_t same = 0;
	size_t all = 0;

	LIST_FOREACH(c, &cs->list, link)
	{
		all++;
		same += memcmp(&c->key, key, sizeof(*key)) == 0;
	}
	return all >= CLIENTS_MAX || same >= CLIENTS_PER_ADDRESS;
}

/* A flood of connections must not become a flood of lines. */
static void
refuse(struct clients *cs, const char *peer)
{
	long long now = io_now_ms();

	cs->refused++;
	if (now - cs->refused_logged_ms < REFUSAL_LOG_MS)
		return;
	log_warn("too many connections: closed %lld since the last such line; at most %d, %d an address peer=%s",
	    cs->refused, CLIENTS_MAX, CLIENTS_PER_ADDRESS, peer);
	cs->refused = 0;
	cs->refused_logged_ms = now;
}

static void
arm_spare(struct clients *cs, int ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	if (!cs->closing)
		event_add(cs->spare_timer, &tv);
}

static void
on_ended(void *ctx, int wstatus)
{
	struct client *c = ctx;
	struct clients *cs = c->clients;

	if (c == cs->spare) {
		cs->spare = NULL;
		arm_spare(cs, SPARE_AGAIN_MS);
	} else {
		log_debug("connection ended peer=%s status=%d", c->peer, wstatus);
		LIST_REMOVE(c, link);
	}
	client_free(c);
}

static void
on_life(evutil_socket_t fd, short what, void *arg)
{
	const struct client *c = arg;

	(void)fd;
	(void)what;
	log_warn("ending a connection that is older than a day peer=%s", c->peer);
	kill(c->child.pid, SIGKILL);
}

static int
make_pair(int ret_pair[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_pair) < 0)
		return err_errno(err, "cannot make a channel");
	return 0;
}

/* Starts a pgod-ssh that waits for its connection. */
static struct client *
client_new(struct clients *cs, struct err *err)
{
	int channel[2] = {-1, -1};
	int arrival[2] = {-1, -1};
	auto_close int key = hostkey_reopen(cs->hostkey, err);
	struct client *c;
	pid_t pid = 0;
	int rc = key < 0 ? key : make_pair(channel, err);

	if (rc >= 0)
		rc = make_pair(arrival, err);
	if (rc >= 0)
		rc = role_spawn(cs->facts,
		    &(struct role){.program = "pgod-ssh",
			.account = &cs->facts->ssh,
			.fds = (int[]){channel[1], arrival[1], key},
			.nfds = 3},
		    &pid, err);
	auto_close_(&channel[1]);
	auto_close_(&arrival[1]);
	if (rc < 0) {
		auto_close_(&channel[0]);
		auto_close_(&arrival[0]);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		abort();
	c->clients = cs;
	c->channel = channel[0];
	c->arrival = arrival[0];
	c->life = evtimer_new(cs->base, on_life, c);
	if (c->life == NULL)
		abort();
	children_add(cs->children, &c->child, pid, on_ended, c);
	return c;
}

static void
on_spare_timer(evutil_socket_t fd, short what, void *arg)
{
	struct clients *cs = arg;
	struct err err = ERR_INIT;

	(void)fd;
	(void)what;
	if (cs->spare != NULL)
		return;
	cs->spare = client_new(cs, &err);
	if (cs->spare == NULL) {
		log_err("%s", err.msg);
		arm_spare(cs, SPARE_AGAIN_MS);
	}
}

void
clients_ready(struct clients *cs)
{
	arm_spare(cs, 0);
}

static struct client *
take_spare(struct clients *cs)
{
	arm_spare(cs, SPARE_AFTER_MS);
	return TAKE(cs->spare);
}

/* Answers are small, so no waiting for full segments; and TCP's own check for a peer that has died. */
static void
prepare_connection(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_NODELAY, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, 60},
	    {IPPROTO_TCP, TCP_KEEPINTVL, 15},
	    {IPPROTO_TCP, TCP_KEEPCNT, 4},
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

/* The process gets the connection, core its end of the channel. */
static void
hand_over(struct client *c, struct channel *core, int fd)
{
	struct clients *cs = c->clients;
	struct timeval tv = {CLIENT_LIFE_S, 0};
	struct err err = ERR_INIT;

	event_add(c->life, &tv);
	LIST_INSERT_HEAD(&cs->list, c, link);
	if (io_send_fd(c->arrival, fd, &err) < 0)
		log_err("%s peer=%s", err.msg, c->peer); /* it has died: on_ended comes */
	else
		channel_send(
		    core, msg_new("client", "sIss", "id", (json_int_t)++cs->next_id, "peer", c->peer), &c->channel, 1);
	close(take_fd(&c->arrival));
	close(take_fd(&c->channel));
}

void
clients_accept(struct clients *cs, struct channel *core, int take_fd_, const struct sockaddr_storage *peer)
{
	auto_close int fd = take_fd_;
	struct in6_addr key = clients_key(peer);
	struct err err = ERR_INIT;
	struct client *c;
	char text[INET6_ADDRSTRLEN + 16];

	peer_text(peer, text, sizeof(text));
	if (core == NULL || is_full(cs, &key)) {
		refuse(cs, text);
		return;
	}
	c = take_spare(cs);
	if (c == NULL)
		c = client_new(cs, &err);
	if (c == NULL) {
		log_err("%s peer=%s", err.msg, text);
		return;
	}
	c->key = key;
	snprintf(c->peer, sizeof(c->peer), "%s", text);
	prepare_connection(fd);
	hand_over(c, core, fd);
}

void
clients_signal(struct clients *cs, int sig)
{
	const struct client *c;

	cs->closing = true;
	event_del(cs->spare_timer);
	if (cs->spare != NULL)
		kill(cs->spare->child.pid, sig);
	LIST_FOREACH(c, &cs->list, link)
	kill(c->child.pid, sig);
}
