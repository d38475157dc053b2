/* What pgod-conf says of a service that nothing is wrong with. */
#include <sha256.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/masks.h"
#include "conf/rules.h"
#include "conf/service.h"
#include "conf/settings.h"
#include "conf/tree.h"

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

	json_array_foreach(json_object_get(table_node(&s->table, k), "value"), i, node)
	{
		strv_add(sv, json_string_value(json_object_get(node, "value")));
	}
}

static void
add_routes(const struct service *s, struct strv *sv)
{
	size_t i;
	json_t *entry;

	json_array_foreach(json_object_get(table_node(&s->table, KEY_URLS), "value"), i, entry)
	{
		const json_t *upstream = json_object_get(json_object_get(entry, "node"), "value");

		strv_add_take(sv,
		    str_printf("%s %s", json_string_value(json_object_get(entry, "key")), json_string_value(upstream)));
	}
}

/* Each entry with its NUL, so that no two lists look alike. */
static char *
env_digest(const struct service *s)
{
	auto_strv struct strv env = {NULL, 0};
	char hex[SHA256_DIGEST_STRING_LENGTH];
	SHA2_CTX ctx;

	add_strings(s, KEY_ENV, &env);
	SHA256Init(&ctx);
	for (size_t i = 0; i < env.n; i++)
		SHA256Update(&ctx, (const uint8_t *)env.v[i], strlen(env.v[i]) + 1);
	SHA256End(&ctx, hex);
	return str_dup(hex);
}

/* Of all that must not be printed. */
static void
add_masks(const struct service *s, struct strv *masks)
{
	auto_strv struct strv env = {NULL, 0};
	auto_strv struct strv registries = {NULL, 0};
	auto_free char *url = NULL;
	auto_free char *auth = NULL;

	add_strings(s, KEY_ENV, &env);
	add_strings(s, KEY_REGISTRIES, &registries);
	for (size_t i = 0; i < registries.n; i++) {
		auto_free char *user = NULL;
		auto_free char *token = NULL;
		auto_free char *registry = NULL;

		if (rule_split_registry(registries.v[i], &user, &token, &registry, NULL) < 0)
			abort();
		masks_of_login(user != NULL ? user : table_string(&s->table, KEY_USER, ""), token, masks);
	}
	if (!service_is_hosted(s) &&
	    rule_split_repository(table_string(&s->table, KEY_REPOSITORY, ""), &url, &auth, NULL) < 0)
		abort();
	if (auth != NULL)
		masks_of_auth(auth, masks);
	for (size_t i = 0; i < env.n; i++)
		masks_of_env(env.v[i], masks);
}

static json_t *
settings_of(const struct service *s)
{
	struct conf_service settings = {0};
	const char *update = table_string(&s->table, KEY_UPDATE, NULL);
	const char *group = table_string(&s->table, KEY_GROUP, NULL);
	const char *import = table_string(&s->table, KEY_IMPORT, NULL);
	const char *reload = table_string(&s->table, KEY_RELOAD, NULL);
	json_t *object = NULL;
	const struct key *keys = service_menu.keys;

	for (size_t k = 0; k < KEY_IDS; k++) {
		int64_t n;

		if (!key_is_amount(&keys[k]))
			continue;
		n = service_is_hosted(s) ? amount_otherwise_of_app(keys[k].amount) : amount_otherwise(keys[k].amount);
		if (s->table.entries[k] != NULL && table_amount(&keys[k], table_node(&s->table, k), &n, NULL) < 0)
			abort();
		settings_set_amount(&settings, keys[k].amount, n);
	}
	settings.update = update == NULL ? NULL : str_dup(update);
	settings.import = import == NULL ? NULL : str_dup(import);
	settings.reload = reload == NULL ? NULL : str_dup(reload);
	settings.rewind_refused = str_eq(table_string(&s->table, KEY_REWIND, "allow"), "refuse");
	settings.group = group == NULL ? NULL : str_dup(group);
	settings.ignore = json_is_true(json_object_get(table_node(&s->table, KEY_IGNORE), "value"));
	settings.env_digest = env_digest(s);
	add_masks(s, &settings.masks);
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
	const json_t *user = table_node(&s->table, KEY_USER);
	json_t *env = table_strings(&s->table, KEY_ENV);
	json_t *registries = table_strings(&s->table, KEY_REGISTRIES);
	json_t *doc = NULL;

	if (service_is_hosted(s))
		url = str_dup("");
	else if (rule_split_repository(table_string(&s->table, KEY_REPOSITORY, ""), &url, &auth, NULL) < 0)
		abort();
	source_of(url, source);
	doc = json_pack("{s:s, s:s, s:s, s:b, s:s?, s:s, s:s, s:s?, s:o, s:o, s:o?, s:s?, s:s?, s:o, s:i, s:i, s:i}",
	    "name", table_string(&s->table, KEY_NAME, NULL), "user", table_string(&s->table, KEY_USER, NULL),
	    "repository", url, "hosted", service_is_hosted(s), "auth", auth, "source", source, "branch",
	    table_string(&s->table, KEY_BRANCH, "main"), "compose", table_string(&s->table, KEY_COMPOSE, NULL), "env",
	    env == NULL ? json_array() : env, "registries", registries == NULL ? json_array() : registries, "networks",
	    table_strings(&s->table, KEY_NETWORKS), "signers", table_string(&s->table, KEY_SIGNERS, NULL), "mount",
	    table_string(&s->table, KEY_MOUNT, NULL), "settings", settings_of(s), "line",
	    tree_number(s->table.node, "line"), "user_line", tree_number(user, "line"), "user_column",
	    tree_number(user, "column"));
	if (doc == NULL)
		abort();
	return doc;
}
