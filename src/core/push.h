/* The honest gate: a push is accepted when its release runs well, and only then. One pipeline: a push is a deploy of a
 * commit that is not the tracked one until it is live. What came in, and the answer, are src/core/receive.h's. */
#ifndef PGO_CORE_PUSH_H
#define PGO_CORE_PUSH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct journal;
struct receive;
struct service;

/* Whoever pushes to it or deploys it, since when, and what to do about that; NULL: nobody does. The caller frees. */
char *push_holder(const struct service *svc);
/* git's pre-receive: may these refs change at all? Nothing has been stored yet. Answers at once, or later: with
 * receive_answer, once, unless push_forget comes first. From then on nobody else pushes to the app. */
void push_asked(struct receive *r);
/* git's proc-receive: the objects are there; deploys the branch among the refs. What is said on the way goes to
 * receive_say; receive_answer comes last, when the refs have been moved, or will not be. */
void push_deploy(struct receive *r);
/* The pusher has gone, and r with him: the deploy goes on, and its outcome decides the refs all the same. */
void push_forget(struct receive *r);

/* A push that an earlier core has not settled is found again. */
int push_load(struct service *svc, struct err *err);
/* The service goes: who pushes to it, perhaps as a branch of another one, hears that. */
void push_drop(struct service *svc);
/* The deploy of what was pushed has begun; journal may be NULL. */
void push_begun(struct service *svc, int64_t deploy, struct journal *journal);
/* It has ended. why: what the pusher is told; waits: it will go on, and only then decide about the push. */
struct push_end {
	bool well;
	bool unchanged;
	bool waits;
	const char *why;
};
void push_ended(struct service *svc, const struct push_end *end);
/* pgod is stopping, and nothing is being done for it any more: the pusher's answer. */
void push_stopping(struct service *svc);
/* Does a pusher who deletes its branch wait for the end of the app? */
bool push_deletes(const struct service *svc);
/* How that went; NULL: it is destroyed. */
void push_destroyed(struct service *svc, const char *error);
/* Something went wrong that does not decide about it. */
void push_warned(struct service *svc, const char *text);
/* Its refs have been moved, or, with no, will not be: the answer. Nothing is left of the push. */
void push_settled(struct service *svc, const char *no);
/* Its refs have been moved; what is left to do is tried again, and the pusher does not wait for that. */
void push_accepted(struct service *svc);
/* It runs, but its refs could not be moved yet, which is tried again: the pusher does not wait for that. */
void push_unsettled(struct service *svc, const char *why);

#endif
