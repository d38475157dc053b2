/* Names that every service of the host shares: containers, images, and on shared networks the names that the proxy asks
 * for. None of it is lifted for root: it would take what another service has. */
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "compose/json.h"
#include "compose/policy_table.h"
#include "compose/web.h"

/* The service whose container this is or would be; NULL: none other. */
static const struct policy_other *
owner_of_container(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->nothers; i++) {
		const struct policy_other *o = &p->others[i];

		if (strv_has(&o->names.containers, name))
			return o;
		for (size_t k = 0; k < o->names.services.n; k++) {
			if (model_is_container_of(o->name, o->names.services.v[k], name))
				return o;
		}
	}
	return NULL;
}

/* `a` with `b-web` and `a-b` with `web`: compose would call the containers of both a-b-web-1. */
static const struct policy_other *
owner_of_generated(const struct policy *p, const char *service)
{
	auto_free char *first = str_printf("%s-%s-1", p->project, service);

	for (size_t i = 0; i < p->nothers; i++) {
		const struct policy_other *o = &p->others[i];

		for (size_t k = 0; k < o->names.containers.n; k++) {
			if (model_is_container_of(p->project, service, o->names.containers.v[k]))
				return o;
		}
	}
	return owner_of_container(p, first);
}

/* A name belongs to the service with the longest name that it begins with. */
static const struct policy_other *
closer_service(const struct policy *p, const char *name)
{
	for (size_t i = 0; p->others != NULL && i < p->nothers; i++) {
		const char *other = p->others[i].name;

		if (strlen(other) > strlen(p->project) &&
		    (str_eq(name, other) || model_name_is_ours(other, name, "-_")))
			return &p->others[i];
	}
	return NULL;
}

static void
judge_container_name(struct check *c, const char *service, const json_t *value)
{
	const struct policy *p = c->policy;
	const char *name = json_string_value(value);
	auto_free char *advice = str_printf("remove the key or begin the name with %s-", p->project);
	const struct policy_other *owner;

	if (json_is_unset(value)) {
		owner = owner_of_generated(p, service);
		if (owner != NULL)
			check_fail(c, NULL, "call this compose service otherwise",
			    "its containers, %s-%.100s-1 and so on, would be called like those of the service %s",
			    p->project, service, owner->name);
		return;
	}
	owner = name == NULL ? NULL : owner_of_container(p, name);
	if (owner == NULL && name != NULL)
		owner = closer_service(p, name);
	if (owner != NULL)
		check_fail(c, ".container_name", advice, "container_name: %.200s belongs to the service %s", name,
		    owner->name);
	else if (!p->root &&
		 (name == NULL || !(str_eq(name, p->project) || model_name_is_ours(p->project, name, "-_"))))
		check_fail(c, ".container_name", advice, "container_name: %.200s may belong to another service",
		    name == NULL ? "this" : name);
}

/* "example.org web:8080": is web the name, in whichever case? The engine's DNS knows it as "web.", "web.NETWORK" and
 * "web.NETWORK." as well. */
static bool
is_upstream(const char *url, const char *name, const char *network)
{
	const char *space = strrchr(url, ' ');
	const char *host = space == NULL ? url : space + 1;
	const char *port = strrchr(host, ':');
	size_t len = strlen(name), left;
	const char *rest;

	if (space == NULL || port == NULL || strncasecmp(host, name, len) != 0 || host + len > port)
		return false;
	rest = host + len;
	left = (size_t)(port - rest);
	if (left > 0 && rest[left - 1] == '.')
		left--;
	return left == 0 ||
	       (rest[0] == '.' && left == strlen(network) + 1 && strncasecmp(rest + 1, network, left - 1) == 0);
}

static const char *
find_upstream(const struct strv *urls, const char *name, const char *network)
{
	for (size_t i = 0; urls != NULL && i < urls->n; i++) {
		if (is_upstream(urls->v[i], name, network))
			return urls->v[i];
	}
	return NULL;
}

/* The proxy asks the engine's DNS for the upstream, which answers with every container of that name on the network:
 * who calls itself like it gets a part of the requests. When two services' urls say the same, it is the one's that
 * comes first in pgo.toml. */
static void
judge_name(struct check *c, const char *at, const char *name, const char *network)
{
	bool wanted = find_upstream(c->policy->urls, name, network) != NULL;

	if (model_is_web_alias(name))
		check_fail(c, at, "choose another name",
		    "the name %.100s on the shared network %.100s is one by which proxies find apps", name, network);
	for (size_t i = 0; i < c->policy->nothers; i++) {
		const struct policy_other *o = &c->policy->others[i];
		const char *url = find_upstream(o->urls, name, network);

		if (url == NULL || (wanted && !o->before))
			continue;
		check_fail(c, at, "choose another name",
		    "the name %.100s on the shared network %.100s is where the requests for %.*s go, of the service %s",
		    name, network, (int)strcspn(url, " "), url, o->name);
		return;
	}
}

