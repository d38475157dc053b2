/* Core's orders for pins, each carried out by a child: a network file system that does not answer holds up nobody but
 * the service whose it is. In turn for each service. Where the service has a share, that is mounted first. */
#ifndef PGO_SUPERVISOR_PINS_H
#define PGO_SUPERVISOR_PINS_H

#include <event2/event.h>

#include "ipc/channel.h"
#include "supervisor/children.h"
#include "supervisor/facts.h"

struct pins;

/* All arguments are borrowed and must outlive the pins. */
struct pins *pins_new(struct event_base *base, struct children *children, const struct facts *facts);
void pins_free(struct pins *ps);
/* Where answers go from now on; NULL: nowhere, what waits is dropped. */
void pins_set_core(struct pins *ps, struct channel *core);
/* Core's message `pin`. An error means that core broke the rules. */
int pins_order(struct pins *ps, struct msg *m, struct err *err);
/* A service has gone: its pins go too, and its share is unmounted. */
void pins_drop(struct pins *ps, const char *service);

#endif
