#include "conf/service.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/rules.h"
#include "conf/tree.h"

static void
wrong_type(struct service *s, const struct key *key, const json_t *node, const char *where)
{
	problems_add(s->problems, tree_number(node, "line"), tree_number(node, "column"),
	    "%s: key \"%s\" must be %s, not %s: write %s", s->title, where,
	    str_eq(where, key->name) ? key_type_text(key->type) : "a string", tree_type_text(node), key->example);
}

static void
broken_rule(struct service *s, const json_t *node, const char *where, const struct err *err)
{
	problems_add(s->problems, tree_number(node, "line"), tree_number(node, "column"), "%s: key \"%s\" %s", s->title,
	    where, err->msg);
}

/* A string value, alone or in a list or table: its type, no NUL, and the key's rule. where names it: "env[2]". */
static void
check_string(struct service *s, const struct key *key, const json_t *node, const char *where)
{
	const json_t *value = json_object_get(node, "value");
	struct err err = ERR_INIT;

	if (!tree_is(node, "string")) {
		wrong_type(s, key, node, where);
		return;
	}
	if (strlen(json_string_value(value)) != json_string_length(value))
		err_set(&err, 1, "has a NUL character: write it without");
	else if (key->rule == NULL || key->rule(json_string_value(value), &err) == 0)
		return;
	broken_rule(s, node, where, &err);
}

int
service_amount(const struct key *key, const json_t *node, int64_t *ret_n, struct err *err)
{
	const json_t *value = json_object_get(node, "value");

	if (!json_is_string(value))
		return amount_of_number(key->amount, json_is_null(value) ? NAN : json_number_value(value), ret_n, err);
	if (strlen(json_string_value(value)) != json_string_length(value))
		return err_set(err, EINVAL, "has a NUL character");
	return amount_of_text(key->amount, json_string_value(value), ret_n, err);
}

static void
check_amount(struct service *s, const struct key *key, const json_t *node)
{
	struct err err = ERR_INIT;
	int64_t n;

	if (service_amount(key, node, &n, &err) < 0)
		problems_add(s->problems, tree_number(node, "line"), tree_number(node, "column"),
		    "%s: key \"%s\" %s: write %s", s->title, key->name, err.msg, key->example);
}

/* No list holds more than the daemon takes. */
static bool
is_too_long(struct service *s, const struct key *key, const json_t *node)
{
	size_t n = json_array_size(json_object_get(node, "value"));

	if (n > STRV_MAX)
		problems_add(s->problems, tree_number(node, "line"), tree_number(node, "column"),
		    "%s: key \"%s\" has %zu entries: %d are allowed", s->title, key->name, n, (int)STRV_MAX);
	return n > STRV_MAX;
}

static void
check_list(struct service *s, const struct key *key, const json_t *node)
{
	const json_t *list = json_object_get(node, "value");

	if (is_too_long(s, key, node))
		return;
	for (size_t i = 0; i < json_array_size(list); i++) {
		auto_free char *where = str_printf("%s[%zu]", key->name, i);

		check_string(s, key, json_array_get(list, i), where);
	}
}

/* The name of an entry of a table. */
static void
check_entry_name(struct service *s, const struct key *key, const json_t *entry, const char *where)
{
	const json_t *name = json_object_get(entry, "key");
	struct err err = ERR_INIT;

	if (strlen(json_string_value(name)) != json_string_length(name))
		err_set(&err, 1, "has a NUL character: write it without");
	else if (key->entry_rule == NULL || key->entry_rule(json_string_value(name), &err) == 0)
		return;
	broken_rule(s, entry, where, &err);
}

/* The keys of such a table are values of the administrator's: they are not shown. */
static void
check_table(struct service *s, const struct key *key, const json_t *node)
{
	const json_t *rows = json_object_get(node, "value");

	if (is_too_long(s, key, node))
		return;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		auto_free char *where = str_printf("%s[%zu]", key->name, i);

		check_entry_name(s, key, json_array_get(rows, i), where);
		check_string(s, key, json_object_get(json_array_get(rows, i), "node"), where);
	}
}

