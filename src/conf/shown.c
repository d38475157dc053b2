#include "conf/shown.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/push_table.h"
#include "conf/rules.h"
#include "conf/tree.h"

/* A node's value without the places that it knows. */
static json_t *
plain(const json_t *node)
{
	json_t *value = json_object_get(node, "value");
	bool list = tree_is(node, "array");
	bool table = tree_is(node, "table");
	json_t *all = list ? json_array() : table ? json_object() : json_incref(value);
	size_t i;
	json_t *item;

	for (i = 0; (list || table) && i < json_array_size(value); i++) {
		item = json_array_get(value, i);
		if (list ? json_array_append_new(all, plain(item)) != 0
			 : json_object_set_new(all, json_string_value(json_object_get(item, "key")),
			       plain(json_object_get(item, "node"))) != 0)
			abort();
	}
	return tree_must(all);
}

/* VAR=***: what it is called is no secret, and all that helps. */
static json_t *
variables(const json_t *node)
{
	json_t *all = tree_must(json_array());
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(node, "value"), i, item)
	{
		const char *text = json_string_value(json_object_get(item, "value"));
		auto_free char *shown = str_printf("%.*s=" SHOWN_HIDDEN, (int)rule_env_name(text), text);

		if (json_array_append_new(all, json_string(shown)) != 0)
			abort();
	}
	return all;
}

/* The URL, with stars where credentials are. */
static json_t *
repository(const json_t *node)
{
	const char *text = json_string_value(json_object_get(node, "value"));
	auto_free char *url = NULL;
	auto_free char *auth = NULL;
	auto_free char *shown = NULL;
	const char *host;

	if (rule_split_repository(text, &url, &auth, NULL) < 0)
		return tree_must(json_string(SHOWN_HIDDEN));
	host = strstr(url, "://");
	if (auth == NULL || host == NULL)
		return tree_must(json_string(url));
	host += strlen("://");
	shown = str_printf("%.*s" SHOWN_HIDDEN "@%s", (int)(host - url), url, host);
	return tree_must(json_string(shown));
}

/* ***@registry */
static json_t *
registries(const json_t *node)
{
	json_t *all = tree_must(json_array());
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(node, "value"), i, item)
	{
		const char *at = strrchr(json_string_value(json_object_get(item, "value")), '@');
		auto_free char *shown = str_printf(SHOWN_HIDDEN "%s", at != NULL ? at : "");

		if (json_array_append_new(all, json_string(shown)) != 0)
			abort();
	}
	return all;
}

/* ***@registry/path */
static json_t *
registry(const json_t *node)
{
	const char *at = strrchr(json_string_value(json_object_get(node, "value")), '@');
	auto_free char *shown = str_printf(SHOWN_HIDDEN "%s", at != NULL ? at : "");

	return tree_must(json_string(shown));
}

/* "machine:service//exec WORD WORD ***": where, and which program. */
static json_t *
command_line(const char *text)
{
	const char *at = text;
	auto_free char *shown = NULL;

	for (int words = 0; words < 3; words++) {
		at += strspn(at, " ");
		at += strcspn(at, " ");
	}
	shown = str_printf("%.*s%s", (int)(at - text), text, *at != '\0' ? " " SHOWN_HIDDEN : "");
	return tree_must(json_string(shown));
}

/* The program, which tells enough: what stands behind it may be anything. */
static json_t *
command(const json_t *node)
{
	const json_t *value = json_object_get(node, "value");
	const json_t *first = json_array_get(value, 0);

	if (!tree_is(node, "array"))
		return command_line(json_string_value(value));
	return first == NULL ? tree_must(json_array()) : tree_must(json_pack("[o, s]", plain(first), SHOWN_HIDDEN));
}

