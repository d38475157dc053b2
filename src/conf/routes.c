#include "conf/routes.h"

#include <string.h>

#include "base/auto.h"
#include "base/str.h"

/* "example.org web:8080", which conf_parse has checked. */
static struct route
read_route(const struct conf_service *s, const char *url)
{
	size_t site_len = strcspn(url, " ");
	const char *upstream = url + site_len + 1;
	size_t upstream_len = strcspn(upstream, ":");
	struct route r = {.service = s->name};
	int64_t port = 0;

	r.site = str_printf("%.*s", (int)site_len, url);
	r.upstream = str_printf("%.*s", (int)upstream_len, upstream);
	if (site_parse(r.site, &r.address, NULL) < 0 || !str_to_int(upstream + upstream_len + 1, 1, 65535, &port))
		abort();
	r.port = (int)port;
	return r;
}

void
routes_of(const struct conf *c, struct routes *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nservices; i++)
		n += c->services[i].urls.n;
	*ret = (struct routes){.v = calloc(n + 1, sizeof(*ret->v))};
	if (ret->v == NULL)
		abort();
	for (size_t i = 0; i < c->nservices; i++) {
		const struct conf_service *s = &c->services[i];

		for (size_t j = 0; j < s->urls.n; j++)
			ret->v[ret->n++] = read_route(s, s->urls.v[j]);
	}
}

void
routes_done(struct routes *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].site);
		free(r->v[i].upstream);
	}
	free(r->v);
	*r = (struct routes){0};
}

void
routes_caddyfile(const struct routes *r, struct buf *ret)
{
	for (size_t i = 0; i < r->n; i++)
		buf_printf(ret, "%s {\n\treverse_proxy %s:%d\n}\n", r->v[i].site, r->v[i].upstream, r->v[i].port);
}
