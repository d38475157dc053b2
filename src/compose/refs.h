/* Every place in a model that names a path of the host, in one walk: inputs, binds and the policy of symbolic links
 * share it. */
#ifndef PGO_COMPOSE_REFS_H
#define PGO_COMPOSE_REFS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct ref {
	bool bind;	   /* the source of a bind mount */
	bool writable;	   /* of one that is not read-only */
	bool mounted;	   /* a bind mount, or the file of a config or secret: the engine mounts it by its name */
	const char *where; /* in the model: services.web.volumes[0].source */
	const char *path;  /* absolute and lexically clean */
};

/* Calls fn for each path, services and their lists in the order of the model. Relative paths and remote contexts are
 * left out. */
void refs_each(const json_t *model, void (*fn)(const struct ref *ref, void *arg), void *arg);

/* Calls fn for each path that the containers of one service see: its bind mounts, the files of its configs and secrets.
 */
void refs_of_service(const json_t *model, const char *service, void (*fn)(const struct ref *ref, void *arg), void *arg);

/* Sorted, unique sources of the bind mounts that containers can write to. The caller frees. */
int refs_writable(const json_t *model, struct strv *ret, struct err *err);

/* Where the dockerfile of a build section is: clean, absolute; NULL when the section has none or its context is no
 * absolute path. The caller frees. */
char *refs_dockerfile(const json_t *build);

#endif
