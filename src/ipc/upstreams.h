/* Where the routes lead at the moment, as core tells pgod: the addresses of the containers behind each route, in the
 * order of the routes (services in the order of pgo.toml, and the `urls` of each). Both have the routes from the
 * configuration: core adds nothing to them but addresses. Behind them come the routes of apps, which core alone knows:
 * a host name, a port, and the addresses likewise. */
#ifndef PGO_IPC_UPSTREAMS_H
#define PGO_IPC_UPSTREAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum {
	UPSTREAMS_EACH_MAX = 64, /* addresses of a route; further containers get no requests */
	UPSTREAMS_BYTES = 4 * 1024 * 1024,
};

struct upstreams_app {
	char *host; /* as hostname_check passes it */
	int port;   /* of the containers */
	struct strv to;
};

struct upstreams {
	struct strv *v; /* numeric IP addresses; empty: nothing runs */
	size_t n;
	struct upstreams_app *apps; /* by host, each once */
	size_t napps;
	size_t room;
};
#define auto_upstreams __attribute__((cleanup(upstreams_done)))
void upstreams_done(struct upstreams *u);
/* An address that a container can have: no multicast, link-local or unspecified one, and of this machine only the
 * loopback address itself. */
bool upstream_ok(const char *ip);
/* One more route of an app, behind all others by its host; the caller fills in where it leads. Valid until the next. */
struct upstreams_app *upstreams_add_app(struct upstreams *u, const char *host, int port);
/* The memory file of the message `upstreams`: a line for each route, addresses with a space between; then a line for
 * each route of an app, "HOST PORT" in front. */
void upstreams_pack(const struct upstreams *u, struct buf *ret);
/* Strict: exactly n lines of proper addresses, then those of apps; else -EBADMSG. The caller frees with upstreams_done.
 */
int upstreams_unpack(const char *data, size_t len, size_t n, struct upstreams *ret, struct err *err);

#endif
