/* The rows of the table that need more than a word: names, capabilities, networks, volumes. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "compose/json.h"
#include "compose/policy_table.h"

/* True for "<project><sep>…". */
static bool
is_ours(const struct check *c, const char *name, const char *seps)
{
	size_t len = strlen(c->policy->project);

	return strncmp(name, c->policy->project, len) == 0 && name[len] != '\0' && strchr(seps, name[len]) != NULL &&
	       name[len + 1] != '\0';
}

void
check_project(struct check *c, const json_t *value)
{
	if (!str_eq(json_string_value(value) == NULL ? "" : json_string_value(value), c->policy->project))
		check_fail(c, NULL, "remove the key", "the project is called %s and nothing else", c->policy->project);
}

/* The engine knows one container of a name: a free choice takes the names of other services. */
void
check_container_name(struct check *c, const json_t *value)
{
	const char *name = json_string_value(value);
	auto_free char *advice = str_printf("remove the key or begin the name with %s-", c->policy->project);

	if (name == NULL || !(str_eq(name, c->policy->project) || is_ours(c, name, "-_")))
		check_fail(c, NULL, advice, "container_name: %.200s may belong to another service",
		    name == NULL ? "this" : name);
}

/* What a container of the engine has anyway; after cap_drop: [ALL] people give single ones of them back. */
static const char *const default_caps[] = {
    "CHOWN",
    "DAC_OVERRIDE",
    "FSETID",
    "FOWNER",
    "MKNOD",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SETFCAP",
    "SETPCAP",
    "NET_BIND_SERVICE",
    "SYS_CHROOT",
    "KILL",
    "AUDIT_WRITE",
};

static bool
is_default_cap(const char *cap)
{
	if (strncasecmp(cap, "CAP_", 4) == 0)
		cap += 4;
	for (size_t i = 0; i < ARRAY_LEN(default_caps); i++) {
		if (strcasecmp(cap, default_caps[i]) == 0)
			return true;
	}
	return false;
}

/* Calls one for each string of a list; what is no list of strings is a violation. */
static void
each_string(struct check *c, const json_t *list, void (*one)(struct check *c, const char *at, const char *s))
{
	const char *name = c->row->name;
	json_t *value;
	size_t i;

	if (!json_is_array(list)) {
		check_fail(c, NULL, NULL, "%s must be a list", name);
		return;
	}
	json_array_foreach(list, i, value)
	{
		auto_free char *at = str_printf("[%zu]", i);

		if (json_is_string(value))
			one(c, at, json_string_value(value));
		else
			check_fail(c, at, NULL, "%s must be a list of words", name);
	}
}

static void
one_cap(struct check *c, const char *at, const char *cap)
{
	if (!is_default_cap(cap))
		check_fail(c, at, "remove it", "the capability %.200s is not allowed", cap);
}

void
check_cap_add(struct check *c, const json_t *value)
{
	each_string(c, value, one_cap);
}

static void
one_security_opt(struct check *c, const char *at, const char *opt)
{
	if (!check_word("no-new-privileges|no-new-privileges:true|no-new-privileges=true|apparmor:docker-default|"
			"apparmor=docker-default",
		opt))
		check_fail(c, at, "only no-new-privileges:true is allowed", "the option %.200s is not allowed", opt);
}

void
check_security_opt(struct check *c, const json_t *value)
{
	each_string(c, value, one_security_opt);
}

static void
one_volumes_from(struct check *c, const char *at, const char *from)
{
	if (str_starts(from, "container:"))
		check_fail(c, at, "name a service of this file", "the volumes of another container are not allowed");
}

void
check_volumes_from(struct check *c, const json_t *value)
{
	each_string(c, value, one_volumes_from);
}

static void
one_label(struct check *c, const char *label)
{
	auto_free char *at = str_printf(".%s", label);

	if (str_starts(label, "com.docker.compose."))
		check_fail(c, at, "remove the label", "labels of compose itself are not allowed");
}

/* A mapping as compose prints it, or a list of "key=value". */
void
check_labels(struct check *c, const json_t *value)
{
	const char *key;
	json_t *child;
	size_t i;

	if (!json_is_object(value) && !json_is_array(value))
		check_fail(c, NULL, NULL, "labels must be a mapping");
	json_object_foreach((json_t *)value, key, child) one_label(c, key);
	json_array_foreach(value, i, child)
	    one_label(c, json_is_string(child) ? json_string_value(child) : "com.docker.compose.");
}