static void
check_value(struct service *s, const struct key *key, const json_t *node)
{
	static const char *const wanted[] = {[KEY_STRING] = "string",
	    [KEY_BOOL] = "boolean",
	    [KEY_STRINGS] = "array",
	    [KEY_TABLE] = "table",
	    [KEY_DURATION] = "string",
	    [KEY_SIZE] = "string",
	    [KEY_COUNT] = "integer",
	    [KEY_NUMBER] = "float"};
	bool whole = key->type == KEY_NUMBER && tree_is(node, "integer");

	if (!tree_is(node, wanted[key->type]) && !whole)
		wrong_type(s, key, node, key->name);
	else if (key->type == KEY_STRING)
		check_string(s, key, node, key->name);
	else if (key->type == KEY_STRINGS)
		check_list(s, key, node);
	else if (key->type == KEY_TABLE)
		check_table(s, key, node);
	else if (key_is_amount(key))
		check_amount(s, key, node);
}

static void
unknown_key(struct service *s, const json_t *entry)
{
	struct buf b = BUF_INIT(512);
	const json_t *name = json_object_get(entry, "key");
	const char *near = key_near(json_string_value(name));

	problems_add(s->problems, tree_number(entry, "line"), tree_number(entry, "column"),
	    "%s: key \"%s\" is not known%s%s%s", s->title, tree_shown(&b, name),
	    near == NULL ? "" : ": did you mean \"", near == NULL ? "" : near, near == NULL ? "" : "\"?");
	buf_done(&b);
}

static void
check_entry(struct service *s, const json_t *entry)
{
	size_t nkeys;
	const struct key *keys = key_table(&nkeys);
	const json_t *name = json_object_get(entry, "key");
	int k = strlen(json_string_value(name)) == json_string_length(name) ? key_find(json_string_value(name)) : -1;

	if (k < 0) {
		unknown_key(s, entry);
		return;
	}
	if (s->entries[k] != NULL) {
		problems_add(s->problems, tree_number(entry, "line"), tree_number(entry, "column"),
		    "%s: key \"%s\" is there twice, on line %d and on line %d (upper and lower case are one key): "
		    "remove one",
		    s->title, keys[k].name, tree_number(s->entries[k], "line"), tree_number(entry, "line"));
		return;
	}
	s->entries[k] = entry;
	check_value(s, &keys[k], json_object_get(entry, "node"));
	if (keys[k].state == KEY_LATER)
		problems_add(s->problems, tree_number(entry, "line"), tree_number(entry, "column"),
		    "%s: key \"%s\" is not yet supported by this version of pgo: remove it", s->title, keys[k].name);
}

static void
check_missing(struct service *s)
{
	size_t nkeys;
	const struct key *keys = key_table(&nkeys);

	for (size_t k = 0; k < nkeys; k++) {
		if (keys[k].state == KEY_NEEDED && s->entries[k] == NULL)
			problems_add(s->problems, tree_number(s->node, "line"), tree_number(s->node, "column"),
			    "%s: key \"%s\" is missing: write %s", s->title, keys[k].name, keys[k].example);
	}
}

/* The string of a key that is there and is one. */
static const char *
string_of(const struct service *s, enum key_id k)
{
	return json_string_value(json_object_get(json_object_get(s->entries[k], "node"), "value"));
}

/* compose calls the volume `data` of `a_b` a_b_data, and the volume `b_data` of `a` as well: they would share it. */
static void
check_apart(struct service *s, const char *name)
{
	const json_t *node = json_object_get(s->entries[KEY_NAME], "node");
	const char *other;
	json_t *line;

	json_object_foreach(s->names, other, line)
	{
		size_t n = strlen(name) < strlen(other) ? strlen(name) : strlen(other);
		const char *longer = strlen(name) < strlen(other) ? other : name;

		if (strncmp(name, other, n) == 0 && longer[n] == '_')
			problems_add(s->problems, tree_number(node, "line"), tree_number(node, "column"),
			    "%s: key \"name\" and that of line %d cannot stand side by side: compose would give volumes of "
			    "both the same name; write \"-\" where the longer one goes on with \"_\"",
			    s->title, (int)json_integer_value(line));
	}
}

