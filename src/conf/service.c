#include "conf/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/rules.h"
#include "conf/sites.h"
#include "conf/tree.h"

/* The string of a key that is there and is one. */
static const char *
string_of(const struct service *s, enum key_id k)
{
	return table_string(&s->table, k, NULL);
}

/* compose calls the volume `data` of `a_b` a_b_data, and the volume `b_data` of `a` as well: they would share it. */
static void
check_apart(struct service *s, const char *name)
{
	const json_t *node = table_node(&s->table, KEY_NAME);
	const char *other;
	json_t *line;

	json_object_foreach(s->names, other, line)
	{
		size_t n = strlen(name) < strlen(other) ? strlen(name) : strlen(other);
		const char *longer = strlen(name) < strlen(other) ? other : name;

		if (strncmp(name, other, n) == 0 && longer[n] == '_')
			problems_add(s->table.problems, tree_number(node, "line"), tree_number(node, "column"),
			    "%s: key \"name\" and that of line %d cannot stand side by side: compose would give volumes of "
			    "both the same name; write \"-\" where the longer one goes on with \"_\"",
			    s->table.title, (int)json_integer_value(line));
	}
}

/* Names are compared whether they are proper or not. */
static void
check_unique(struct service *s)
{
	const char *name = string_of(s, KEY_NAME);
	const json_t *node = table_node(&s->table, KEY_NAME);
	const json_t *before = name == NULL ? NULL : json_object_get(s->names, name);

	if (name == NULL || name[0] == '\0')
		return;
	if (before != NULL)
		problems_add(s->table.problems, tree_number(node, "line"), tree_number(node, "column"),
		    "%s: key \"name\" is the same on line %d and on line %d: each service needs a name of its own",
		    s->table.title, (int)json_integer_value(before), tree_number(node, "line"));
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
	json_array_foreach(json_object_get(table_node(&s->table, KEY_ENV), "value"), i, node)
	{
		const char *text = json_string_value(json_object_get(node, "value"));
		size_t len = text == NULL ? 0 : rule_env_name(text);
		auto_free char *name = len == 0 ? NULL : str_printf("%.*s", (int)len, text);

		if (name == NULL)
			continue;
		if (json_object_get(seen, name) != NULL)
			problems_add(s->table.problems, tree_number(node, "line"), tree_number(node, "column"),
			    "%s: key \"env[%zu]\" sets %.64s again, which line %d has set: remove one", s->table.title,
			    i, name, (int)json_integer_value(json_object_get(seen, name)));
		else if (json_object_set_new(seen, name, json_integer(tree_number(node, "line"))) != 0)
			abort();
	}
	json_decref(seen);
}

/* Two credentials for the same registry: which of them counts is anyone's guess. */
static void
check_registries_unique(struct service *s)
{
	json_t *seen = json_object();
	size_t i;
	json_t *node;

	if (seen == NULL)
		abort();
	json_array_foreach(json_object_get(table_node(&s->table, KEY_REGISTRIES), "value"), i, node)
	{
		const char *text = json_string_value(json_object_get(node, "value"));
		auto_free char *user = NULL;
		auto_free char *token = NULL;
		auto_free char *registry = NULL;
		const json_t *before;

		if (text == NULL || rule_split_registry(text, &user, &token, &registry, NULL) < 0)
			continue;
		before = json_object_get(seen, registry);
		if (before != NULL)
			problems_add(s->table.problems, tree_number(node, "line"), tree_number(node, "column"),
			    "%s: key \"registries[%zu]\" is for the same registry as the one on line %d: remove one",
			    s->table.title, i, (int)json_integer_value(before));
		else if (json_object_set_new(seen, registry, json_integer(tree_number(node, "line"))) != 0)
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

	snprintf(s->table.title, sizeof(s->table.title), "services[%zu]", index);
	json_array_foreach(entries, i, entry)
	{
		const char *name = json_string_value(json_object_get(json_object_get(entry, "node"), "value"));

		if (name != NULL &&
		    menu_find(&service_menu, json_string_value(json_object_get(entry, "key"))) == KEY_NAME &&
		    str_is_service_name(name)) {
			snprintf(s->table.title, sizeof(s->table.title), "services[%zu] \"%s\"", index, name);
			return;
		}
	}
}

void
service_check(struct service *s, size_t index)
{
	s->table.menu = &service_menu;
	set_title(s, index, json_object_get(s->table.node, "value"));
	table_check(&s->table);
	check_unique(s);
	check_env_unique(s);
	check_registries_unique(s);
	sites_claim(s);
	service_check_source(s);
}

json_t *
service_account(const struct service *s)
{
	const char *user = string_of(s, KEY_USER);
	const json_t *node = table_node(&s->table, KEY_USER);
	struct err err = ERR_INIT;
	json_t *account;

	if (user == NULL || rule_user(user, &err) < 0)
		return NULL;
	account = json_pack(
	    "{s:s, s:i, s:i}", "user", user, "line", tree_number(node, "line"), "column", tree_number(node, "column"));
	if (account == NULL)
		abort();
	return account;
}
