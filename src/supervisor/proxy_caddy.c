/* For Caddy: a file that its Caddyfile imports, site blocks alone. Certificates, the way from http to https and the
 * headers about the client are Caddy's own. */
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "supervisor/proxy_text.h"

static void
add_port(const struct proxy_place *place, struct buf *ret)
{
	if (place->port != (place->tls ? SITE_PORT_HTTPS : SITE_PORT_HTTP))
		buf_printf(ret, ":%d", place->port);
}

static void
add_address(const char *host, const struct proxy_place *place, struct buf *ret)
{
	auto_free char *text = proxy_host_text(host);

	buf_printf(ret, "%s%s", place->tls ? "https://" : "http://", text);
	add_port(place, ret);
}

/* Names that nobody has: of these the answer tells nothing. */
static void
add_default(const struct proxy_place *place, struct buf *ret)
{
	add_address("", place, ret);
	buf_str_add(ret, " {\n\trespond 404\n}\n");
}

static void
add_handle(const struct proxy_leaf *leaf, struct buf *ret)
{
	bool whole = proxy_is_whole(leaf->route->address.path);

	buf_printf(ret, "\thandle%s%s {\n", whole ? "" : " ", whole ? "" : leaf->route->address.path);
	if (leaf->to->n == 0) {
		buf_str_add(ret, "\t\trespond 503\n\t}\n");
		return;
	}
	buf_str_add(ret, "\t\treverse_proxy");
	for (size_t i = 0; i < leaf->to->n; i++) {
		auto_free char *address = proxy_host_text(leaf->to->v[i]);

		buf_printf(ret, " %s:%d", address, leaf->route->port);
	}
	/* A container that has just gone is tried in vain for a moment, and then another. */
	buf_str_add(ret, " {\n"
			 "\t\t\tlb_try_duration 5s\n"
			 "\t\t\tlb_try_interval 100ms\n"
			 "\t\t\tfail_duration 5s\n"
			 "\t\t\ttransport http {\n\t\t\t\tdial_timeout 1s\n\t\t\t}\n"
			 "\t\t}\n\t}\n");
}

static void
add_server(const struct proxy_server *s, struct buf *ret)
{
	bool whole = false;

	add_address(s->host, &s->place, ret);
	buf_str_add(ret, " {\n");
	for (size_t i = 0; i < s->n; i++) {
		whole = whole || proxy_is_whole(s->leaves[i].route->address.path);
		add_handle(&s->leaves[i], ret);
	}
	buf_printf(ret, "%s}\n", whole ? "" : "\thandle {\n\t\trespond 404\n\t}\n");
}

void
proxy_caddy(const struct proxy_servers *servers, struct buf *ret)
{
	for (size_t i = 0; i < servers->nports; i++)
		add_default(&servers->ports[i], ret);
	for (size_t i = 0; i < servers->n; i++)
		add_server(&servers->v[i], ret);
}
