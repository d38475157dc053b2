#include "conf/push_table.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/masks.h"
#include "conf/push.h"
#include "conf/rules.h"
#include "conf/settings.h"
#include "conf/tree.h"

#define IDS "70000-79999"

static const struct key keys[] = {
    [PUSH_KEY_CREATE] = KEY_ROW(
	"create", KEY_BOOL, KEY_OPTIONAL, NULL, "create = true", "Whether a first push makes an app; false without."),
    [PUSH_KEY_DELETE] = KEY_ROW("delete", KEY_BOOL, KEY_OPTIONAL, NULL, "delete = true",
	"Whether the deletion of a branch destroys its app; false without."),
    [PUSH_KEY_BRANCH] = KEY_ROW("branch", KEY_WORDS, KEY_OPTIONAL, rule_branch, "branch = [ \"main\", \"master\" ]",
	"The branches that are the app itself."),
    [PUSH_KEY_DOMAIN] = KEY_ROW("domain", KEY_STRING, KEY_OPTIONAL, rule_push_host, "domain = \"apps.example.org\"",
	"The domain whose names all lead to this host."),
    [PUSH_KEY_ADDRESS] = KEY_ROW("address", KEY_STRING, KEY_OPTIONAL, rule_push_address, "address = \"192.0.2.7\"",
	"This host's address, in the names of apps."),
    [PUSH_KEY_SUFFIX] = KEY_ROW("suffix", KEY_STRING, KEY_OPTIONAL, rule_push_host, "suffix = \"sslip.io\"",
	"The domain that answers with the address in its names."),
    [PUSH_KEY_SCHEME] = KEY_ROW(
	"scheme", KEY_STRING, KEY_OPTIONAL, rule_push_scheme, "scheme = \"http\"", "How the sites of apps are served."),
    [PUSH_KEY_PROXY_NETWORK] = KEY_ROW("proxy_network", KEY_STRING, KEY_OPTIONAL, rule_network,
	"proxy_network = \"reverseproxy\"", "The network on which a proxy in a container finds apps."),
    [PUSH_KEY_MAX_SIZE] = KEY_ROW("max_size", KEY_SIZE, KEY_OPTIONAL, NULL, "max_size = \"1g\"",
	"The most that a push may send.", .amount = AMOUNT_PUSH_SIZE),
    [PUSH_KEY_MAX_OBJECTS] = KEY_ROW("max_objects", KEY_COUNT, KEY_OPTIONAL, NULL, "max_objects = 1000000",
	"The most objects of git that a push may send.", .amount = AMOUNT_PUSH_OBJECTS),
    [PUSH_KEY_REGISTRY] = KEY_ROW("registry", KEY_STRING, KEY_OPTIONAL, rule_push_registry,
	"registry = \"user:token@registry.example.org/apps\"", "Where the images of good releases are pushed to."),
    [PUSH_KEY_DIRECTIVES] = KEY_ROW("directives", KEY_STRINGS, KEY_OPTIONAL, rule_push_directive,
	"directives = [ \"LINK_SERVICE\" ]", "octohost's comments in a Dockerfile that are followed."),
    [PUSH_KEY_STATIC_IMAGE] = KEY_ROW("static_image", KEY_STRING, KEY_OPTIONAL, rule_push_image,
	"static_image = \"docker.io/library/nginx:1.27-alpine\"", "The image that serves a site of plain files."),
    [PUSH_KEY_IDS] =
	KEY_ROW("ids", KEY_STRING, KEY_OPTIONAL, rule_push_ids, "ids = \"" IDS "\"", "The user ids that apps run as."),
    [PUSH_KEY_REGISTRIES] = KEY_ROW("registries", KEY_STRINGS, KEY_OPTIONAL, rule_push_login,
	"registries = [ \"user:token@registry\" ]", "Credentials for image registries."),
    [PUSH_KEY_NETWORKS] = KEY_ROW("networks", KEY_STRINGS, KEY_OPTIONAL, rule_network,
	"networks = [ \"reverseproxy\" ]", "The external networks that an app may use; all without."),
    [PUSH_KEY_ALLOW] = KEY_ROW("allow", KEY_STRINGS, KEY_OPTIONAL, rule_allow, "allow = [ \"cap_add:NET_ADMIN\" ]",
	"What the policy lets an app do besides."),
    KEY_ROWS_OF_A_DEPLOY(PUSH_KEY_),
};
_Static_assert(ARRAY_LEN(keys) <= KEYS_MAX, "KEYS_MAX holds every key");

const struct menu push_menu = {keys, ARRAY_LEN(keys)};

