/* A look at the remote while a release is watched that is not healthy yet: a newer commit does not wait for it to time
 * out. */
#ifndef PGO_CORE_PEEK_H
#define PGO_CORE_PEEK_H

#include <stdbool.h>

struct deploy;
struct service;

enum { PEEK_FIRST_MS = 10 * 1000 }; /* after the watch has begun; then after twice as long each time */

/* The watch of a deploy begins, or ends; ending what has not begun is fine. */
void peek_begin(struct deploy *d);
void peek_end(struct deploy *d);
/* Somebody asks for a look, which has to wait for what runs: if that is a watch, it is looked at once. */
void peek_now(struct service *svc);
/* Does the watch end now, before the release is healthy, for svc->newer? */
bool peek_yields(struct deploy *d);

#endif
