/* Which containers stand behind the routes, by the engine's view: those that run, and are healthy where there is a
 * healthcheck, at addresses that this host reaches. */
#ifndef PGO_CORE_PROXY_TARGETS_H
#define PGO_CORE_PROXY_TARGETS_H

#include "conf/routes.h"
#include "core/core.h"
#include "engine/container.h"
#include "ipc/upstreams.h"

struct networks;

/* What is known of the engine's networks: changed is called, from the event loop, when one has been looked at. */
struct networks *networks_new(void (*changed)(void *ctx), void *ctx);
/* False: a network is being looked at first, and changed will be called. The caller frees with upstreams_done. */
bool targets_find(struct core *core, const struct routes *routes, struct networks *networks, struct upstreams *ret);

enum target {
	TARGET_FOUND,
	TARGET_ASKED, /* one of its networks is being looked at first, and changed will be called */
	TARGET_NONE,
};
/* The first address of a container that this host reaches. */
enum target target_address(
    struct core *core, struct networks *networks, const struct container *c, char ret_ip[CONTAINER_ADDRESS_MAX]);

#endif
