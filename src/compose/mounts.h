/* Where a container sees what lies on the host. */
#ifndef PGO_COMPOSE_MOUNTS_H
#define PGO_COMPOSE_MOUNTS_H

#include <jansson.h>
#include <stdbool.h>

/* The path by which containers of a compose service see a file of the host, through a bind mount of a directory above
 * it or of the file itself (*ret_itself: then a new file of that name is another one, which they do not see). The model
 * has the sources in their places (model_unpin). NULL when they do not see it; the caller frees. */
char *model_path_in(const json_t *model, const char *service, const char *file, bool *ret_itself);

#endif