/* Names are compared whether they are proper or not. */
static void
check_unique(struct service *s)
{
	const char *name = string_of(s, KEY_NAME);
	const json_t *node = json_object_get(s->entries[KEY_NAME], "node");
	const json_t *before = name == NULL ? NULL : json_object_get(s->names, name);

	if (name == NULL || name[0] == '\0')
		return;
	if (before != NULL)
		problems_add(s->problems, tree_number(node, "line"), tree_number(node, "column"),
		    "%s: key \"name\" is the same on line %d and on line %d: each service needs a name of its own",
		    s->title, (int)json_integer_value(before), tree_number(node, "line"));
	else
		check_apart(s, name);
	if (before == NULL && json_object_set_new(s->names, name, json_integer(tree_number(node, "line"))) != 0)
		abort();
}

/* The same variable twice: which of them compose would see is anyone's guess. */
static void
check_env_unique(struct service *s)
{
	json_t *seen = json_object();
	size_t i;
	json_t *node;

	if (seen == NULL)
		abort();
	json_array_foreach(json_object_get(json_object_get(s->entries[KEY_ENV], "node"), "value"), i, node)
	{
		const char *text = json_string_value(json_object_get(node, "value"));
		size_t len = text == NULL ? 0 : rule_env_name(text);
		auto_free char *name = len == 0 ? NULL : str_printf("%.*s", (int)len, text);

		if (name == NULL)
			continue;
		if (json_object_get(seen, name) != NULL)
			problems_add(s->problems, tree_number(node, "line"), tree_number(node, "column"),
			    "%s: key \"env[%zu]\" sets %.64s again, which line %d has set: remove one", s->title, i,
			    name, (int)json_integer_value(json_object_get(seen, name)));
		else if (json_object_set_new(seen, name, json_integer(tree_number(node, "line"))) != 0)
			abort();
	}
	json_decref(seen);
}

/* services[0] "web", with the name only when it is a proper one. */
static void
set_title(struct service *s, size_t index, const json_t *entries)
{
	size_t i;
	json_t *entry;

	snprintf(s->title, sizeof(s->title), "services[%zu]", index);
	json_array_foreach(entries, i, entry)
	{
		const char *name = json_string_value(json_object_get(json_object_get(entry, "node"), "value"));

		if (name != NULL && key_find(json_string_value(json_object_get(entry, "key"))) == KEY_NAME &&
		    str_is_service_name(name)) {
			snprintf(s->title, sizeof(s->title), "services[%zu] \"%s\"", index, name);
			return;
		}
	}
}

void
service_check(struct service *s, size_t index)
{
	const json_t *entries = json_object_get(s->node, "value");
	size_t i;
	json_t *entry;

	set_title(s, index, entries);
	json_array_foreach(entries, i, entry)
	{
		check_entry(s, entry);
	}
	check_missing(s);
	check_unique(s);
	check_env_unique(s);
}

json_t *
service_account(const struct service *s)
{
	const char *user = string_of(s, KEY_USER);
	const json_t *node = json_object_get(s->entries[KEY_USER], "node");
	size_t nkeys;
	struct err err = ERR_INIT;
	json_t *account;

	if (user == NULL || key_table(&nkeys)[KEY_USER].rule(user, &err) < 0)
		return NULL;
	account = json_pack(
	    "{s:s, s:i, s:i}", "user", user, "line", tree_number(node, "line"), "column", tree_number(node, "column"));
	if (account == NULL)
		abort();
	return account;
}
