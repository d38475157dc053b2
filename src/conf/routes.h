/* The routes of the host: which site leads to which port of which service, as the `urls` of all services say it.
 * Pure. A service that is stopped or held keeps its routes: its visitors hear from the proxy that it is away, and
 * nobody else's site answers in its place. */
#ifndef PGO_CONF_ROUTES_H
#define PGO_CONF_ROUTES_H

#include <stddef.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/site.h"

enum { ROUTES_TEXT_MAX = 4 * 1024 * 1024 };

struct route {
	char *site;	     /* as written in pgo.toml */
	struct site address; /* the same, read */
	const char *service; /* whose it is, by its name in pgo.toml; borrowed from the configuration */
	char *upstream; /* the compose service, or another name by which containers find it on a network they share */
	int port;	/* of the upstream */
};

struct routes {
	struct route *v; /* services in the order of pgo.toml, and the sites of each */
	size_t n;
};
#define auto_routes __attribute__((cleanup(routes_done)))

/* Those of all services; the configuration must outlive them. The caller ends them with routes_done. */
void routes_of(const struct conf *c, struct routes *ret);
void routes_done(struct routes *r);
/* As a Caddyfile imports them: a block for each route, and nothing else; nothing at all without routes. Adds to ret,
 * whose limit should be ROUTES_TEXT_MAX. */
void routes_caddyfile(const struct routes *r, struct buf *ret);

#endif
