/* pgod-core as pgod sees it: started, spoken to, restarted when it dies. */
#ifndef PGO_SUPERVISOR_CORE_H
#define PGO_SUPERVISOR_CORE_H

#include <event2/event.h>
#include <stdbool.h>

#include "ipc/channel.h"
#include "supervisor/children.h"
#include "supervisor/facts.h"

struct core;

struct core_handler {
	int (*job)(void *ctx, struct msg *m, struct err *err);
	int (*kill)(void *ctx, struct msg *m, struct err *err);
	int (*hold)(void *ctx, struct msg *m, struct err *err);
	int (*pin)(void *ctx, struct msg *m, struct err *err);
	int (*upstreams)(void *ctx, struct msg *m, struct err *err);
	/* The engine may start containers. */
	void (*settled)(void *ctx);
	/* There is a new app; core has been told its name. */
	void (*made)(void *ctx, struct channel *ch, const struct conf_service *s);
	/* The directories of a service that is no longer configured, or an app that ends, have been put away. */
	void (*retired)(void *ctx, const char *service);
	/* Core runs and expects its first messages on ch. */
	void (*started)(void *ctx, struct channel *ch);
	/* Core said hello: connections may come. */
	void (*ready)(void *ctx, struct channel *ch);
	/* Core is gone. Unless core_stop was called it is started again after a while. */
	void (*gone)(void *ctx);
	void *ctx;
};

struct core *core_new(
    struct event_base *base, struct children *children, const struct facts *facts, const struct core_handler *h);
void core_free(struct core *c);
/* Starts it. */
int core_start(struct core *c, struct err *err);
/* Asks it to finish what runs and to exit; it is not started again. */
void core_quit(struct core *c);
void core_signal(const struct core *c, int sig);
/* The channel to core, NULL while there is none. */
struct channel *core_channel(const struct core *c);
bool core_runs(const struct core *c);

#endif
