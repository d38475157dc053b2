/* What people may see of the configuration (host://config): each key that is set, and what holds where one is not.
 * Values of keys without a row, and the parts of others that may be secret, are stars. */
#ifndef PGO_CONF_SHOWN_H
#define PGO_CONF_SHOWN_H

#include <jansson.h>

#include "conf/table.h"

#define SHOWN_HIDDEN "***"

/* {"set": {key: value, ...}, "otherwise": {key: value, ...}}, both in the order of the menu; nothing may be wrong with
 * the table. The caller owns it. */
json_t *shown_table(const struct table *t);

#endif
