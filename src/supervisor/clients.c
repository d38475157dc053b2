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
};

struct client {
	LIST_ENTRY(client) link;
	struct child child;
	struct clients *clients;
	struct in6_addr key;
	struct event *life;
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
	return cs;
}

static void
client_free(struct client *c)
{
	LIST_REMOVE(c, link);
	event_free(c->life);
	free(c);
}

void
clients_free(struct clients *cs)
{
	if (cs == NULL)
		return;
	while (!LIST_EMPTY(&cs->list))
		client_free(LIST_FIRST(&cs->list));
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
on_ended(void *ctx, int wstatus)
{
	struct client *c = ctx;

	log_debug("connection ended peer=%s status=%d", c->peer, wstatus);
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

static void
client_new(struct clients *cs, pid_t pid, const struct sockaddr_storage *peer, const char *text)
{
	struct client *c = calloc(1, sizeof(*c));
	struct timeval tv = {CLIENT_LIFE_S, 0};

	if (c == NULL)
		abort();
	c->clients = cs;
	c->key = clients_key(peer);
	snprintf(c->peer, sizeof(c->peer), "%s", text);
	c->life = evtimer_new(cs->base, on_life, c);
	if (c->life == NULL)
		abort();
	event_add(c->life, &tv);
	LIST_INSERT_HEAD(&cs->list, c, link);
	children_add(cs->children, &c->child, pid, on_ended, c);
}

/* Returns core's end of the channel. */
static int
spawn(struct clients *cs, int fd, pid_t *ret_pid, struct err *err)
{
	auto_close int ours = -1;
	auto_close int theirs = -1;
	auto_close int key = hostkey_reopen(cs->hostkey, err);
	int pair[2];
	int rc;

	if (key < 0)
		return key;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "cannot make a channel");
	ours = pair[0];
	theirs = pair[1];
	rc = role_spawn(cs->facts,
	    &(struct role){
		.program = "pgod-ssh", .account = &cs->facts->ssh, .fds = (int[]){theirs, fd, key}, .nfds = 3},
	    ret_pid, err);
	return rc < 0 ? rc : take_fd(&ours);
}

void
clients_accept(struct clients *cs, struct channel *core, int take_fd, const struct sockaddr_storage *peer)
{
	auto_close int fd = take_fd;
	auto_close int channel = -1;
	struct in6_addr key = clients_key(peer);
	struct err err = ERR_INIT;
	char text[INET6_ADDRSTRLEN + 16];
	pid_t pid = 0;
	int on = 1;

	peer_text(peer, text, sizeof(text));
	if (core == NULL || is_full(cs, &key)) {
		refuse(cs, text);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	channel = spawn(cs, fd, &pid, &err);
	if (channel < 0) {
		log_err("%s peer=%s", err.msg, text);
		return;
	}
	client_new(cs, pid, peer, text);
	channel_send(core, msg_new("client", "sIss", "id", (json_int_t)++cs->next_id, "peer", text), &channel, 1);
}

void
clients_signal(const struct clients *cs, int sig)
{
	const struct client *c;

	LIST_FOREACH(c, &cs->list, link)
	kill(c->child.pid, sig);
}
