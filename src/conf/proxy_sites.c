/* The sites of all services, held against what the proxy of [proxy] can serve. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/proxy.h"
#include "conf/proxy_table.h"
#include "conf/tree.h"

struct sites {
	const struct table *proxy;
	bool nginx;
	bool certificates;
	json_t *ports; /* port → whether it has TLS */
	json_t *taken; /* host, port and path → line */
};

/* Where a sentence points to. */
struct where {
	size_t service;
	size_t url;
	const json_t *entry;
};

static void
told(const struct sites *s, const struct where *w, const char *sentence)
{
	problems_add(s->proxy->problems, tree_number(w->entry, "line"), tree_number(w->entry, "column"),
	    "services[%zu]: key \"urls[%zu]\" %s", w->service, w->url, sentence);
}

/* It says so itself that there must be TLS. */
static bool
wants_tls(const char *text)
{
	return strncasecmp(text, "https://", strlen("https://")) == 0 || strstr(text, ":443") != NULL;
}

/* One port speaks TLS or does not. */
static void
check_port(struct sites *s, const struct where *w, const struct proxy_place *place)
{
	char port[16];
	const json_t *other;

	snprintf(port, sizeof(port), "%d", place->port);
	other = json_object_get(s->ports, port);
	if (other != NULL && json_is_true(other) != place->tls)
		told(s, w,
		    "has a port on which other sites are served with TLS and this one without, or the other way round: "
		    "choose another port");
	else if (other == NULL && json_object_set_new(s->ports, port, json_boolean(place->tls)) != 0)
		abort();
}

/* Without certificates http:// and https:// of one name come to the same. */
static void
check_taken(struct sites *s, const struct where *w, const struct site *site, const struct proxy_place *place)
{
	bool whole = str_eq(site->path, "/*");
	auto_free char *key = str_printf("%s %d %s", site->host, place->port, whole ? "" : site->path);

	for (char *p = key; *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	if (json_object_get(s->taken, key) != NULL)
		told(s, w,
		    "is served where another site is already: without certificates, and for \"/*\", they come to the same; "
		    "remove one");
	else if (json_object_set_new(s->taken, key, json_true()) != 0)
		abort();
}

static void
check_site(struct sites *s, const struct where *w)
{
	const json_t *key = json_object_get(w->entry, "key");
	const char *text = json_string_value(key);
	struct site site;
	struct proxy_place place;

	if (strlen(text) != json_string_length(key) || site_parse(text, &site, NULL) < 0)
		return; /* told already */
	place = proxy_place(&site, s->certificates);
	if (site.host[0] == '\0')
		told(s, w, "names no host: with [proxy] a name that nobody has is answered with 404; write the host");
	else if (s->nginx && !proxy_nginx_path_ok(site.path))
		told(s, w, "has a \"*\" within its path, which nginx cannot tell apart: write it only at the end");
	else if (!s->certificates && wants_tls(text))
		told(s, w,
		    "asks for https: write \"certificate\" and \"certificate_key\" beneath [proxy], or the host alone");
	else {
		check_port(s, w, &place);
		check_taken(s, w, &site, &place);
	}
}

static void
check_service(struct sites *s, size_t index, const json_t *node)
{
	size_t i, j;
	json_t *entry, *url;

	json_array_foreach(json_object_get(node, "value"), i, entry)
	{
		const json_t *urls = json_object_get(entry, "node");

		if (strcasecmp(json_string_value(json_object_get(entry, "key")), "urls") != 0 ||
		    !tree_is(urls, "table"))
			continue;
		json_array_foreach(json_object_get(urls, "value"), j, url)
		{
			check_site(s, &(struct where){index, j, url});
		}
	}
}

void
proxy_table_check_sites(const struct table *t, const json_t *services)
{
	bool nginx = str_eq(table_string(t, PROXY_KEY_TYPE, ""), "nginx");
	struct sites s = {.proxy = t,
	    .nginx = nginx,
	    .certificates = !nginx || t->entries[PROXY_KEY_CERTIFICATE] != NULL,
	    .ports = json_object(),
	    .taken = json_object()};
	size_t i;
	json_t *node;

	if (s.ports == NULL || s.taken == NULL)
		abort();
	json_array_foreach(json_object_get(services, "value"), i, node)
	{
		if (tree_is(node, "table"))
			check_service(&s, i, node);
	}
	json_decref(s.ports);
	json_decref(s.taken);
}
