/* What the operations on the host share. */
#ifndef PGO_CORE_HOST_H
#define PGO_CORE_HOST_H

#include <jansson.h>
#include <stddef.h>

struct client;
struct service;

/* The service at this place of the configuration, NULL when the operator who asks may not act on it. */
const struct service *host_service(const struct client *c, size_t i);
/* Adds to a list; aborts without memory. */
void host_append(json_t *list, json_t *take_item);

#endif
