/* What the operations on the host share. */
#ifndef PGO_CORE_HOST_H
#define PGO_CORE_HOST_H

#include <jansson.h>
#include <stddef.h>

struct buf;
struct client;
struct pushkey;
struct service;
struct upload;

/* The service at this place of the configuration, NULL when the operator who asks may not act on it. */
const struct service *host_service(const struct client *c, size_t i);
/* Adds to a list; aborts without memory. */
void host_append(json_t *list, json_t *take_item);

/* host_keys.c: an uploaded key, and those that the operator who asks may hear of. The caller owns them. */
json_t *host_uploaded_json(const struct pushkey *k);
json_t *host_uploaded_list(const struct client *c);
/* Adds such an object as lines for people. */
void host_uploaded_text(const json_t *row, struct buf *out);
/* A key that is being uploaded; NULL is fine. */
void host_upload_free(struct upload *u);

#endif
