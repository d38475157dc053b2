/* The children of pgod: reaped in one place. pgod is a subreaper, so what a job leaves behind comes here too, and is
 * ended. */
#ifndef PGO_SUPERVISOR_CHILDREN_H
#define PGO_SUPERVISOR_CHILDREN_H

#include <event2/event.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/err.h"

/* One child, in its owner's storage. Each is the leader of a session of its own. */
struct child {
	LIST_ENTRY(child) link;
	pid_t pid;
	void (*ended)(void *ctx, int wstatus); /* called once; the child is off the list already */
	void *ctx;
};

struct children;

/* Makes the process a subreaper and watches SIGCHLD. NULL with err set on failure. */
struct children *children_new(struct event_base *base, struct err *err);
void children_free(struct children *cs);
/* Adds a child that was just started. */
void children_add(struct children *cs, struct child *c, pid_t pid, void (*ended)(void *ctx, int wstatus), void *ctx);
/* How many known children there are. */
size_t children_count(const struct children *cs);

#endif
