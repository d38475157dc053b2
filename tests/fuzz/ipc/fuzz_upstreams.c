/* What core says of where the routes lead: root writes it into a proxy's configuration. What parses is a list of
 * numeric addresses, and of host names with ports, and packs to the same bytes. The first byte says for how many
 * routes. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "ipc/upstreams.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
check_address(const char *ip)
{
	struct in6_addr any;

	must(ip[strspn(ip, "0123456789abcdefABCDEF.:")] == '\0');
	must(inet_pton(AF_INET, ip, &any) == 1 || inet_pton(AF_INET6, ip, &any) == 1);
	must(!str_starts(ip, "169.254.") && !str_starts(ip, "0."));
}

static void
check_app(const struct upstreams_app *app)
{
	must(app->host[0] != '\0' && app->host[strspn(app->host, "abcdefghijklmnopqrstuvwxyz0123456789-_.*")] == '\0');
	must(strchr(app->host + 1, '*') == NULL && strchr(app->host, '.') != NULL && strlen(app->host) <= 253);
	must(app->port > 0 && app->port < 65536 && app->to.n <= UPSTREAMS_EACH_MAX);
	for (size_t j = 0; j < app->to.n; j++)
		check_address(app->to.v[j]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_upstreams struct upstreams u = {0};
	auto_buf struct buf packed = BUF_INIT(UPSTREAMS_BYTES);
	struct err err = ERR_INIT;
	size_t n = size == 0 ? 0 : data[0] - (data[0] >= '0' ? '0' : 0U);

	if (size == 0 || upstreams_unpack((const char *)data + 1, size - 1, n, &u, &err) < 0)
		return 0;
	must(u.n == n);
	for (size_t i = 0; i < u.n; i++) {
		must(u.v[i].n <= UPSTREAMS_EACH_MAX);
		for (size_t j = 0; j < u.v[i].n; j++)
			check_address(u.v[i].v[j]);
	}
	for (size_t i = 0; i < u.napps; i++) {
		must(i == 0 || strcmp(u.apps[i - 1].host, u.apps[i].host) < 0);
		check_app(&u.apps[i]);
	}
	upstreams_pack(&u, &packed);
	must(packed.len == size - 1 && memcmp(buf_str(&packed), data + 1, packed.len) == 0);
	return 0;
}
