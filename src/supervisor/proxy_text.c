#include "supervisor/proxy_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"

bool
proxy_is_whole(const char *path)
{
	return path[0] == '\0' || str_eq(path, "/*");
}

char *
proxy_host_text(const char *host)
{
	return str_printf(strchr(host, ':') != NULL ? "[%s]" : "%s", host);
}

char *
proxy_path_for(const char *path, const char *host)
{
	const char *hole = strstr(path, "{host}");
	const char *name = str_starts(host, "*.") ? host + strlen("*.") : host;

	if (hole == NULL)
		return str_dup(path);
	return str_printf("%.*s%s%s", (int)(hole - path), path, name, hole + strlen("{host}"));
}

static int
by_place(const void *a, const void *b)
{
	const struct proxy_leaf *x = a;
	const struct proxy_leaf *y = b;
	const char *xpath = x->route->address.path, *ypath = y->route->address.path;
	int d = strcmp(x->route->address.host, y->route->address.host);

	if (d == 0)
		d = x->place.port - y->place.port;
	if (d == 0)
		d = (strlen(xpath) < strlen(ypath)) - (strlen(xpath) > strlen(ypath));
	if (d == 0)
		d = strcmp(xpath, ypath);
	return d != 0 ? d : (x->number > y->number) - (x->number < y->number);
}

static int
by_port(const void *a, const void *b)
{
	const struct proxy_place *x = a;
	const struct proxy_place *y = b;

	return x->port != y->port ? x->port - y->port : (int)x->tls - (int)y->tls;
}

/* Port 80 is always there: for who comes without TLS, or asks for a name that nobody has any more. */
static void
collect_ports(struct proxy_servers *s)
{
	size_t kept = 0;

	s->ports[s->nports++] = (struct proxy_place){SITE_PORT_HTTP, false};
	for (size_t i = 0; i < s->n; i++)
		s->ports[s->nports++] = s->v[i].place;
	qsort(s->ports, s->nports, sizeof(*s->ports), by_port);
	for (size_t i = 0; i < s->nports; i++) {
		if (kept == 0 || s->ports[kept - 1].port != s->ports[i].port)
			s->ports[kept++] = s->ports[i];
	}
	s->nports = kept;
}

static void
collect_servers(struct proxy_servers *s, size_t nleaves)
{
	for (size_t i = 0; i < nleaves; i++) {
		const struct proxy_leaf *leaf = &s->leaves[i];

		if (s->n > 0 && s->v[s->n - 1].place.port == leaf->place.port &&
		    str_eq(s->v[s->n - 1].host, leaf->route->address.host))
			s->v[s->n - 1].n++;
		else
			s->v[s->n++] = (struct proxy_server){leaf->route->address.host, leaf->place, leaf, 1};
	}
}

/* No name of an app's gets in but its host, which ipc/upstreams.c has checked. */
static void
app_route(const struct upstreams_app *app, bool plain, struct route *ret)
{
	auto_free char *site = str_printf("%s%s", plain ? "http://" : "", app->host);

	*ret = (struct route){.service = "app", .port = app->port};
	if (site_parse(site, &ret->address, NULL) < 0)
		abort();
}

static void
add_leaf(struct proxy_servers *s, size_t *n, const struct route *r, const struct strv *to, bool certificates)
{
	s->leaves[*n] = (struct proxy_leaf){r, to, proxy_place(&r->address, certificates), *n};
	(*n)++;
}

static void
servers_init(struct proxy_servers *s, const struct proxy_input *in)
{
	bool certificates = in->proxy->type == PROXY_CADDY || in->proxy->certificate != NULL;
	const struct upstreams *u = in->upstreams;
	size_t n = in->routes->n + u->napps;
	size_t nleaves = 0;

	*s = (struct proxy_servers){.apps = calloc(u->napps + 1, sizeof(*s->apps)),
	    .leaves = calloc(n + 1, sizeof(*s->leaves)),
	    .v = calloc(n + 1, sizeof(*s->v)),
	    .ports = calloc(n + 1, sizeof(*s->ports))};
	if (s->apps == NULL || s->leaves == NULL || s->v == NULL || s->ports == NULL)
		abort();
	for (size_t i = 0; i < in->routes->n; i++) {
		/* The check of the configuration refuses such a one: it would answer for names that nobody has. */
		if (in->routes->v[i].address.host[0] != '\0')
			add_leaf(s, &nleaves, &in->routes->v[i], &u->v[i], certificates);
	}
	for (size_t i = 0; i < u->napps; i++) {
		app_route(&u->apps[i], in->apps_plain, &s->apps[i]);
		add_leaf(s, &nleaves, &s->apps[i], &u->apps[i].to, certificates);
	}
	qsort(s->leaves, nleaves, sizeof(*s->leaves), by_place);
	collect_servers(s, nleaves);
	collect_ports(s);
}

static void
servers_done(struct proxy_servers *s)
{
	free(s->apps);
	free(s->leaves);
	free(s->v);
	free(s->ports);
}

void
proxy_text(const struct proxy_input *in, struct buf *ret)
{
	__attribute__((cleanup(servers_done))) struct proxy_servers servers = {0};

	servers_init(&servers, in);
	buf_str_add(ret, PROXY_MARK "(8) from the urls of pgo.toml. Changes of yours are lost.\n");
	if (in->proxy->type == PROXY_NGINX)
		proxy_nginx(in, &servers, ret);
	else
		proxy_caddy(&servers, ret);
}
