/* The part of a service that both documents have alike: how it is deployed and what it may do besides. */
#ifndef PGO_CONF_SETTINGS_H
#define PGO_CONF_SETTINGS_H

#include <jansson.h>

#include "conf/amounts.h"
#include "conf/conf.h"

/* Sets one amount of the service. */
void settings_set_amount(struct conf_service *s, enum amount a, int64_t n);
/* Reads the object `settings` of a document. Strict: -EINVAL. What it has filled in is freed with the service, also on
 * failure. */
int settings_read(json_t *object, struct conf_service *s, struct err *err);
/* The object for a document. The caller owns it. */
json_t *settings_json(const struct conf_service *s);
/* Frees what settings_read and the setter have filled in. */
void settings_done(struct conf_service *s);

#endif
