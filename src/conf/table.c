#include "conf/table.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/tree.h"

static void
wrong_type(struct table *t, const struct key *key, const json_t *node, const char *where)
{
	problems_add(t->problems, tree_number(node, "line"), tree_number(node, "column"),
	    "%s: key \"%s\" must be %s, not %s: write %s", t->title, where,
	    str_eq(where, key->name) ? key_type_text(key->type) : "a string", tree_type_text(node), key->example);
}

static void
problem_at(const struct table *t, const json_t *node, const char *where, const char *sentence)
{
	problems_add(t->problems, tree_number(node, "line"), tree_number(node, "column"), "%s: key \"%s\" %s", t->title,
	    where, sentence);
}

static void
broken_rule(struct table *t, const json_t *node, const char *where, const struct err *err)
{
	problem_at(t, node, where, err->msg);
}

void
table_problem(const struct table *t, size_t k, const char *sentence)
{
	problem_at(t, t->entries[k], t->menu->keys[k].name, sentence);
}

/* A string value, alone or in a list or table: its type, no NUL, and the key's rule. where names it: "env[2]". */
static void
check_string(struct table *t, const struct key *key, const json_t *node, const char *where)
{
	const json_t *value = json_object_get(node, "value");
	struct err err = ERR_INIT;

	if (!tree_is(node, "string")) {
		wrong_type(t, key, node, where);
		return;
	}
	if (strlen(json_string_value(value)) != json_string_length(value))
		err_set(&err, 1, "has a NUL character: write it without");
	else if (key->rule == NULL || key->rule(json_string_value(value), &err) == 0)
		return;
	broken_rule(t, node, where, &err);
}

int
table_amount(const struct key *key, const json_t *node, int64_t *ret_n, struct err *err)
{
	const json_t *value = json_object_get(node, "value");

	if (!json_is_string(value))
		return amount_of_number(key->amount, json_is_null(value) ? NAN : json_number_value(value), ret_n, err);
	if (strlen(json_string_value(value)) != json_string_length(value))
		return err_set(err, EINVAL, "has a NUL character");
	return amount_of_text(key->amount, json_string_value(value), ret_n, err);
}

static void
check_amount(struct table *t, const struct key *key, const json_t *node)
{
	struct err err = ERR_INIT;
	int64_t n;

	if (table_amount(key, node, &n, &err) < 0)
		problems_add(t->problems, tree_number(node, "line"), tree_number(node, "column"),
		    "%s: key \"%s\" %s: write %s", t->title, key->name, err.msg, key->example);
}

/* No list holds more than the daemon takes. */
static bool
is_too_long(struct table *t, const struct key *key, const json_t *node)
{
	size_t n = json_array_size(json_object_get(node, "value"));

	if (n > STRV_MAX)
		problems_add(t->problems, tree_number(node, "line"), tree_number(node, "column"),
		    "%s: key \"%s\" has %zu entries: %d are allowed", t->title, key->name, n, (int)STRV_MAX);
	return n > STRV_MAX;
}

static void
check_list(struct table *t, const struct key *key, const json_t *node)
{
	const json_t *list = json_object_get(node, "value");

	if (is_too_long(t, key, node))
		return;
	for (size_t i = 0; i < json_array_size(list); i++) {
		auto_free char *where = str_printf("%s[%zu]", key->name, i);

		check_string(t, key, json_array_get(list, i), where);
	}
}

/* The name of an entry of a table. */
static void
check_entry_name(struct table *t, const struct key *key, const json_t *entry, const char *where)
{
	const json_t *name = json_object_get(entry, "key");
	struct err err = ERR_INIT;

	if (strlen(json_string_value(name)) != json_string_length(name))
		err_set(&err, 1, "has a NUL character: write it without");
	else if (key->entry_rule == NULL || key->entry_rule(json_string_value(name), &err) == 0)
		return;
	broken_rule(t, entry, where, &err);
}

/* The keys of such a table are values of the administrator's: they are not shown. */
static void
check_table(struct table *t, const struct key *key, const json_t *node)
{
	const json_t *rows = json_object_get(node, "value");

	if (is_too_long(t, key, node))
		return;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		auto_free char *where = str_printf("%s[%zu]", key->name, i);

		check_entry_name(t, key, json_array_get(rows, i), where);
		check_string(t, key, json_object_get(json_array_get(rows, i), "node"), where);
	}
}

