/* What a compose service asks for, in the words of `docker run`, as octohost's config:options tells it. Pure. */
#ifndef PGO_COMPOSE_RUNLINE_H
#define PGO_COMPOSE_RUNLINE_H

#include <jansson.h>

/* "-p 0.0.0.0:8080:80 -v /a:/b -d -e CONTAINER_NAME=app --name app"; of variables the names, but for that one. All that
 * is foreign is escaped. The caller frees. */
char *model_runline(const json_t *model, const char *service);

#endif