static const struct {
	const char *key;
	json_t *(*show)(const json_t *node);
	const char *otherwise; /* what holds when it is not set; NULL: nothing to tell, or an amount's own */
} rows[] = {
    {"name", plain, NULL},
    {"user", plain, NULL},
    {"repository", repository, NULL},
    {"hosted", plain, NULL},
    {"branch", plain, "main"},
    {"compose", plain, NULL},
    {"env", variables, NULL},
    {"registries", registries, NULL},
    {"networks", plain, NULL},
    {"urls", plain, NULL},
    {"import", plain, NULL},
    {"reload", command, NULL},
    {"update", plain, "recreate"},
    {"timeout", plain, NULL},
    {"health_timeout", plain, NULL},
    {"settle", plain, NULL},
    {"keep", plain, NULL},
    {"signers", plain, NULL},
    {"rewind", plain, "allow"},
    {"allow", plain, NULL},
    {"ports", plain, NULL},
    {"cpus", plain, NULL},
    {"memory", plain, NULL},
    {"pids", plain, NULL},
    {"mount", plain, NULL},
    {"group", plain, NULL},
    {"ignore", plain, NULL},
    /* of the proxy */
    {"type", plain, NULL},
    {"file", plain, NULL},
    {"test", command, NULL},
    {"listen", plain, NULL},
    {"certificate", plain, NULL},
    {"certificate_key", plain, NULL}, /* a path */
    {"challenges", plain, NULL},
    /* of [push] */
    {"create", plain, NULL},
    {"delete", plain, NULL},
    {"domain", plain, NULL},
    {"address", plain, NULL},
    {"suffix", plain, "sslip.io"},
    {"scheme", plain, "http"},
    {"proxy_network", plain, NULL},
    {"max_size", plain, NULL},
    {"max_objects", plain, NULL},
    {"registry", registry, NULL},
    {"directives", plain, NULL},
    {"static_image", plain, NULL},
    {"ids", plain, "70000-79999"},
    /* of operators; the key is the public one */
    {"key", plain, NULL},
    {"services", plain, NULL},
    {"ops", plain, NULL},
};

/* Amounts that are not 0 without their key. */
static json_t *
amount_without(const struct key *key, bool of_app)
{
	int64_t n = !key_is_amount(key) ? 0
		    : of_app		? amount_otherwise_of_app(key->amount)
					: amount_otherwise(key->amount);
	auto_free char *text = NULL;

	if (n == 0)
		return NULL;
	if (key->type != KEY_DURATION && key->type != KEY_SIZE)
		return tree_must(json_integer(n));
	if (key->type == KEY_SIZE)
		text = str_printf("%lldm", (long long)n >> 20);
	else
		text = n % 60000 == 0 ? str_printf("%lldm", (long long)n / 60000) : str_printf("%gs", (double)n / 1000);
	return tree_must(json_string(text));
}

/* Does it say what holds for what is pushed to us? */
static bool
is_of_app(const struct table *t)
{
	return t->menu == &push_menu ||
	       (t->menu == &service_menu && json_is_true(json_object_get(table_node(t, KEY_HOSTED), "value")));
}

static json_t *
otherwise(const struct table *t, const struct key *key)
{
	if (t->menu == &push_menu && str_eq(key->name, "branch"))
		return tree_must(json_pack("[s, s]", PUSH_BRANCHES));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (str_eq(rows[i].key, key->name) && rows[i].otherwise != NULL)
			return tree_must(json_string(rows[i].otherwise));
	}
	return amount_without(key, is_of_app(t));
}

static json_t *
show(const struct key *key, const json_t *node)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (str_eq(rows[i].key, key->name))
			return rows[i].show(node);
	}
	return tree_must(json_string(SHOWN_HIDDEN));
}

json_t *
shown_table(const struct table *t)
{
	json_t *set = tree_must(json_object());
	json_t *without = tree_must(json_object());

	for (size_t k = 0; k < t->menu->n; k++) {
		const struct key *key = &t->menu->keys[k];
		json_t *value = t->entries[k] != NULL ? NULL : otherwise(t, key);

		if (t->entries[k] != NULL && json_object_set_new(set, key->name, show(key, table_node(t, k))) != 0)
			abort();
		if (value != NULL && json_object_set_new(without, key->name, value) != 0)
			abort();
	}
	return tree_must(json_pack("{s:o, s:o}", "set", set, "otherwise", without));
}
