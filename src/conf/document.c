/* What pgod-conf says of a service that nothing is wrong with. */
#include <sha256.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/rules.h"
#include "conf/service.h"
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
	doc = json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s, s:s?, s:o, s:o?, s:i, s:i, s:i}", "name",
	    string_or(s, KEY_NAME, NULL), "user", string_or(s, KEY_USER, NULL), "repository", url, "auth", auth,
	    "source", source, "branch", string_or(s, KEY_BRANCH, "main"), "compose", string_or(s, KEY_COMPOSE, NULL),
	    "env", env == NULL ? json_array() : env, "networks", strings(s, KEY_NETWORKS), "line",
	    tree_number(s->node, "line"), "user_line", tree_number(user, "line"), "user_column",
	    tree_number(user, "column"));
	if (doc == NULL)
		abort();
	return doc;
}
