/* For nginx: a file within its http block. Nothing stands outside of server blocks but upstreams and a map, so that no
 * other site of the administrator's is changed. */
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "supervisor/proxy_text.h"

/* A longer name may not fit into a bucket of nginx's table of names (64 bytes where the administrator says nothing),
 * and then nginx refuses everything; an expression has no such limit. */
enum { TABLE_NAME_MAX = 40 };

/* Only WebSockets are let through: what else can be asked for in Upgrade (h2c) would hide further requests. */
static const char head[] = "map $http_upgrade $pgo_upgrade {\n"
			   "\tdefault \"\";\n"
			   "\t\"~*^websocket$\" websocket;\n"
			   "}\n"
			   "map $pgo_upgrade $pgo_connection {\n"
			   "\tdefault \"\";\n"
			   "\twebsocket upgrade;\n"
			   "}\n";

/* The client's own word about itself does not count. Bodies and answers are passed on as they come, of any size: how
 * much is too much, the service knows. */
static const char manners[] = "\tproxy_http_version 1.1;\n"
			      "\tproxy_set_header Upgrade $pgo_upgrade;\n"
			      "\tproxy_set_header Connection $pgo_connection;\n"
			      "\tproxy_set_header X-Real-IP $remote_addr;\n"
			      "\tproxy_set_header X-Forwarded-For $remote_addr;\n"
			      "\tproxy_set_header X-Forwarded-Proto $scheme;\n"
			      "\tproxy_set_header Forwarded \"\";\n"
			      "\tproxy_set_header Proxy \"\";\n"
			      "\tproxy_ignore_headers X-Accel-Redirect;\n"
			      "\tproxy_connect_timeout 5s;\n"
			      "\tproxy_read_timeout 300s;\n"
			      "\tproxy_send_timeout 300s;\n"
			      "\tproxy_next_upstream error timeout;\n"
			      "\tproxy_next_upstream_tries 3;\n"
			      "\tproxy_request_buffering off;\n"
			      "\tproxy_buffering off;\n"
			      "\tclient_max_body_size 0;\n";

static void
add_listen(const struct proxy_input *in, const struct proxy_place *place, const char *more, struct buf *ret)
{
	for (size_t i = 0; i < in->proxy->listen.n; i++) {
		auto_free char *address = proxy_host_text(in->proxy->listen.v[i]);

		buf_printf(ret, "\tlisten %s:%d%s%s;\n", address, place->port, place->tls ? " ssl http2" : "", more);
	}
}

/* "*.example.org" stands for one label, for nginx's own wildcard for any number. */
static void
add_name(const char *host, struct buf *ret)
{
	bool wild = str_starts(host, "*.");
	auto_free char *text = proxy_host_text(host);

	if (!wild && strlen(text) <= TABLE_NAME_MAX) {
		buf_printf(ret, "\tserver_name %s;\n", text);
		return;
	}
	buf_str_add(ret, wild ? "\tserver_name \"~^[^.]+" : "\tserver_name \"~^");
	for (const char *p = wild ? host + 1 : host; *p != '\0'; p++)
		buf_printf(ret, *p == '.' ? "\\." : "%c", *p);
	buf_str_add(ret, "$\";\n");
}

static void
add_challenges(const struct proxy_input *in, struct buf *ret)
{
	if (in->proxy->challenges != NULL)
		buf_printf(ret,
		    "\tlocation ^~ /.well-known/acme-challenge/ {\n\t\troot %s;\n\t\tdefault_type text/plain;\n\t}\n",
		    in->proxy->challenges);
}

/* Names that nobody has: of these the answer tells nothing. */
static void
add_default(const struct proxy_input *in, const struct proxy_place *place, struct buf *ret)
{
	buf_str_add(ret, "server {\n");
	add_listen(in, place, " default_server", ret);
	buf_printf(ret, "%s\tserver_tokens off;\n\treturn 404;\n}\n", place->tls ? "\tssl_reject_handshake on;\n" : "");
}

static void
add_upstream(const struct proxy_leaf *leaf, struct buf *ret)
{
	if (leaf->to->n == 0)
		return;
	buf_printf(ret, "upstream pgo_%s_%zu {\n", leaf->route->service, leaf->number);
	for (size_t i = 0; i < leaf->to->n; i++) {
		auto_free char *address = proxy_host_text(leaf->to->v[i]);

		buf_printf(ret, "\tserver %s:%d;\n", address, leaf->route->port);
	}
	buf_str_add(ret, "}\n");
}

