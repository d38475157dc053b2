#include "ipc/upstreams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "ipc/hostname.h"

enum { PORT_MAX = 65535 };

void
upstreams_done(struct upstreams *u)
{
	for (size_t i = 0; i < u->n; i++)
		strv_done(&u->v[i]);
	for (size_t i = 0; i < u->napps; i++) {
		free(u->apps[i].host);
		strv_done(&u->apps[i].to);
	}
	free(u->v);
	free(u->apps);
	*u = (struct upstreams){0};
}

static bool
ipv4_ok(in_addr_t address)
{
	bool link_local = (address & 0xffff0000) == 0xa9fe0000;
	bool loopback = (address & 0xff000000) == 0x7f000000;

	return address >> 24 != 0 && address >> 28 < 0xe && !link_local && (!loopback || address == INADDR_LOOPBACK);
}

/* Behind the well-known address of a cloud's metadata, say, there is no container. */
bool
upstream_ok(const char *ip)
{
	struct in_addr in;
	struct in6_addr in6;

	if (inet_pton(AF_INET, ip, &in) == 1)
		return ipv4_ok(ntohl(in.s_addr));
	return inet_pton(AF_INET6, ip, &in6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&in6) && !IN6_IS_ADDR_MULTICAST(&in6) &&
	       !IN6_IS_ADDR_LINKLOCAL(&in6) && !IN6_IS_ADDR_V4MAPPED(&in6) && !IN6_IS_ADDR_V4COMPAT(&in6);
}

struct upstreams_app *
upstreams_add_app(struct upstreams *u, const char *host, int port)
{
	if (u->napps == u->room) {
		u->room = u->room == 0 ? 64 : 2 * u->room;
		u->apps = reallocarray(u->apps, u->room, sizeof(*u->apps));
		if (u->apps == NULL)
			abort();
	}
	u->apps[u->napps] = (struct upstreams_app){.host = str_dup(host), .port = port};
	return &u->apps[u->napps++];
}

void
upstreams_pack(const struct upstreams *u, struct buf *ret)
{
	for (size_t i = 0; i < u->n; i++) {
		for (size_t j = 0; j < u->v[i].n; j++)
			buf_printf(ret, "%s%s", j == 0 ? "" : " ", u->v[i].v[j]);
		buf_str_add(ret, "\n");
	}
	for (size_t i = 0; i < u->napps; i++) {
		buf_printf(ret, "%s %d", u->apps[i].host, u->apps[i].port);
		for (size_t j = 0; j < u->apps[i].to.n; j++)
			buf_printf(ret, " %s", u->apps[i].to.v[j]);
		buf_str_add(ret, "\n");
	}
}

static bool
read_address(const char *word, size_t len, struct strv *sv)
{
	char ip[INET6_ADDRSTRLEN];

	if (len == 0 || len >= sizeof(ip) || sv->n == UPSTREAMS_EACH_MAX)
		return false;
	memcpy(ip, word, len);
	ip[len] = '\0';
	return strlen(ip) == len && upstream_ok(ip) && !strv_has(sv, ip) && strv_add(sv, ip);
}

/* A line without its end. */
static bool
read_line(const char *line, size_t len, struct strv *sv)
{
	while (len > 0) {
		const char *space = memchr(line, ' ', len);
		size_t word = space == NULL ? len : (size_t)(space - line);

		if (!read_address(line, word, sv) || (space != NULL && word + 1 == len))
			return false;
		len -= space == NULL ? word : word + 1;
		line += space == NULL ? word : word + 1;
	}
	return true;
}

/* A number as it is printed, and not "080". */
static bool
read_port(const char *word, int *ret_port)
{
	int64_t port = 0;

	if (word[0] == '0' || word[0] == '+' || !str_to_int(word, 1, PORT_MAX, &port))
		return false;
	*ret_port = (int)port;
	return true;
}

/* "HOST PORT[ ADDRESS...]": what core says of a name is checked here, for root writes it into a proxy's file. */
static bool
read_app(struct upstreams *u, const char *line, size_t len)
{
	const char *last = u->napps == 0 ? "" : u->apps[u->napps - 1].host;
	auto_free char *copy = str_printf("%.*s", (int)len, line);
	char *port = strchr(copy, ' '), *to;
	struct upstreams_app *app;
	int number;

	if (strlen(copy) != len || port == NULL)
		return false;
	*port++ = '\0';
	to = strchr(port, ' ');
	if (to != NULL)
		*to++ = '\0';
	if (hostname_check(copy, NULL) < 0 || strcmp(last, copy) >= 0 || !read_port(port, &number))
		return false;
	app = upstreams_add_app(u, copy, number);
	return to == NULL || (to[0] != '\0' && read_line(to, strlen(to), &app->to));
}

static int
read_lines(const char *data, size_t len, struct upstreams *u, struct err *err)
{
	const char *at = data, *end = data + len;

	for (size_t i = 0; i < u->n || at < end; i++) {
		const char *stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
		bool ok = stop != NULL && (i < u->n ? read_line(at, (size_t)(stop - at), &u->v[i])
						    : read_app(u, at, (size_t)(stop - at)));

		if (!ok)
			return err_set(err, EBADMSG, "the addresses of route %zu are malformed", i);
		at = stop + 1;
	}
	return 0;
}

int
upstreams_unpack(const char *data, size_t len, size_t n, struct upstreams *ret, struct err *err)
{
	struct upstreams u = {.v = calloc(n + 1, sizeof(*u.v)), .n = n};
	int rc;

	if (u.v == NULL)
		abort();
	rc = read_lines(data, len, &u, err);
	if (rc < 0)
		upstreams_done(&u);
	else
		*ret = u;
	return rc;
}