static void
check_value(struct table *t, const struct key *key, const json_t *node)
{
	static const char *const wanted[] = {[KEY_STRING] = "string",
	    [KEY_BOOL] = "boolean",
	    [KEY_STRINGS] = "array",
	    [KEY_WORDS] = "array",
	    [KEY_TABLE] = "table",
	    [KEY_DURATION] = "string",
	    [KEY_SIZE] = "string",
	    [KEY_COUNT] = "integer",
	    [KEY_NUMBER] = "float"};
	bool whole = key->type == KEY_NUMBER && tree_is(node, "integer");
	bool word = key->type == KEY_WORDS && tree_is(node, "string");

	if (!tree_is(node, wanted[key->type]) && !whole && !word)
		wrong_type(t, key, node, key->name);
	else if (key->type == KEY_STRING || word)
		check_string(t, key, node, key->name);
	else if (key->type == KEY_STRINGS || key->type == KEY_WORDS)
		check_list(t, key, node);
	else if (key->type == KEY_TABLE)
		check_table(t, key, node);
	else if (key_is_amount(key))
		check_amount(t, key, node);
}

static void
unknown_key(struct table *t, const json_t *entry)
{
	struct buf b = BUF_INIT(512);
	const json_t *name = json_object_get(entry, "key");
	const char *near = menu_near(t->menu, json_string_value(name));

	problems_add(t->problems, tree_number(entry, "line"), tree_number(entry, "column"),
	    "%s: key \"%s\" is not known%s%s%s", t->title, tree_shown(&b, name),
	    near == NULL ? "" : ": did you mean \"", near == NULL ? "" : near, near == NULL ? "" : "\"?");
	buf_done(&b);
}

static void
check_entry(struct table *t, const json_t *entry)
{
	const struct key *keys = t->menu->keys;
	const json_t *name = json_object_get(entry, "key");
	int k = strlen(json_string_value(name)) == json_string_length(name)
		    ? menu_find(t->menu, json_string_value(name))
		    : -1;

	if (k < 0) {
		unknown_key(t, entry);
		return;
	}
	if (t->entries[k] != NULL) {
		problems_add(t->problems, tree_number(entry, "line"), tree_number(entry, "column"),
		    "%s: key \"%s\" is there twice, on line %d and on line %d (upper and lower case are one key): "
		    "remove one",
		    t->title, keys[k].name, tree_number(t->entries[k], "line"), tree_number(entry, "line"));
		return;
	}
	t->entries[k] = entry;
	check_value(t, &keys[k], json_object_get(entry, "node"));
}

static void
check_missing(struct table *t)
{
	const struct key *keys = t->menu->keys;

	for (size_t k = 0; k < t->menu->n; k++) {
		if (keys[k].state == KEY_NEEDED && t->entries[k] == NULL)
			problems_add(t->problems, tree_number(t->node, "line"), tree_number(t->node, "column"),
			    "%s: key \"%s\" is missing: write %s", t->title, keys[k].name, keys[k].example);
	}
}

void
table_check(struct table *t)
{
	size_t i;
	json_t *entry;

	json_array_foreach(json_object_get(t->node, "value"), i, entry)
	{
		check_entry(t, entry);
	}
	check_missing(t);
}

const json_t *
table_node(const struct table *t, size_t k)
{
	return json_object_get(t->entries[k], "node");
}

const char *
table_string(const struct table *t, size_t k, const char *otherwise)
{
	return t->entries[k] == NULL ? otherwise : json_string_value(json_object_get(table_node(t, k), "value"));
}

json_t *
table_strings(const struct table *t, size_t k)
{
	json_t *list = NULL;
	size_t i;
	json_t *node;

	if (t->entries[k] == NULL)
		return NULL;
	if ((list = json_array()) == NULL)
		abort();
	json_array_foreach(json_object_get(table_node(t, k), "value"), i, node)
	{
		if (json_array_append(list, json_object_get(node, "value")) != 0)
			abort();
	}
	return list;
}
