/* What pgod-conf says of a service that nothing is wrong with. */
#include <sha256.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/rules.h"
#include "conf/service.h"
#include "conf/settings.h"
#include "conf/tree.h"

static const json_t *
node_of(const struct service *s, enum key_id k)
{
	return json_object_get(s->entries[k], "node");
}

/* A string, or what stands for a key that is not there. */
static const char *
string_or(const struct service *s, enum key_id k, const char *otherwise)
{
	return s->entries[k] == NULL ? otherwise : json_string_value(json_object_get(node_of(s, k), "value"));
}

/* The strings of a list; NULL for a key that is not there. */
static json_t *
strings(const struct service *s, enum key_id k)
{
	json_t *list = NULL;
	size_t i;
	json_t *node;

	if (s->entries[k] == NULL)
		return NULL;
	if ((list = json_array()) == NULL)
		abort();
	json_array_foreach(json_object_get(node_of(s, k), "value"), i, node)
	{
		if (json_array_append(list, json_object_get(node, "value")) != 0)
			abort();
	}
	return list;
}

/* Tells core that the key was changed. Without credentials: a new token is no new repository. */
static void
source_of(const char *repository, char ret_hex[SHA256_DIGEST_STRING_LENGTH])
{
	SHA256Data((const uint8_t *)repository, strlen(repository), ret_hex);
}

static void
add_strings(const struct service *s, enum key_id k, struct strv *sv)
{
	size_t i;
	json_t *node;

	json_array_foreach(json_object_get(node_of(s, k), "value"), i, node)
	{
		strv_add(sv, json_string_value(json_object_get(node, "value")));
	}
}

static void
add_routes(const struct service *s, struct strv *sv)
{
	size_t i;
	json_t *entry;

	json_array_foreach(json_object_get(node_of(s, KEY_URLS), "value"), i, entry)
	{
		const json_t *upstream = json_object_get(json_object_get(entry, "node"), "value");

		strv_add_take(sv,
		    str_printf("%s %s", json_string_value(json_object_get(entry, "key")), json_string_value(upstream)));
	}
}

static json_t *
settings_of(const struct service *s)
{
	struct conf_service settings = {0};
	const char *update = string_or(s, KEY_UPDATE, NULL);
	json_t *object = NULL;
	size_t nkeys;
	const struct key *keys = key_table(&nkeys);

	for (size_t k = 0; k < KEY_IDS; k++) {
		int64_t n = amount_otherwise(keys[k].amount);

		if (!key_is_amount(&keys[k]))
			continue;
		if (s->entries[k] != NULL && service_amount(&keys[k], node_of(s, (enum key_id)k), &n, NULL) < 0)
			abort();
		settings_set_amount(&settings, keys[k].amount, n);
	}
	settings.update = update == NULL ? NULL : str_dup(update);
	settings.rewind_refused = str_eq(string_or(s, KEY_REWIND, "allow"), "refuse");
	add_strings(s, KEY_ALLOW, &settings.allow);
	add_strings(s, KEY_PORTS, &settings.ports);
	add_routes(s, &settings.urls);
	object = settings_json(&settings);
	settings_done(&settings);
	return object;
}

json_t *
service_document(const struct service *s)
{
	auto_free char *url = NULL;
	auto_free char *auth = NULL;
	char source[SHA256_DIGEST_STRING_LENGTH];
	const json_t *user = node_of(s, KEY_USER);
	json_t *env = strings(s, KEY_ENV);
	json_t *doc = NULL;

	if (rule_split_repository(string_or(s, KEY_REPOSITORY, ""), &url, &auth, NULL) < 0)
		abort();
	source_of(url, source);
	doc = json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s, s:s?, s:o, s:o?, s:s?, s:o, s:i, s:i, s:i}", "name",
	    string_or(s, KEY_NAME, NULL), "user", string_or(s, KEY_USER, NULL), "repository", url, "auth", auth,
	    "source", source, "branch", string_or(s, KEY_BRANCH, "main"), "compose", string_or(s, KEY_COMPOSE, NULL),
	    "env", env == NULL ? json_array() : env, "networks", strings(s, KEY_NETWORKS), "signers",
	    string_or(s, KEY_SIGNERS, NULL), "settings", settings_of(s), "line", tree_number(s->node, "line"),
	    "user_line", tree_number(user, "line"), "user_column", tree_number(user, "column"));
	if (doc == NULL)
		abort();
	return doc;
}
