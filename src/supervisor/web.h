/* pgod-web as pgod sees it: its port, its process, its channels to core. Nothing else depends on it. */
#ifndef PGO_SUPERVISOR_WEB_H
#define PGO_SUPERVISOR_WEB_H

#include <event2/event.h>

#include "base/err.h"
#include "ipc/channel.h"
#include "supervisor/children.h"
#include "supervisor/facts.h"
#include "supervisor/kept.h"

struct web;

/* Listens at an address that bind_check lets pass and starts pgod-web when somebody connects; what cannot be had now
 * (the port is another program's) is tried again every now and then. Never NULL. The pointers are borrowed; an empty
 * address, or facts without an account for it: nothing is served. */
struct web *web_new(struct event_base *base, struct children *children, const struct facts *facts, const char *address,
    struct kept *kept);
void web_free(struct web *w);
/* Core said hello on this channel, or is gone (NULL): pgod-web gets another channel to it. */
void web_set_core(struct web *w, struct channel *core);
/* Sends pgod-web a signal, for the end: it is not started again. */
void web_signal(struct web *w, int sig);

#endif
