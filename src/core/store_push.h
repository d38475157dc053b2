/* Pushes that are not settled: which refs are to move once what they name runs. Written before work starts, so that a
 * core that finds them decides what became of the push. Part of the store. */
#ifndef PGO_CORE_STORE_PUSH_H
#define PGO_CORE_STORE_PUSH_H

#include "core/store.h"
#include "ipc/pushline.h"

/* A push to one service (the app that is deployed); all are borrowed. */
struct store_push {
	const struct pushline_ref *refs;
	size_t nrefs;
	const char *who;
};

/* Writes it down, in the place of whatever stood there. */
int store_push_begin(struct store *st, const char *service, const struct store_push *p, struct err *err);
/* The deploy that decides it. */
int store_push_deploy(struct store *st, const char *service, int64_t deploy, struct err *err);
/* The refs of the service's push into ret (room for max): how many, 0 when there is none. */
int store_push_refs(struct store *st, const char *service, struct pushline_ref *ret, size_t max, struct err *err);
/* It is settled. */
int store_push_forget(struct store *st, const char *service, struct err *err);

#endif
