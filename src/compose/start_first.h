/* Which services of a model can have the new container beside the old one (x-pgo: update: start-first), and why others
 * cannot. Pure. */
#ifndef PGO_COMPOSE_START_FIRST_H
#define PGO_COMPOSE_START_FIRST_H

#include <jansson.h>

#include "base/str.h"

/* Writes into the approved copy, as MODEL_IN_PLACE_KEY at its top, which services are replaced in place and why, judged
 * from `model`, whose paths are those of the compose file, and the job's `inputs` answers (answers->v[i] is about
 * inputs->v[i]). */
void model_mark_in_place(json_t *approved, const json_t *model, const struct strv *inputs, const struct strv *answers);
#define MODEL_IN_PLACE_KEY "x-pgo-in-place"

/* Does it publish ports? */
bool model_publishes(const json_t *model, const char *service);

/* Why the service of an approved model is replaced in place: "it has links"; NULL when it need not be. Borrowed.
 */
const char *model_in_place(const json_t *approved, const char *service);

/* What only its image tells: inspect is the answer of GET /images/ID/json. NULL when nothing is in the way; static. */
const char *image_in_place(const json_t *approved, const char *service, const json_t *inspect);

/* Does the service name this one under depends_on? */
bool model_depends_on(const json_t *model, const char *service, const char *other);

#endif
