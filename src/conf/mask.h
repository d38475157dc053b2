/* Recognising a secret without knowing it: a mask is its length, a rolling hash by which it is found in a text, and a
 * digest by which it is known for certain. pgod-conf makes masks of what pgo.toml holds of secrets, in each form in
 * which programs print them; core hides what they match. */
#ifndef PGO_CONF_MASK_H
#define PGO_CONF_MASK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	MASK_NAME_MAX = 64,
	MASK_DIGEST = 65, /* SHA-256 in hex, and its NUL */
};

/* How a document has it: "NAME LENGTH ROLL DIGEST". */
struct mask {
	char name[MASK_NAME_MAX + 1]; /* of the variable of `env`; "-" for what has none */
	size_t len;
	uint64_t roll;
	char digest[MASK_DIGEST];
};

/* The rolling hash of a text, and the factor that takes its first byte out again when the window of this length moves
 * on: roll = (roll - factor * first) * MASK_BASE + next. Modulo 2^64. */
#define MASK_BASE UINT64_C(0x100000001b3)
uint64_t mask_roll(const char *s, size_t len);
uint64_t mask_factor(size_t len);

/* Reads one. -EINVAL when it is malformed. */
int mask_parse(const char *s, struct mask *ret, struct err *err);
/* For lists in documents (conf/fields.h). */
int rule_mask(const char *s, struct err *err);

#endif
