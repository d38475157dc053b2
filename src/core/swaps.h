/* Start-first, on paper: which compose services of a changed release get their new containers beside the old ones, in
 * which order, and why the others do not. Pure. */
#ifndef PGO_CORE_SWAPS_H
#define PGO_CORE_SWAPS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct swap {
	char *service;
	int wanted;	  /* containers of the new release */
	struct strv old;  /* ids of the containers that it has */
	struct strv made; /* ids of the new ones, once they are */
	const char *why;  /* it is replaced in place; static or the model's. NULL: the new ones first */
	bool fresh;	  /* it has no container yet: nothing to say about it */
};

struct swaps {
	struct swap *v;
	size_t n;
};

#define auto_swaps __attribute__((cleanup(swaps_done)))
void swaps_done(struct swaps *s);

/* The compose services whose containers are not what the approved model says: another config hash, or none. hashes:
 * what `compose config --hash` prints, "SERVICE HASH" a line. list: the answer of GET /containers/json. What an
 * operator has stopped is left out. */
int swaps_find(const json_t *approved, const char *project, const char *hashes, const json_t *list,
    bool (*is_stopped)(const void *ctx, const char *service), const void *ctx, struct swaps *ret, struct err *err);
/* Once all other reasons are known: what depends on something that is replaced in place follows it in place, as it may
 * need the new one; the others are put in order, what is depended on first. */
void swaps_order(struct swaps *s, const json_t *approved);
/* The ids of the containers of a compose service in a list, but for those in `others` (NULL: none). */
void swaps_ids(
    const json_t *list, const char *project, const char *service, const struct strv *others, struct strv *ret);

#endif
