/* What no approved model may hold, as a plain list that shares no line with the policy's table: an independent witness.
 * For the service `web` of an ordinary account to whom nothing is allowed besides. */
#ifndef PGO_FUZZ_COMPOSE_ORACLE_H
#define PGO_FUZZ_COMPOSE_ORACLE_H

#include <jansson.h>
#include <stddef.h>

struct oracle_dirs {
	const char *live;
	const char *datadir;
};

/* The number of things on the list. */
size_t oracle_size(void);
/* What it is, for people: "service privileged true". */
const char *oracle_name(size_t leaf);
/* How many places of the model it can be put at. */
size_t oracle_places(const json_t *model, size_t leaf);
/* A copy of the model with it at the nth of these places; the caller decrefs. */
json_t *oracle_plant(const json_t *model, size_t leaf, size_t nth, const struct oracle_dirs *dirs);
/* Something of the list that the model holds; NULL: nothing. */
const char *oracle_find(const json_t *model, const struct oracle_dirs *dirs);

#endif
