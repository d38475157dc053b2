#include "compose/web.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/str.h"
#include "compose/json.h"
#include "compose/names.h"

#define KEY "x-pgo-http"
#define NETWORK "network" /* beneath it: the key of the proxy's network, */
#define ALIAS "alias"	  /* the name there, */
#define JOINED "joined"	  /* that the service is on it for us alone, */
#define MADE "made"	  /* and that the model has it for us alone */
#define OUR_NETWORK "pgo-proxy"
/* No container's own name ends so: compose's end in a number. */
#define SUFFIX "--pgo"

enum { PORT_MAX = 65535 };

void
model_set_web(json_t *approved, const char *service, int port)
{
	json_t *web;

	json_object_del(approved, KEY);
	if (service == NULL)
		return;
	web = json_pack("{ss si}", "service", service, "port", port);
	if (web == NULL || json_object_set_new(approved, KEY, web) != 0)
		abort();
}

bool
model_web(const json_t *approved, const char **ret_service, int *ret_port)
{
	const json_t *web = json_object_get(approved, KEY);
	const char *service = json_str(web, "service");
	json_int_t port = json_integer_value(json_object_get(web, "port"));

	if (service == NULL || port < 1 || port > PORT_MAX ||
	    json_object_get(json_object_get(approved, "services"), service) == NULL)
		return false;
	*ret_service = service;
	*ret_port = (int)port;
	return true;
}

/* --- the network of a proxy in a container --- */

static json_t *
object_in(json_t *parent, const char *key)
{
	json_t *o = json_object_get(parent, key);

	if (json_is_object(o))
		return o;
	o = json_object();
	if (o == NULL || json_object_set_new(parent, key, o) < 0)
		abort();
	return o;
}

/* The key by which the model has it already; NULL. */
static const char *
key_of_network(const json_t *model, const char *project, const char *network)
{
	json_t *obj;
	const char *key;

	json_object_foreach(json_object_get(model, "networks"), key, obj)
	{
		auto_free char *name = model_real_name(project, key, obj);

		if (str_eq(name, network))
			return key;
	}
	return NULL;
}

/* Compose names what is built and made after the key, so ours is another than those that are there. */
static char *
make_network(json_t *model, const char *network)
{
	json_t *networks = object_in(model, "networks");
	char *key = str_dup(OUR_NETWORK);

	while (json_object_get(networks, key) != NULL) {
		char *longer = str_printf("%s-", key);

		free(key);
		key = longer;
	}
	if (json_object_set_new(networks, key, json_pack("{ss sb}", "name", network, "external", 1)) < 0)
		abort();
	return key;
}

bool
model_join_proxy(json_t *approved, const char *project, const char *network)
{
	const char *name = NULL;
	int port = 0;
	bool is = model_web(approved, &name, &port);
	json_t *web = json_object_get(approved, KEY);
	json_t *service = is ? json_object_get(json_object_get(approved, "services"), name) : NULL;
	auto_free char *alias = str_printf("%s-%d" SUFFIX, project, port);
	const char *there;
	auto_free char *key = NULL;
	json_t *networks, *endpoint, *aliases;

	if (!is || !json_is_unset(json_object_get(service, "network_mode")))
		return false;
	there = key_of_network(approved, project, network);
	key = there != NULL ? str_dup(there) : make_network(approved, network);
	networks = json_object_get(service, "networks");
	/* What names none is on the project's own. */
	if (json_is_unset(networks))
		json_object_set_new(object_in(service, "networks"), "default", json_null());
	networks = object_in(service, "networks");
	if (json_object_set_new(web, NETWORK, json_string(key)) < 0 ||
	    json_object_set_new(web, ALIAS, json_string(alias)) < 0 ||
	    json_object_set_new(web, JOINED, json_boolean(json_object_get(networks, key) == NULL)) < 0 ||
	    json_object_set_new(web, MADE, json_boolean(there == NULL)) < 0)
		abort();
	endpoint = object_in(networks, key);
	aliases = json_object_get(endpoint, "aliases");
	if (!json_is_array(aliases) && json_object_set_new(endpoint, "aliases", aliases = json_array()) < 0)
		abort();
	if (json_array_append_new(aliases, json_string(alias)) < 0)
		abort();
	return true;
}

static void
drop_alias(json_t *endpoint, const char *alias)
{
	json_t *aliases = json_object_get(endpoint, "aliases");

	for (size_t i = json_array_size(aliases); i-- > 0;) {
		if (str_eq(json_string_value(json_array_get(aliases, i)), alias))
			json_array_remove(aliases, i);
	}
	if (json_array_size(aliases) == 0)
		json_object_del(endpoint, "aliases");
}

void
model_leave_proxy(json_t *approved)
{
	json_t *web = json_object_get(approved, KEY);
	const char *key = json_str(web, NETWORK), *alias = json_str(web, ALIAS), *name = json_str(web, "service");
	json_t *service = name == NULL ? NULL : json_object_get(json_object_get(approved, "services"), name);
	json_t *networks = json_object_get(service, "networks");

	if (key == NULL || alias == NULL)
		return;
	drop_alias(json_object_get(networks, key), alias);
	if (json_is_true(json_object_get(web, JOINED)))
		json_object_del(networks, key);
	if (json_is_true(json_object_get(web, MADE)))
		json_object_del(json_object_get(approved, "networks"), key);
	json_object_del(web, NETWORK);
	json_object_del(web, ALIAS);
	json_object_del(web, JOINED);
	json_object_del(web, MADE);
}

char *
model_web_alias(const json_t *approved)
{
	const char *alias = json_str(json_object_get(approved, KEY), ALIAS);

	return alias == NULL ? NULL : str_dup(alias);
}

/* The engine's DNS knows no case, and a name with a dot at its end as the same. */
bool
model_is_web_alias(const char *name)
{
	size_t len = strlen(name), end = strlen(SUFFIX);

	while (len > 0 && name[len - 1] == '.')
		len--;
	return len >= end && strncasecmp(name + len - end, SUFFIX, end) == 0;
}
