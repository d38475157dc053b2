#include "supervisor/warnings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "conf/routes.h"

struct warnings {
	const char *path;
	const struct conf *conf;
	struct strv *ret;
};

static void __attribute__((format(printf, 3, 4)))
warn(const struct warnings *w, const struct conf_service *s, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	if (w->ret->n == WARNINGS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strv_add_take(w->ret, str_printf("%s:%d:1: service \"%s\": %s", w->path, s->line, s->name, text));
}

/* What is said of names of which nobody tells a proxy. */
static void
warn_of_no_import(const struct warnings *w)
{
	const struct conf_service *with_urls = NULL;

	if (w->conf->proxied)
		return;
	for (size_t i = 0; i < w->conf->nservices; i++) {
		const struct conf_service *s = &w->conf->services[i];

		if (s->import != NULL)
			return;
		if (with_urls == NULL && s->urls.n > 0)
			with_urls = s;
	}
	if (with_urls != NULL)
		warn(w, with_urls,
		    "there is no [proxy], and no service has \"import\", so no proxy is told of the names of \"urls\": they only "
		    "keep other services from taking the names that they lead to");
}

static void
warn_of_one_alone(const struct warnings *w)
{
	for (size_t i = 0; i < w->conf->nservices; i++) {
		const struct conf_service *s = &w->conf->services[i];

		if (s->import == NULL && s->reload != NULL)
			warn(w, s,
			    "\"reload\" without \"import\", the file after whose change it runs, does nothing: write import = "
			    "\"Caddyfile-import\"");
		if (s->import != NULL && s->reload == NULL)
			warn(w, s,
			    "\"import\" without \"reload\": the file is written, and the proxy is not told; write reload = "
			    "\"localhost:caddy//exec caddy reload --config /etc/caddy/Caddyfile\"");
	}
}

/* A name that goes away would be answered by the other service, without an error. */
static void
warn_of_covered(const struct warnings *w, const struct route *wide, const struct routes *routes)
{
	for (size_t i = 0; i < routes->n; i++) {
		const struct route *r = &routes->v[i];

		if (!str_eq(wide->service, r->service) && site_covers(&wide->address, &r->address))
			warn(w, conf_find(w->conf, wide->service),
			    "its site \"%s\" covers \"%s\" of service \"%s\", which gets its requests as long as it has that "
			    "name",
			    wide->site, r->site, r->service);
	}
}

static void
warn_of_wide_sites(const struct warnings *w)
{
	auto_routes struct routes routes = {0};

	routes_of(w->conf, &routes);
	for (size_t i = 0; i < routes.n && w->ret->n < WARNINGS_MAX; i++) {
		const char *host = routes.v[i].address.host;

		if (host[0] == '\0' || host[0] == '*')
			warn_of_covered(w, &routes.v[i], &routes);
	}
}

static void
warn_of_groups(const struct warnings *w)
{
	for (size_t i = 0; i < w->conf->nservices; i++) {
		const struct conf_service *s = &w->conf->services[i];

		if (s->group != NULL)
			warn(w, s,
			    "\"group\" is not used: what is run for the service has the primary group of its account, and "
			    "the account's other groups");
	}
}

void
warnings_of(const char *path, const struct conf *c, struct strv *ret)
{
	struct warnings w = {path, c, ret};

	warn_of_no_import(&w);
	warn_of_one_alone(&w);
	warn_of_wide_sites(&w);
	warn_of_groups(&w);
}
