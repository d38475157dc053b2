/* One table of pgo.toml against its menu: types, rules, keys that are unknown, there twice, or missing. */
#ifndef PGO_CONF_TABLE_H
#define PGO_CONF_TABLE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/keys.h"
#include "conf/problems.h"

struct table {
	struct problems *problems;	 /* borrowed: where to tell */
	const struct menu *menu;	 /* borrowed */
	const json_t *node;		 /* borrowed; of the type "table" (toml.h) */
	char title[128];		 /* how sentences begin: services[0] "web" */
	const json_t *entries[KEYS_MAX]; /* by position in the menu; NULL: not there. table_check fills them in */
};

/* Checks all of it against the menu. What is wrong is added to the problems. */
void table_check(struct table *t);
/* What else is wrong with the key at position k, which is there: the end of a sentence that begins with it. */
void table_problem(const struct table *t, size_t k, const char *sentence);
/* The amount that stands in a node of the key's type. Errors are those of amounts.h. */
int table_amount(const struct key *key, const json_t *node, int64_t *ret_n, struct err *err);
/* The value's node of the key at position k; NULL when the key is not there. */
const json_t *table_node(const struct table *t, size_t k);
/* The string of a key, NULL when it is none; `otherwise` for a key that is not there. */
const char *table_string(const struct table *t, size_t k, const char *otherwise);
/* The strings of a list that nothing is wrong with; NULL for a key that is not there. The caller owns it. */
json_t *table_strings(const struct table *t, size_t k);

#endif
