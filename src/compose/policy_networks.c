/* The rows of the table about networks and volumes: what is the service's own and what others share. */
#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "compose/json.h"
#include "compose/policy_table.h"

/* Each option is one of `own`, or the administrator has allowed it: alone, or with this value ("key=value"). */
static void
check_options(struct check *c, const json_t *value, const char *allow, const char *own)
{
	const char *key;
	json_t *child;

	if (!json_is_object(value))
		check_fail(c, NULL, NULL, "driver_opts must be a mapping");
	json_object_foreach((json_t *)value, key, child)
	{
		auto_free char *at = str_printf(".%s", key);
		const char *text = json_string_value(child);
		auto_free char *plain = text == NULL ? NULL : json_undollar(text);
		auto_free char *whole = str_printf("%s=%s", key, plain == NULL ? "" : plain);

		if (!check_word(own, key) && !check_allowed(c, allow, key) && !check_allowed(c, allow, whole))
			check_fail(c, at, c->row->advice == NULL ? "remove the option" : c->row->advice,
			    "the option %.200s is not allowed", key);
	}
}

/* The bridge's options that stay inside of it: its interface's name, for one, may be another network's. */
void
check_net_options(struct check *c, const json_t *value)
{
	static const char own[] = "com.docker.network.driver.mtu|com.docker.network.bridge.enable_icc|"
				  "com.docker.network.bridge.enable_ip_masquerade|"
				  "com.docker.network.container_iface_prefix|"
				  "com.docker.network.container_interface_prefix|encrypted";

	check_options(c, value, "networks.driver_opts", own);
}

/* Options of the local driver are arguments of mount(2), by root: any path, any device. */
void
check_volume_options(struct check *c, const json_t *value)
{
	check_options(c, value, "volumes.driver_opts", "");
}

struct range {
	int family;
	int bits; /* of the range's prefix */
	uint8_t prefix[2];
	uint8_t mask[2];
};

/* A subnet is a route on the host: a public one would take that part of the world from everybody on it. */
static const struct range private_ranges[] = {
    {AF_INET, 8, {10, 0}, {255, 0}},
    {AF_INET, 12, {172, 16}, {255, 240}},
    {AF_INET, 16, {192, 168}, {255, 255}},
    {AF_INET, 10, {100, 64}, {255, 192}},
    {AF_INET6, 7, {0xfc, 0}, {0xfe, 0}},
};

static bool
is_private_subnet(const char *subnet)
{
	auto_free char *addr = str_dup(subnet);
	char *slash = strchr(addr, '/');
	uint8_t bytes[16];
	int64_t bits;
	int family = strchr(subnet, ':') == NULL ? AF_INET : AF_INET6;

	if (slash == NULL || !str_to_int(slash + 1, 0, family == AF_INET ? 32 : 128, &bits))
		return false;
	*slash = '\0';
	if (inet_pton(family, addr, bytes) != 1)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(private_ranges); i++) {
		const struct range *r = &private_ranges[i];

		if (r->family == family && bits >= r->bits && (bytes[0] & r->mask[0]) == r->prefix[0] &&
		    (bytes[1] & r->mask[1]) == r->prefix[1])
			return true;
	}
	return false;
}

/* A route of the host that is wider than people need would cover what the engine has left for other services. */
static bool
is_wide_subnet(const char *subnet)
{
	const char *slash = strchr(subnet, '/');
	int64_t bits, least = strchr(subnet, ':') == NULL ? 16 : 48;

	return slash == NULL || !str_to_int(slash + 1, least, 128, &bits);
}

void
check_subnet(struct check *c, const json_t *value)
{
	const char *subnet = json_string_value(value);

	if (subnet != NULL && check_allowed(c, "networks.subnet", subnet))
		return;
	if (subnet == NULL || !is_private_subnet(subnet))
		check_fail(c, NULL, c->row->advice, "the subnet %.100s is not private", subnet == NULL ? "" : subnet);
	else if (is_wide_subnet(subnet))
		check_fail(c, NULL, "write /16 or narrower (/48 of IPv6)",
		    "the subnet %.100s would take the addresses of other services' networks", subnet);
}

static bool
is_hex_id(const char *name)
{
	return strlen(name) == 64 && strspn(name, "0123456789abcdefABCDEF") == 64;
}

static bool
is_listed(const struct policy *p, const char *name)
{
	return !p->has_networks || p->networks == NULL || p->networks->n == 0 || strv_has(p->networks, name);
}

/* Which other service has made, or is the only one to make, networks of this name; NULL: none. */
static const struct policy_other *
maker_of(const struct policy *p, const char *network)
{
	for (size_t i = 0; i < p->nothers; i++) {
		const struct policy_other *o = &p->others[i];

		if (model_name_is_ours(o->name, network, "_") || strv_has(&o->names.networks, network))
			return o;
	}
	return NULL;
}

/* A network is shared when it is not named after this project, or when another service has joined it. */
bool
check_is_shared(const struct check *c, const char *network)
{
	const json_t *obj = json_object_get(json_object_get(c->model, "networks"), network);
	auto_free char *name = model_real_name(c->policy->project, network, obj);

	if (!json_is_unset(json_object_get(obj, "external")) || !model_name_is_ours(c->policy->project, name, "_"))
		return true;
	for (size_t i = 0; i < c->policy->nothers; i++) {
		if (strv_has(&c->policy->others[i].names.joined, name))
			return true;
	}
	return false;
}

/* The service after which compose has named this network; NULL: none other. Joining it takes the administrator's word:
 * that the list of networks is empty is not enough to let one in among the databases of another. */
