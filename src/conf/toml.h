/* TOML text to a tree of jansson values that know where they stand. The one door to C++ (toml.cc). */
#ifndef PGO_CONF_TOML_H
#define PGO_CONF_TOML_H

#include <jansson.h>
#include <stddef.h>

enum {
	TOML_BYTES_MAX = 1 << 20,
	TOML_VALUES_MAX = 100 * 1000, /* values in a document */
	TOML_NESTING_MAX = 16,	      /* arrays and inline tables within each other */
	TOML_DOTS_MAX = 8,	      /* dots in one key or table header */
};

struct toml_problem {
	int line;   /* from 1 */
	int column; /* from 1, in characters */
	char sentence[512];
};

#ifdef __cplusplus
extern "C" {
#endif

/* The document as a node, or NULL with *ret_problem filled. A node is {"type": T, "line": n, "column": n, "value": V}:
 *
 *   string   V string, which may hold NUL bytes
 *   boolean  V true or false
 *   integer  V integer
 *   float    V real, null for inf and nan
 *   date     V null: no key of ours takes one
 *   array    V array of nodes
 *   table    V array of {"key": string, "line": n, "column": n, "node": node} in the order of the file; line and
 *            column are the key's
 *
 * The text need not end with NUL and is not trusted. The sentence never quotes a value of the document, since that may
 * be a secret. The caller owns the tree. */
json_t *toml_tree(const char *text, size_t len, struct toml_problem *ret_problem);

/* 0 when no key or header has more than TOML_DOTS_MAX dots, else -1 with *ret_problem filled: the parser's tables would
 * nest, and be freed, as deep as there are dots. */
int toml_scan_dots(const char *text, size_t len, struct toml_problem *ret_problem);

#ifdef __cplusplus
}
#endif

#endif
