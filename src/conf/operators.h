/* The operators of pgo.toml in both documents: who may act on services although his key is in no repository. */
#ifndef PGO_CONF_OPERATORS_H
#define PGO_CONF_OPERATORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "ipc/authkey.h"

struct conf_operator {
	char *name;
	char *line;	    /* of the key, with its options */
	struct authkey key; /* what it says */
	struct strv names;  /* the services that he may act on; none: all */
	struct strv ops;    /* the operations that he may ask for; none: all */
};

struct conf_operators {
	struct conf_operator *v; /* in the order of the file */
	size_t n;
};

/* Rules like those of rules.h: of a name, a key's line, an operation. */
int rule_operator(const char *s, struct err *err);
int rule_operator_key(const char *s, struct err *err);
int rule_operator_op(const char *s, struct err *err);

/* Reads a document's list, [{"name", "key", "services", "ops"}]. What has been read is the caller's also on failure:
 * operators_done. */
int operators_read(const json_t *list, struct conf_operators *ret, struct err *err);
/* The list for a document. The caller owns it. */
json_t *operators_json(const struct conf_operators *operators);
void operators_done(struct conf_operators *operators);

/* May he act on the service? */
bool operator_has(const struct conf_operator *o, const char *service);

#endif