static const struct policy_other *
private_to(const struct policy *p, const char *network)
{
	bool listed = p->networks != NULL && strv_has(p->networks, network);

	for (size_t i = 0; !p->root && !listed && i < p->nothers; i++) {
		if (model_name_is_ours(p->others[i].name, network, "_"))
			return &p->others[i];
	}
	return NULL;
}

/* The engine makes a network of any name, and takes that name for the mode of a container: one called "container:x"
 * puts it into the network of x. */
static bool
is_plain_name(const char *name)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	return name[0] != '\0' && strchr("_.-", name[0]) == NULL && name[strspn(name, chars)] == '\0';
}

static bool
judge_network_name(struct check *c, const char *name)
{
	if (!is_plain_name(name))
		check_fail(c, ".name", "begin with a letter or a digit, and use only these, _, . and -",
		    "the network name %.200s is not allowed", name);
	else if (str_eq(name, "host"))
		check_fail(c, ".name", "use another network", "the network of the host is not allowed");
	else if (is_hex_id(name))
		check_fail(c, ".name", "use the network's name", "a network's ID in place of its name is not allowed");
	else
		return true;
	return false;
}

/* The list is the administrator's word about this one service, so it binds root as well. A network with a name of its
 * own joins the one that exists by that name, external or not: both are held against the list. */
void
check_network(struct check *c, const json_t *network)
{
	const json_t *word = json_object_get(network, "external");
	auto_free char *name = model_real_name(c->policy->project, c->name, network);
	bool external = !json_is_unset(word);
	const struct policy_other *maker = external ? private_to(c->policy, name) : maker_of(c->policy, name);

	if (external && !json_is_true(word))
		check_fail(
		    c, ".external", "write external: true, and the name as name", "external must be true or false");
	else if (!c->policy->root && !judge_network_name(c, name))
		return;
	else if ((external || !model_name_is_ours(c->policy->project, name, "_")) && !is_listed(c->policy, name))
		check_fail(c, ".name", "use one of the networks that the configuration of pgod lists for this service",
		    "the network %.200s is not one that this service may use", name);
	else if (maker != NULL)
		check_fail(c, ".name",
		    external ? "ask the administrator to list it in networks, or share a network with a name of its own"
			     : "add external: true, or choose another name",
		    "the network %.200s belongs to the service %s", name, maker->name);
}

/* The engine's own bridge is one network for all that use it. */
void
check_network_mode(struct check *c, const json_t *value)
{
	const char *mode = json_string_value(value);

	if (mode == NULL)
		check_fail(c, NULL, c->row->advice, "network_mode must be a word");
	else if (check_word("bridge|default", mode) && !is_listed(c->policy, "bridge") &&
		 !check_allowed(c, "network_mode", mode))
		check_fail(c, NULL, c->row->advice, "the network bridge is not one that this service may use");
	else if (!check_word("none|bridge|default|service:*", mode) && !check_allowed(c, "network_mode", mode))
		check_fail(c, NULL, c->row->advice, "network_mode: %.200s is not allowed", mode);
}

/* An address on a network of others may be the one that the proxy or a neighbour has, or will have after its restart.
 */
void
check_endpoint(struct check *c, const json_t *endpoint)
{
	static const char *const keys[] = {"ipv4_address", "ipv6_address", "link_local_ips", "mac_address"};

	if (c->policy->root || !check_is_shared(c, c->name))
		return;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const json_t *value = json_object_get(endpoint, keys[i]);
		auto_free char *at = str_printf(".%s", keys[i]);

		if (!json_is_unset(value) && !check_allowed(c, "networks.address", json_string_value(value)))
			check_fail(c, at, "remove the key; the engine gives addresses",
			    "an address of one's own choice on a network that others share is not allowed");
	}
}

/* On the container: the engine uses it for the first of its networks. */
void
check_mac_address(struct check *c, const json_t *service)
{
	const json_t *address = json_object_get(service, "mac_address");
	const char *network;
	json_t *endpoint;

	if (c->policy->root || json_is_unset(address) ||
	    check_allowed(c, "networks.address", json_string_value(address)))
		return;
	json_object_foreach(json_object_get(service, "networks"), network, endpoint)
	{
		if (!check_is_shared(c, network))
			continue;
		check_fail(c, ".mac_address", "remove the key; the engine gives addresses",
		    "an address of one's own choice on a network that others share is not allowed");
		return;
	}
}

/* `web` with a volume x_data and `web_x` with data: compose would call both web_x_data. */
static const struct policy_other *
owner_of_volume(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->nothers; i++) {
		const char *other = p->others[i].name;

		if (strlen(other) > strlen(p->project) && model_name_is_ours(other, name, "_"))
			return &p->others[i];
	}
	return NULL;
}

void
check_volume(struct check *c, const json_t *volume)
{
	auto_free char *name = model_real_name(c->policy->project, c->name, volume);
	const struct policy_other *owner = owner_of_volume(c->policy, name);

	if (c->policy->root || check_allowed(c, "volumes.name", name))
		return;
	if (!json_is_unset(json_object_get(volume, "external")))
		check_fail(c, ".external", "remove external and name", "external volumes are not allowed");
	else if (!model_name_is_ours(c->policy->project, name, "_"))
		check_fail(c, ".name", "remove the key", "the volume %.200s may belong to another service", name);
	else if (owner != NULL)
		check_fail(c, ".name", "call this volume otherwise", "the volume %.200s belongs to the service %s",
		    name, owner->name);
}

/* Of a config or secret. */
void
check_file_name(struct check *c, const json_t *value)
{
	const char *name = json_string_value(value);

	if (name == NULL || !model_name_is_ours(c->policy->project, name, "_"))
		check_fail(c, NULL, "remove the key", "the name %.200s may belong to another service",
		    name == NULL ? "this" : name);
}
