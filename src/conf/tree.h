/* Reading the nodes that toml_tree makes (toml.h tells their shape). */
#ifndef PGO_CONF_TREE_H
#define PGO_CONF_TREE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"

enum { TREE_SHOWN_MAX = 64 };

/* "line" or "column" of a node or of a table's entry. */
int tree_number(const json_t *at, const char *name);
/* The node is of this type: "string", "table", ... */
bool tree_is(const json_t *node, const char *type);
/* "a number": a node's type as a reader of the file calls it. */
const char *tree_type_text(const json_t *node);
/* jansson without memory ends the program: limits keep it out of reach. Returns the value. */
json_t *tree_must(json_t *value);
/* Foreign text for a sentence: the first TREE_SHOWN_MAX bytes, escaped, in b's memory. */
const char *tree_shown(struct buf *b, const json_t *string);

#endif
