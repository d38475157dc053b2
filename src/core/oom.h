/* Containers that use up the memory that they may: said aloud, because all that a service sees of it is a death without
 * a word. */
#ifndef PGO_CORE_OOM_H
#define PGO_CORE_OOM_H

#include <stdint.h>

#include "base/buf.h"
#include "engine/container.h"

enum {
	OOM_SAY_MS = 60 * 1000
}; /* between two lines in the log about one service: a container can make as many as it likes */

struct oom {
	unsigned count;	 /* processes that the kernel ended, since the release went live */
	char *who;	 /* the compose service of the last; NULL: none */
	int64_t last_ms; /* wall clock */
	int64_t said_ms; /* monotonic; 0: not yet */
};

struct service;
/* The kernel ended a process of this container. */
void oom_happened(struct service *svc, const struct container *c);
/* Another release runs: what the one before used up says nothing about it. Also frees. */
void oom_forget(struct oom *oom);
/* "web used all that it may 3 times, last 12 s ago"; NULL when nothing happened. The caller frees. */
char *oom_text(const struct oom *oom);

#endif
