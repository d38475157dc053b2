/* Cuts a stream of JSON into its objects as the bytes come, so that neither a list nor a stream is ever held as a
 * whole. Pure. */
#ifndef PGO_ENGINE_SPLIT_H
#define PGO_ENGINE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct split {
	bool array; /* "[{...}, {...}]"; else "{...}\n{...}\n" */
	int (*item)(void *ctx, const char *json, size_t len, struct err *err);
	void *ctx;
	size_t too_large; /* objects that were left out because they exceed the limit */
	enum { SPLIT_START, SPLIT_BETWEEN, SPLIT_ITEM, SPLIT_END } state;
	size_t depth;
	bool in_string;
	bool escaped;
	struct buf text;
};

/* limit_bytes: of one object. item gets the text of each; it still has to be parsed. */
void split_init(struct split *sp, bool array, size_t limit_bytes,
    int (*item)(void *ctx, const char *json, size_t len, struct err *err), void *ctx);
void split_done(struct split *sp);
/* Returns 0, -EPROTO for what is not such a stream, or what item returned below 0. */
int split_feed(struct split *sp, const char *data, size_t len, struct err *err);
/* The array was complete, or the stream is between two objects. */
bool split_whole(const struct split *sp);

#endif
