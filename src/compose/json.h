/* Small readers of a model, for src/compose only. Nothing here trusts the shape of what it reads. */
#ifndef PGO_COMPOSE_JSON_H
#define PGO_COMPOSE_JSON_H

#include <jansson.h>
#include <stdbool.h>

/* The string at key, NULL when it is absent or anything else. Borrowed. */
const char *json_str(const json_t *obj, const char *key);
/* What a key that was left out would mean as well: null, false, "", [] or {}. */
bool json_is_unset(const json_t *value);
/* Compose prints each "$" of a value twice. The value itself; the caller frees. */
char *json_undollar(const char *s);
/* Keys of an object, sorted, as an array of borrowed strings that the caller frees; *ret_n their number (0: NULL). */
const char **json_sorted_keys(const json_t *obj, size_t *ret_n);

#endif
