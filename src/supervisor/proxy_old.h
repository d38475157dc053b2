/* Who of nginx's processes goes by the file of before: after a reload its workers of before take no new connection, and
 * end when they have answered what they were asked. So when the last of them has ended, nobody is led by the old file
 * any more. Of Caddy, which is one process, nothing tells it. */
#ifndef PGO_SUPERVISOR_PROXY_OLD_H
#define PGO_SUPERVISOR_PROXY_OLD_H

#include <event2/event.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

enum { PROXY_OLD_MAX = 256 };

struct proxy_old {
	struct {
		pid_t pid;
		unsigned long long
		    started; /* as the kernel counts it: another process with this number is another one */
	} v[PROXY_OLD_MAX];
	size_t n; /* 0: there are none, or nobody knows */
};

/* The workers of the nginx that listens, in our network namespace, on a port that text, a file of ours, listens on. */
void proxy_old_find(const char *text, struct proxy_old *ret);
/* As words for another process of pgod: " PID:STARTED", each. */
void proxy_old_pack(const struct proxy_old *old, struct buf *ret);
void proxy_old_unpack(const char *words, struct proxy_old *ret);

struct proxy_watch;

/* gone(ctx, id): all that were added have ended; id is that of the last ones. */
struct proxy_watch *proxy_watch_new(struct event_base *base, void (*gone)(void *ctx, long long id), void *ctx);
void proxy_watch_free(struct proxy_watch *w);
/* Waits for these as well, but for none of them longer than core would. */
void proxy_watch_add(struct proxy_watch *w, long long id, const struct proxy_old *old);
/* Nobody wants to know any more. */
void proxy_watch_clear(struct proxy_watch *w);

#endif
