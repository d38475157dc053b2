/* The containers of `run`: each belongs to a client, and goes with him. What a client, a compose or a pgod that was
 * killed has left is found by its name and removed. */
#ifndef PGO_CORE_ONEOFF_H
#define PGO_CORE_ONEOFF_H

#include "base/str.h"

struct service;

struct oneoffs {
	struct strv wanted; /* names of those that a client waits for */
	struct strv stuck;  /* ids of those that could not be removed: tried again when the engine is back */
	struct engine_req *req;
	char *id; /* of the one that is being removed; NULL */
};

/* A name for another one, and from now on it is wanted. The caller frees. */
char *oneoff_begin(struct service *svc);
/* It is wanted no more. */
void oneoff_end(struct service *svc, const char *name);
/* Removes those that nobody wants, one after the other. */
void oneoff_sweep(struct service *svc);
/* The same, also those that could not be removed. */
void oneoff_sweep_again(struct service *svc);
void oneoff_done(struct oneoffs *o);

#endif
