#include "conf/operator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/operators.h"
#include "conf/rules.h"
#include "conf/tree.h"

static const struct key keys[OPERATOR_KEY_IDS] = {
    [OPERATOR_NAME] = KEY_ROW("name", KEY_STRING, KEY_NEEDED, rule_operator, "name = \"alice\"",
	"What the operator is called in logs and answers."),
    [OPERATOR_KEY] = KEY_ROW("key", KEY_STRING, KEY_NEEDED, rule_operator_key, "key = \"ssh-ed25519 AAAA... alice\"",
	"The operator's public key, with options in front of it as in ssh/*.pub."),
    [OPERATOR_SERVICES] = KEY_ROW("services", KEY_STRINGS, KEY_OPTIONAL, rule_name, "services = [ \"web\" ]",
	"The services that the operator may act on; all without."),
    [OPERATOR_OPS] = KEY_ROW("ops", KEY_STRINGS, KEY_OPTIONAL, rule_operator_op, "ops = [ \"ps\", \"logs\" ]",
	"The operations that the operator may ask for; all without."),
};

const struct menu operator_menu = {keys, ARRAY_LEN(keys)};

static void
problem(struct operator_check *o, const json_t *at, const char *sentence)
{
	problems_add(
	    o->table.problems, tree_number(at, "line"), tree_number(at, "column"), "%s: %s", o->table.title, sentence);
}

/* What two operators must not share is told with the line of the first. */
static void
check_unique(struct operator_check *o, enum operator_key_id k, const char *value, const char *why)
{
	const json_t *node = table_node(&o->table, k);
	auto_free char *id = str_printf("%s %s", keys[k].name, value);
	const json_t *before = json_object_get(o->seen, id);
	auto_free char *sentence =
	    str_printf("key \"%s\" is the same as on line %d: %s", keys[k].name, (int)json_integer_value(before), why);

	if (before != NULL)
		problem(o, node, sentence);
	else if (json_object_set_new(o->seen, id, json_integer(tree_number(node, "line"))) != 0)
		abort();
}

/* The same key twice would be two operators in the log, and whose rights count nobody could tell. */
static void
check_key_unique(struct operator_check *o)
{
	const char *line = table_string(&o->table, OPERATOR_KEY, NULL);
	auto_authkey struct authkey key = {0};
	auto_free char *blob = NULL;

	if (line == NULL || authkey_parse(line, &key, NULL) < 0)
		return;
	blob = str_base64(key.blob, key.blob_len);
	check_unique(o, OPERATOR_KEY, blob, "each operator needs a key of his own");
}

/* An empty list could mean nothing as well as anything. */
static void
check_not_empty(struct operator_check *o, enum operator_key_id k)
{
	const json_t *node = table_node(&o->table, k);
	auto_free char *sentence =
	    str_printf("key \"%s\" is an empty list: leave it out for all of them", keys[k].name);

	if (node != NULL && tree_is(node, "array") && json_array_size(json_object_get(node, "value")) == 0)
		problem(o, node, sentence);
}

void
operator_check(struct operator_check *o, size_t index)
{
	const char *name;
	struct err err = ERR_INIT;

	o->table.menu = &operator_menu;
	snprintf(o->table.title, sizeof(o->table.title), "operators[%zu]", index);
	table_check(&o->table);
	name = table_string(&o->table, OPERATOR_NAME, NULL);
	if (name != NULL && rule_operator(name, &err) == 0) {
		snprintf(o->table.title, sizeof(o->table.title), "operators[%zu] \"%s\"", index, name);
		check_unique(o, OPERATOR_NAME, name, "each operator needs a name of his own");
	}
	check_key_unique(o);
	check_not_empty(o, OPERATOR_SERVICES);
	check_not_empty(o, OPERATOR_OPS);
}

void
operator_check_services(struct operator_check *o, const json_t *names, bool pushed)
{
	size_t i;
	json_t *node;

	if (pushed)
		return;
	json_array_foreach(json_object_get(table_node(&o->table, OPERATOR_SERVICES), "value"), i, node)
	{
		const char *name = json_string_value(json_object_get(node, "value"));
		struct err err = ERR_INIT;
		auto_free char *sentence = NULL;

		if (name == NULL || rule_name(name, &err) < 0 || json_object_get(names, name) != NULL)
			continue;
		sentence = str_printf("key \"services[%zu]\" names \"%s\", which is no service of this file", i, name);
		problem(o, node, sentence);
	}
}

json_t *
operator_document(const struct operator_check *o)
{
	json_t *doc = json_pack("{s:s, s:s, s:o?, s:o?}", "name", table_string(&o->table, OPERATOR_NAME, NULL), "key",
	    table_string(&o->table, OPERATOR_KEY, NULL), "services", table_strings(&o->table, OPERATOR_SERVICES), "ops",
	    table_strings(&o->table, OPERATOR_OPS));

	if (doc == NULL)
		abort();
	return doc;
}
