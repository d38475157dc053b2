/* The honest gate: a push is accepted when its release runs well, and only then. One pipeline: a push is a deploy of a
 * commit that is not the tracked one until it is live. What came in, and the answer, are src/core/receive.h's. */
#ifndef PGO_CORE_PUSH_H
#define PGO_CORE_PUSH_H

struct receive;

/* git's pre-receive: may these refs change at all? Nothing has been stored yet. Answers at once, or later: with
 * receive_answer, once, unless push_forget comes first. */
void push_asked(struct receive *r);
/* git's proc-receive: the objects are there; deploys the branch among the refs. What is said on the way goes to
 * receive_say; receive_answer comes last, when the refs have been moved, or will not be. */
void push_deploy(struct receive *r);
/* The pusher has gone, and r with him: the deploy goes on, and its outcome decides the refs all the same. */
void push_forget(struct receive *r);

#endif