void
check_not_negative(struct check *c, const json_t *value)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		check_fail(c, NULL, "remove the key or use a number from 0", "%s must not be negative", c->row->name);
}

void
check_port(struct check *c, const json_t *port)
{
	const char *published = json_str(port, "published");

	if (c->policy->root)
		return;
	check_fail(c, NULL, "use expose and a network that the reverse proxy shares",
	    "publishing %s%.100s on the host is not allowed", published == NULL ? "a port" : "port ",
	    published == NULL ? "" : published);
}

/* The bridge's options that stay inside of it: its interface's name, for one, may be another network's. */
void
check_net_options(struct check *c, const json_t *value)
{
	const char *key;
	json_t *child;

	if (!json_is_object(value))
		check_fail(c, NULL, NULL, "driver_opts must be a mapping");
	json_object_foreach((json_t *)value, key, child)
	{
		auto_free char *at = str_printf(".%s", key);

		if (!check_word(
			"com.docker.network.driver.mtu|com.docker.network.bridge.enable_icc|"
			"com.docker.network.bridge.enable_ip_masquerade|com.docker.network.container_iface_prefix|"
			"com.docker.network.container_interface_prefix|encrypted",
			key))
			check_fail(c, at, "remove the option", "the network option %.200s is not allowed", key);
	}
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

void
check_subnet(struct check *c, const json_t *value)
{
	const char *subnet = json_string_value(value);

	if (subnet == NULL || !is_private_subnet(subnet))
		check_fail(c, NULL, c->row->advice, "the subnet %.100s is not private", subnet == NULL ? "" : subnet);
}

/* Under which name the engine will know it; the caller frees. */
static char *
real_name(const struct check *c, const json_t *obj)
{
	const char *name = json_str(obj, "name");

	if (name != NULL && name[0] != '\0')
		return json_undollar(name);
	if (!json_is_unset(json_object_get(obj, "external")))
		return json_undollar(c->name);
	return str_printf("%s_%s", c->policy->project, c->name);
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

/* The list is the administrator's word about this one service, so it binds root as well. A network with a name of its
 * own joins the one that exists by that name, external or not: both are held against the list. */
void
check_network(struct check *c, const json_t *network)
{
	auto_free char *name = real_name(c, network);
	bool external = !json_is_unset(json_object_get(network, "external"));

	if (!c->policy->root && str_eq(name, "host"))
		check_fail(c, ".name", "use another network", "the network of the host is not allowed");
	else if (!c->policy->root && is_hex_id(name))
		check_fail(c, ".name", "use the network's name", "a network's ID in place of its name is not allowed");
	else if ((external || !is_ours(c, name, "_")) && !is_listed(c->policy, name))
		check_fail(c, ".name", "use one of the networks that the configuration of pgod lists for this service",
		    "the network %.200s is not one that this service may use", name);
}

void
check_volume(struct check *c, const json_t *volume)
{
	auto_free char *name = real_name(c, volume);

	if (c->policy->root)
		return;
	if (!json_is_unset(json_object_get(volume, "external")))
		check_fail(c, ".external", "remove external and name", "external volumes are not allowed");
	else if (!is_ours(c, name, "_"))
		check_fail(c, ".name", "remove the key", "the volume %.200s may belong to another service", name);
}

static bool
names_host_file(const char *value)
{
	return value[0] == '/' || strstr(value, "unix") != NULL || strstr(value, "file:") != NULL;
}

/* These drivers keep their logs to themselves. Others are told, by the engine as root, which files and sockets of the
 * host to use. */
void
check_logging(struct check *c, const json_t *logging)
{
	const char *driver = json_str(logging, "driver");
	const char *key;
	json_t *value;

	if (c->policy->root || driver == NULL || check_word("|json-file|local|journald|none", driver))
		return;
	json_object_foreach(json_object_get(logging, "options"), key, value)
	{
		auto_free char *at = str_printf(".options.%s", key);

		if (json_is_string(value) && names_host_file(json_string_value(value)))
			check_fail(c, at, "use a network address, or the driver json-file, local or journald",
			    "a file or socket of the host is not allowed");
	}
}
