#include "ipc/upstreams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
upstreams_done(struct upstreams *u)
{
	for (size_t i = 0; i < u->n; i++)
		strv_done(&u->v[i]);
	free(u->v);
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

void
upstreams_pack(const struct upstreams *u, struct buf *ret)
{
	for (size_t i = 0; i < u->n; i++) {
		for (size_t j = 0; j < u->v[i].n; j++)
			buf_printf(ret, "%s%s", j == 0 ? "" : " ", u->v[i].v[j]);
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

static int
read_lines(const char *data, size_t len, struct upstreams *u, struct err *err)
{
	const char *at = data, *end = data + len;

	for (size_t i = 0; i < u->n; i++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		if (stop == NULL || !read_line(at, (size_t)(stop - at), &u->v[i]))
			return err_set(err, EBADMSG, "the addresses of route %zu are malformed", i);
		at = stop + 1;
	}
	return at == end ? 0 : err_set(err, EBADMSG, "addresses of more than the %zu routes", u->n);
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