void
push_table_check(struct table *t)
{
	static const enum push_key of_suffix[] = {PUSH_KEY_ADDRESS, PUSH_KEY_SUFFIX};
	const json_t *branches;

	t->menu = &push_menu;
	snprintf(t->title, sizeof(t->title), "push");
	table_check(t);
	branches = table_node(t, PUSH_KEY_BRANCH);
	if (branches != NULL && tree_is(branches, "array") && json_array_size(json_object_get(branches, "value")) == 0)
		table_problem(t, PUSH_KEY_BRANCH, "is an empty list: leave it out for \"main\" and \"master\"");
	for (size_t i = 0; t->entries[PUSH_KEY_DOMAIN] != NULL && i < ARRAY_LEN(of_suffix); i++) {
		if (t->entries[of_suffix[i]] != NULL)
			table_problem(t, of_suffix[i], "has no use beside \"domain\": remove one of them");
	}
}

/* --- the document --- */

static void
add_strings(const struct table *t, enum push_key k, struct strv *sv)
{
	json_t *list = table_strings(t, k);
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		strv_add(sv, json_string_value(item));
	}
	json_decref(list);
}

static int64_t
amount_in(const struct table *t, enum push_key k)
{
	int64_t n = amount_otherwise_of_app(keys[k].amount);

	if (t->entries[k] != NULL && table_amount(&keys[k], table_node(t, k), &n, NULL) < 0)
		abort();
	return n;
}

static char *
text_or(const struct table *t, enum push_key k, const char *otherwise)
{
	const char *s = table_string(t, k, otherwise);

	return s == NULL ? NULL : str_dup(s);
}

/* A string is a list of one. */
static void
add_branches(const struct table *t, struct strv *sv)
{
	static const char *const otherwise[] = {PUSH_BRANCHES};
	const json_t *node = table_node(t, PUSH_KEY_BRANCH);

	if (node == NULL) {
		for (size_t i = 0; i < ARRAY_LEN(otherwise); i++)
			strv_add(sv, otherwise[i]);
	} else if (tree_is(node, "string")) {
		strv_add(sv, table_string(t, PUSH_KEY_BRANCH, NULL));
	} else {
		add_strings(t, PUSH_KEY_BRANCH, sv);
	}
}

/* What is secret is hidden wherever a program prints it. */
static void
add_login_masks(const char *login, struct strv *masks)
{
	auto_free char *user = NULL;
	auto_free char *host = NULL;
	auto_free char *path = NULL;
	char *token = NULL;

	if (push_split_registry(login, &user, &token, &host, &path, NULL) < 0 || user == NULL)
		abort();
	masks_of_login(user, token, masks);
	str_wipe(token);
}

static void
fill_service(const struct table *t, struct conf_service *s)
{
	for (size_t k = PUSH_KEY_REGISTRIES; k < PUSH_KEYS; k++) {
		if (key_is_amount(&keys[k]))
			settings_set_amount(s, keys[k].amount, amount_in(t, (enum push_key)k));
	}
	s->env_digest = str_dup(CONF_SOURCE_HOSTED);
	add_strings(t, PUSH_KEY_ALLOW, &s->allow);
	add_strings(t, PUSH_KEY_REGISTRIES, &s->registries);
	for (size_t i = 0; i < s->registries.n; i++)
		add_login_masks(s->registries.v[i], &s->masks);
	s->has_networks = t->entries[PUSH_KEY_NETWORKS] != NULL;
	add_strings(t, PUSH_KEY_NETWORKS, &s->networks);
}

json_t *
push_table_document(const struct table *t)
{
	struct conf_push *p = calloc(1, sizeof(*p));
	json_t *o;

	if (p == NULL || (p->service = calloc(1, sizeof(*p->service))) == NULL)
		abort();
	p->create = json_is_true(json_object_get(table_node(t, PUSH_KEY_CREATE), "value"));
	p->ends = json_is_true(json_object_get(table_node(t, PUSH_KEY_DELETE), "value"));
	add_branches(t, &p->branches);
	p->domain = text_or(t, PUSH_KEY_DOMAIN, NULL);
	p->address = text_or(t, PUSH_KEY_ADDRESS, NULL);
	p->suffix = text_or(t, PUSH_KEY_SUFFIX, "sslip.io");
	p->scheme = text_or(t, PUSH_KEY_SCHEME, "http");
	p->proxy_network = text_or(t, PUSH_KEY_PROXY_NETWORK, NULL);
	p->max_bytes = amount_in(t, PUSH_KEY_MAX_SIZE);
	p->max_objects = amount_in(t, PUSH_KEY_MAX_OBJECTS);
	p->registry = text_or(t, PUSH_KEY_REGISTRY, NULL);
	if (p->registry != NULL) {
		p->registry_name = push_registry_name(p->registry);
		add_login_masks(p->registry, &p->masks);
	}
	add_strings(t, PUSH_KEY_DIRECTIVES, &p->directives);
	p->static_image = text_or(t, PUSH_KEY_STATIC_IMAGE, NULL);
	push_split_ids(table_string(t, PUSH_KEY_IDS, IDS), &p->first_id, &p->last_id);
	fill_service(t, p->service);
	o = push_json(p, true);
	push_free(p);
	return o;
}
