/* The proxy on the host ([proxy] of pgo.toml): core says which containers stand behind the routes, pgod writes that
 * into the proxy's file. A burst of changes is one message, what is said already is not said again, and a proxy that
 * refuses is asked again, less and less often. */
#ifndef PGO_CORE_PROXY_H
#define PGO_CORE_PROXY_H

#include <stdint.h>

#include "base/buf.h"
#include "core/core.h"

struct proxy;
struct proxy_wait;

/* NULL where none is configured, which all of these functions take. core->conf must be there. */
struct proxy *proxy_new(struct core *core);
/* Something happened to containers of this project (NULL: of any), or to what is being done with them. */
void proxy_changed(struct core *core, const char *project);
/* pgod's answer: error is "" when the file says what core said; leaving: proxy_on_left follows. */
void proxy_on_answer(struct core *core, int64_t id, const char *error, int64_t written_ms, bool leaving);
/* Calls done once the proxy has the routes as they are now, or once it is known that it has not (error not ""). Always
 * from the event loop; NULL where no proxy is configured or none of the service's sites leads there. */
struct proxy_wait *proxy_await(
    struct core *core, const char *project, void (*done)(void *ctx, const char *error), void *ctx);
/* pgod's word that whoever went by the routes before those of this answer has ended. */
void proxy_on_left(struct core *core, int64_t id);
/* Once the proxy has the routes: calls done when it is known that nobody goes by those of before any more. That may be
 * never, so whoever waits has a deadline. */
struct proxy_wait *proxy_await_left(struct core *core, void (*done)(void *ctx, const char *error), void *ctx);
/* Is that known of the routes that the proxy has now, and has not happened yet? */
bool proxy_is_leaving(const struct core *core);
/* Nobody waits any more; NULL is fine. */
void proxy_abandon(struct proxy_wait *w);
/* For metrics: does the file say what core said last, and when was it written? False without proxy, and before pgod's
 * first answer. */
bool proxy_state(const struct core *core, bool *ret_ok, int64_t *ret_written_ms);
/* For status: "2, in the proxy's file of 2026-11-21 10:00:00 UTC", or why they are not there. False for a service
 * without sites, or without proxy. ret_ok tells which. */
bool proxy_tells(const struct core *core, const char *project, bool *ret_ok, struct buf *ret);

#endif
