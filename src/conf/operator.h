/* One [[operators]] table of the file against its menu. */
#ifndef PGO_CONF_OPERATOR_H
#define PGO_CONF_OPERATOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "conf/table.h"

enum operator_key_id { OPERATOR_NAME, OPERATOR_KEY, OPERATOR_SERVICES, OPERATOR_OPS, OPERATOR_KEY_IDS };

extern const struct menu operator_menu;

struct operator_check {
	struct table table; /* problems and node are the caller's to fill in */
	json_t *seen; /* borrowed: "name NAME" and "key BLOB" → line of the operator who has it, over all of them */
};

/* Checks all of it but whether its services are there. What is wrong is added to the problems. */
void operator_check(struct operator_check *o, size_t index);
/* Are its services those of the file (name → line)? Asked when all of them have been seen. pushed: others may come by a
 * push. */
void operator_check_services(struct operator_check *o, const json_t *names, bool pushed);
/* The operator for the document; nothing may be wrong with it. The caller owns it. */
json_t *operator_document(const struct operator_check *o);

#endif
