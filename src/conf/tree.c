#include "conf/tree.h"

#include <stdlib.h>

#include "base/auto.h"
#include "base/str.h"

int
tree_number(const json_t *at, const char *name)
{
	return (int)json_integer_value(json_object_get(at, name));
}

bool
tree_is(const json_t *node, const char *type)
{
	return str_eq(json_string_value(json_object_get(node, "type")), type);
}

const char *
tree_type_text(const json_t *node)
{
	static const char *const texts[][2] = {{"string", "a string"}, {"integer", "a number"},
	    {"float", "a decimal number"}, {"boolean", "a truth value"}, {"date", "a date or time"},
	    {"array", "a list"}, {"table", "a table"}};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (tree_is(node, texts[i][0]))
			return texts[i][1];
	}
	abort();
}

const char *
tree_shown(struct buf *b, const json_t *string)
{
	size_t len = json_string_length(string);

	buf_vis(b, json_string_value(string), len < TREE_SHOWN_MAX ? len : TREE_SHOWN_MAX, false);
	if (len > TREE_SHOWN_MAX)
		buf_str_add(b, "...");
	return buf_str(b);
}

json_t *
tree_must(json_t *value)
{
	if (value == NULL)
		abort();
	return value;
}
