/* The keys of pgo.toml that say how much: durations, sizes, numbers. What each may be, what holds without it, and how
 * it is written. Pure. Used like rules.h: on the file and once more on the checked document. */
#ifndef PGO_CONF_AMOUNTS_H
#define PGO_CONF_AMOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum amount {
	AMOUNT_TIMEOUT,
	AMOUNT_HEALTH_TIMEOUT,
	AMOUNT_SETTLE,
	AMOUNT_KEEP,
	AMOUNT_CPUS,
	AMOUNT_MEMORY,
	AMOUNT_PIDS,
	AMOUNTS, /* so many are of a service; what follows is of [push] */
	AMOUNT_PUSH_SIZE = AMOUNTS,
	AMOUNT_PUSH_OBJECTS,
	AMOUNTS_ALL
};

/* The name of the field in both documents, which tells the unit. */
const char *amount_field(enum amount a);
/* What holds when the key is not there. */
int64_t amount_otherwise(enum amount a);
/* Likewise of what is pushed to us, whose containers may not take the host down by forking, whoever forgot to say so.
 */
int64_t amount_otherwise_of_app(enum amount a);
/* What the key may be set to, or what holds without it. */
bool amount_fits(enum amount a, int64_t n);
/* Of a duration ("90s", "1h30m") or a size ("512m", "2g", "1.5gb", as compose takes them): in the field's unit. -EINVAL
 * with the middle of a sentence that begins with `key "x"` and ends with what to write. */
int amount_of_text(enum amount a, const char *s, int64_t *ret_n, struct err *err);
/* Of a number, which may be any. Errors as above. */
int amount_of_number(enum amount a, double number, int64_t *ret_n, struct err *err);

#endif