static void
add_location(const struct proxy_leaf *leaf, struct buf *ret)
{
	const char *path = leaf->route->address.path;
	size_t len = strcspn(path, "*");

	if (proxy_is_whole(path))
		buf_str_add(ret, "\tlocation / {\n");
	else if (path[len] == '*')
		buf_printf(ret, "\tlocation ^~ %.*s {\n", (int)len, path);
	else
		buf_printf(ret, "\tlocation = %s {\n", path);
	if (leaf->to->n == 0)
		buf_str_add(ret, "\t\treturn 503;\n\t}\n");
	else
		buf_printf(ret, "\t\tproxy_pass http://pgo_%s_%zu;\n\t}\n", leaf->route->service, leaf->number);
}

/* What the service is told about the name that was asked for: with the port where it is not the usual one. */
static void
add_host(const struct proxy_place *place, struct buf *ret)
{
	auto_free char *port = place->port == SITE_PORT_HTTP || place->port == SITE_PORT_HTTPS
				   ? str_dup("")
				   : str_printf(":%d", place->port);

	buf_printf(ret, "\tproxy_set_header Host $host%s;\n\tproxy_set_header X-Forwarded-Host $host%s;\n", port, port);
}

static void
add_certificate(const struct proxy_input *in, const char *host, struct buf *ret)
{
	auto_free char *certificate = proxy_path_for(in->proxy->certificate, host);
	auto_free char *key = proxy_path_for(in->proxy->certificate_key, host);

	buf_printf(ret, "\tssl_certificate %s;\n\tssl_certificate_key %s;\n", certificate, key);
}

static void
add_server(const struct proxy_input *in, const struct proxy_server *s, struct buf *ret)
{
	bool whole = false;

	buf_str_add(ret, "server {\n");
	add_listen(in, &s->place, "", ret);
	add_name(s->host, ret);
	if (s->place.tls)
		add_certificate(in, s->host, ret);
	buf_str_add(ret, manners);
	add_host(&s->place, ret);
	if (s->place.port == SITE_PORT_HTTP)
		add_challenges(in, ret);
	for (size_t i = 0; i < s->n; i++) {
		whole = whole || proxy_is_whole(s->leaves[i].route->address.path);
		add_location(&s->leaves[i], ret);
	}
	buf_printf(ret, "%s}\n", whole ? "" : "\tlocation / {\n\t\treturn 404;\n\t}\n");
}

/* Who comes to port 80 is sent to the site with TLS; there is nothing to send to before it has a certificate. */
static void
add_redirect(const struct proxy_input *in, const struct proxy_server *s, bool ready, struct buf *ret)
{
	buf_str_add(ret, "server {\n");
	add_listen(in, &(struct proxy_place){SITE_PORT_HTTP, false}, "", ret);
	add_name(s->host, ret);
	add_challenges(in, ret);
	buf_printf(
	    ret, "\tlocation / {\n\t\t%s\n\t}\n}\n", ready ? "return 308 https://$host$request_uri;" : "return 503;");
}

/* A server before this one is the same host's at port 80: they come by host, then port. */
static bool
has_plain(const struct proxy_servers *servers, size_t i)
{
	for (size_t j = i; j > 0 && str_eq(servers->v[j - 1].host, servers->v[i].host); j--) {
		if (servers->v[j - 1].place.port == SITE_PORT_HTTP)
			return true;
	}
	return false;
}

void
proxy_nginx(const struct proxy_input *in, const struct proxy_servers *servers, struct buf *ret)
{
	buf_str_add(ret, head);
	for (size_t i = 0; i < servers->nports; i++)
		add_default(in, &servers->ports[i], ret);
	for (size_t i = 0; i < servers->n; i++) {
		const struct proxy_server *s = &servers->v[i];
		bool ready = !s->place.tls || in->has_certificate(in->ctx, s->host);

		for (size_t j = 0; ready && j < s->n; j++)
			add_upstream(&s->leaves[j], ret);
		if (ready)
			add_server(in, s, ret);
		if (s->place.tls && s->place.port == SITE_PORT_HTTPS && !has_plain(servers, i))
			add_redirect(in, s, ready, ret);
	}
}