static void
judge_aliases(struct check *c, const json_t *endpoint, const char *key, const char *network)
{
	json_t *alias;
	size_t i;

	json_array_foreach(json_object_get(endpoint, "aliases"), i, alias)
	{
		auto_free char *at = str_printf(".networks.%s.aliases[%zu]", key, i);

		if (json_is_string(alias))
			judge_name(c, at, json_string_value(alias), network);
	}
}

static void
judge_names_on(struct check *c, const json_t *service, const char *key, const char *network)
{
	static const char *const keys[] = {"container_name", "hostname"};
	auto_free char *first = str_printf("%s-%s-1", c->policy->project, key);
	const char *hostname = json_str(service, "hostname");
	const char *domain = json_str(service, "domainname");

	judge_name(c, NULL, key, network);
	judge_name(c, NULL, first, network);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		auto_free char *at = str_printf(".%s", keys[i]);

		if (json_str(service, keys[i]) != NULL)
			judge_name(c, at, json_str(service, keys[i]), network);
	}
	if (hostname != NULL && domain != NULL) {
		auto_free char *full = str_printf("%s.%s", hostname, domain);

		judge_name(c, ".domainname", full, network);
	}
}

static void
judge_upstreams(struct check *c, const char *key, const json_t *service)
{
	const json_t *networks = json_object_get(c->model, "networks");
	const char *name;
	json_t *endpoint;

	json_object_foreach(json_object_get(service, "networks"), name, endpoint)
	{
		auto_free char *network = model_real_name(c->policy->project, name, json_object_get(networks, name));

		if (!check_is_shared(c, name))
			continue;
		judge_names_on(c, service, key, network);
		judge_aliases(c, endpoint, name, network);
	}
}

static bool
is_image_id(const char *image)
{
	return str_starts(image, "sha256:") || image[strspn(image, "0123456789abcdef")] == '\0';
}

/* Without what stands for the same: the registry of the engine, its library, a tag and a digest; the caller frees. */
static char *
plain_image(const char *image)
{
	static const char *const hubs[] = {"docker.io/", "index.docker.io/", "registry-1.docker.io/", "library/"};
	auto_free char *whole = json_undollar(image);
	const char *name = whole, *last;

	for (size_t i = 0; i < ARRAY_LEN(hubs); i++) {
		if (str_starts(name, hubs[i]))
			name += strlen(hubs[i]);
	}
	/* The colon of a registry's port stands before a slash. */
	last = strrchr(name, '/') == NULL ? name : strrchr(name, '/');
	return str_printf("%.*s", (int)(last - name) + (int)strcspn(last, ":@"), name);
}

/* Does the service build an image of this name? */
static bool
is_built_by(const struct policy_other *o, const char *image)
{
	for (size_t i = 0; i < o->names.services.n; i++) {
		if (model_is_image_of(o->name, o->names.services.v[i], image))
			return true;
	}
	return false;
}

/* An ID, also the beginning of one, is any image of the machine, those of other services too. */
void
check_image(struct check *c, const char *at, const char *image)
{
	auto_free char *plain = plain_image(image);

	if (str_starts(plain, "pgo.local/")) {
		check_fail(
		    c, at, "write the name that the image has in its registry", "tags of pgo itself are not allowed");
		return;
	}
	if (c->policy->root || check_allowed(c, "image", plain))
		return;
	if (is_image_id(image))
		check_fail(
		    c, at, "write the image's name and tag", "an image's ID in place of its name is not allowed");
	for (size_t i = 0; i < c->policy->nothers; i++) {
		if (is_built_by(&c->policy->others[i], plain))
			check_fail(c, at, "build it, or use the image's name in a registry",
			    "the image %.200s is what the service %s builds", plain, c->policy->others[i].name);
	}
}

/* Each name is held against those of a thousand other services: more than people write would keep core busy for
 * minutes. */
bool
check_names_are_few(struct check *c)
{
	enum { FEW = 1024 };
	size_t n = json_object_size(json_object_get(c->model, "networks"));
	const char *key;
	json_t *service, *endpoint;

	json_object_foreach(json_object_get(c->model, "services"), key, service)
	{
		json_t *networks = json_object_get(service, "networks");

		n += json_object_size(networks);
		json_object_foreach(networks, key, endpoint) n += json_array_size(json_object_get(endpoint, "aliases"));
	}
	if (n > FEW)
		check_fail(c, "networks", "write fewer", "more than %d networks and aliases are not allowed", FEW);
	return n <= FEW;
}

void
check_service(struct check *c, const json_t *service)
{
	auto_free char *key = str_dup(c->name);
	const char *image = json_str(service, "image");

	if (key[0] == '-')
		check_fail(c, NULL, "choose another name", "compose would take the name %.100s for an option", key);
	judge_container_name(c, key, json_object_get(service, "container_name"));
	judge_upstreams(c, key, service);
	/* What is built gets no name but ours. */
	if (image != NULL && json_is_unset(json_object_get(service, "build")))
		check_image(c, ".image", image);
	check_mac_address(c, service);
	check_limits(c, service);
}
