/* The proxy on the host: core says where the routes lead, a child writes its file and runs the administrator's
 * commands, one after another; pgod waits for neither. */
#ifndef PGO_SUPERVISOR_PROXY_H
#define PGO_SUPERVISOR_PROXY_H

#include <event2/event.h>

#include "ipc/channel.h"
#include "supervisor/children.h"
#include "supervisor/facts.h"

struct proxy;

/* All arguments are borrowed and must outlive the proxy. Where the configuration has one, what an earlier pgod left
 * untested is taken back first. */
struct proxy *proxy_new(struct event_base *base, struct children *children, const struct facts *facts);
void proxy_close(struct proxy *p);
/* Where answers go from now on; NULL: nowhere, what waits is dropped. */
void proxy_set_core(struct proxy *p, struct channel *core);
/* pgod ends: nothing new is begun, and what runs is given a moment. What it leaves undecided the next pgod takes up. */
void proxy_quit(struct proxy *p);
/* Core's message `upstreams`. An error means that core broke the rules. */
int proxy_order(struct proxy *p, struct msg *m, struct err *err);

#endif
