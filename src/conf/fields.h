/* Single fields of the two documents, read by their rules (rules.h). Each returns 0, or -EINVAL with a sentence that
 * begins with the field's name. */
#ifndef PGO_CONF_FIELDS_H
#define PGO_CONF_FIELDS_H

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"

typedef int (*field_rule)(const char *s, struct err *err);

/* A string that obeys its rule; NULL, which stands for anything else, is refused. *ret_s is the caller's. */
int field_string(const char *s, const char *name, field_rule rule, char **ret_s, struct err *err);
/* The same, or null, which leaves *ret_s alone. */
int field_optional(const json_t *v, const char *name, field_rule rule, char **ret_s, struct err *err);
/* A list of such strings, added to sv, whose owner frees them also on failure. */
int field_list(const json_t *v, const char *name, field_rule rule, struct strv *sv, struct err *err);
/* The list for a document. The caller owns it. */
json_t *field_strings(const struct strv *sv);

#endif
