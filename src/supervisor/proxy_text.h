/* What the proxy on the host is told: the routes and where they lead, as text of its configuration. Pure. */
#ifndef PGO_SUPERVISOR_PROXY_TEXT_H
#define PGO_SUPERVISOR_PROXY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "conf/proxy.h"
#include "conf/routes.h"
#include "ipc/upstreams.h"

enum { PROXY_TEXT_MAX = 64 * 1024 * 1024 };

/* How every file of ours begins: what begins otherwise is somebody's, and is not touched. */
#define PROXY_MARK "# Written by pgod"

struct proxy_input {
	const struct conf_proxy *proxy;
	const struct routes *routes;
	const struct upstreams *upstreams; /* as many, in the same order; the routes of apps besides */
	bool apps_plain;		   /* apps are asked for by http alone */
	/* nginx: is there a certificate for this host? One that is missing must not keep all others from being served.
	 */
	bool (*has_certificate)(void *ctx, const char *host);
	void *ctx;
};

/* The same input makes the same text. ret's limit should be PROXY_TEXT_MAX. */
void proxy_text(const struct proxy_input *in, struct buf *ret);
/* The path in which {host} stands for the host, of "*.example.org" the part behind "*.". The caller frees. */
char *proxy_path_for(const char *path, const char *host);

/* --- what the two writers share --- */

/* One route, where it is served and where it leads. */
struct proxy_leaf {
	const struct route *route;
	const struct strv *to;
	struct proxy_place place;
	size_t number; /* of the route */
};

/* What is asked for by one name at one port. */
struct proxy_server {
	const char *host;
	struct proxy_place place;
	const struct proxy_leaf *leaves; /* the narrower path first */
	size_t n;
};

struct proxy_servers {
	struct route *apps; /* made of what core says */
	struct proxy_leaf *leaves;
	struct proxy_server *v; /* by host, then port */
	size_t n;
	struct proxy_place *ports; /* each once, by number: where unknown names are answered as well */
	size_t nports;
};

/* A host as it stands in an address: IPv6 in brackets. The caller frees. */
char *proxy_host_text(const char *host);
/* All of the site, and no path. */
bool proxy_is_whole(const char *path);
/* proxy_nginx.c, proxy_caddy.c */
void proxy_nginx(const struct proxy_input *in, const struct proxy_servers *servers, struct buf *ret);
void proxy_caddy(const struct proxy_servers *servers, struct buf *ret);

#endif
