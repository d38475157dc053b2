/* What runs: the containers of compose projects, as the engine last told. Pure: JSON in, containers out. */
#ifndef PGO_ENGINE_VIEW_H
#define PGO_ENGINE_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/container.h"

enum { VIEW_MAX = 16384 }; /* containers; further ones are left out */

struct view;

/* changed: anything differs in a project; called when the view is complete again. */
struct view *view_new(void (*changed)(void *ctx, const char *project), void *ctx);
void view_free(struct view *v);
/* A new full list comes, entry by entry (of GET /containers/json), and takes the place of the whole view: what is not
 * in it is gone at view_list_end. Entries that make no sense, or belong to no service, are left out. A list that breaks
 * off is just begun anew. */
void view_list_begin(struct view *v);
void view_list_item(struct view *v, const json_t *item);
void view_list_end(struct view *v);
/* The answer of GET /containers/ID/json takes the place of that container, or adds it. */
void view_inspect(struct view *v, const json_t *inspect);
/* The event stream tells of it, for the first time: "start", "kill", "die" (which comes before its new state can be
 * asked for); others say nothing here. */
void view_told(struct view *v, const char *id, const char *action);
/* The container is gone. */
void view_remove(struct view *v, const char *id);
/* Calls cb for each container of a project (of all with NULL) until it returns false; ordered by service, number, name.
 */
void view_each(const struct view *v, const char *project, bool (*cb)(void *ctx, const struct container *c), void *ctx);
const struct container *view_find(const struct view *v, const char *id);
size_t view_count(const struct view *v);

#endif
