/* The rows of the table that need more than a word: capabilities, labels, kernel parameters, ports. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "compose/json.h"
#include "compose/policy_table.h"

void
check_project(struct check *c, const json_t *value)
{
	if (!str_eq(json_string_value(value) == NULL ? "" : json_string_value(value), c->policy->project))
		check_fail(c, NULL, "remove the key", "the project is called %s and nothing else", c->policy->project);
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
	for (size_t i = 0; i < ARRAY_LEN(default_caps); i++) {
		if (str_eq(cap, default_caps[i]))
			return true;
	}
	return false;
}

/* In capitals and without CAP_, as compose and the engine understand them; the caller frees. */
static char *
plain_cap(const char *cap)
{
	char *plain = str_dup(strncasecmp(cap, "CAP_", 4) == 0 ? cap + 4 : cap);

	for (char *p = plain; *p != '\0'; p++) {
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	}
	return plain;
}

static void
one_cap(struct check *c, const char *at, const char *cap)
{
	auto_free char *plain = plain_cap(cap);

	if (!is_default_cap(plain) && !check_allowed(c, "cap_add", plain))
		check_fail(c, at, "remove it", "the capability %.200s is not allowed", cap);
}

void
check_cap_add(struct check *c, const json_t *value)
{
	check_words(c, value, one_cap);
}

static void
one_security_opt(struct check *c, const char *at, const char *opt)
{
	if (!check_word("no-new-privileges|no-new-privileges:true|no-new-privileges=true|apparmor:docker-default|"
			"apparmor=docker-default",
		opt) &&
	    !check_allowed(c, "security_opt", opt))
		check_fail(c, at, "only no-new-privileges:true is allowed", "the option %.200s is not allowed", opt);
}

void
check_security_opt(struct check *c, const json_t *value)
{
	check_words(c, value, one_security_opt);
}

static bool
is_service(const struct check *c, const char *name, size_t len)
{
	auto_free char *service = str_printf("%.*s", (int)len, name);

	return json_object_get(json_object_get(c->model, "services"), service) != NULL;
}

/* "container:x" is a container of the engine to compose, also when this file has a service called container. */
static void
one_volumes_from(struct check *c, const char *at, const char *from)
{
	bool own = !str_starts(from, "container:") && is_service(c, from, strcspn(from, ":"));

	if (!own && !check_allowed(c, "volumes_from", from))
		check_fail(c, at, "name a service of this file", "the volumes of another container are not allowed");
}

void
check_volumes_from(struct check *c, const json_t *value)
{
	check_words(c, value, one_volumes_from);
}

static void
one_link(struct check *c, const char *at, const char *link)
{
	if (!is_service(c, link, strcspn(link, ":")))
		check_fail(c, at, "name a service of this file", "%.200s is not a service of this file", link);
}

void
check_links(struct check *c, const json_t *value)
{
	check_words(c, value, one_link);
}

/* Labels by which the well-known reverse proxies and job runners take orders from containers: a repository that writes
 * them takes any host name to itself, or has commands run in a container of others. A word that ends in . or _ is a
 * prefix, another one is the label itself or what follows it behind a dot or an underscore. */
static const char *const steering_labels[] = {"traefik", "caddy", "com.github.nginx-proxy.", "com.github.jrcs.",
    "com.github.nginx_proxy.", "swag", "easyhaproxy", "haproxy", "com.df.", "proxy", "tsdproxy", "docktail", "sozu",
    "com.docker.lb.", "interlock", "bunkerweb", "cloudflare.tunnel", "dockflare", "pangolin", "npm",
    "coredns.dockerdiscovery", "dnsdock", "com.dnsdock", "joyride", "ofelia", "chadburn", "swarm.cronjob"};

static bool
is_steering(const char *label)
{
	for (size_t i = 0; i < ARRAY_LEN(steering_labels); i++) {
		size_t len = strlen(steering_labels[i]);
		char end = steering_labels[i][len - 1];

		if (strncasecmp(label, steering_labels[i], len) != 0)
			continue;
		if (end == '.' || label[len] == '\0' || label[len] == '.' || label[len] == '_' || label[len] == '=')
			return true;
	}
	return false;
}

/* Labels of compose's own name which containers belong to which service, and those of pgo what they were made from: no
 * repository speaks for another, whoever it runs as. */
void
check_label(struct check *c, const char *at, const char *label, bool project_too)
{
	if (project_too && check_word("com.docker.compose.*|com.docker.stack.*|com.docker.swarm.*", label))
		check_fail(c, at, "remove the label", "labels of compose itself are not allowed");
	else if (check_word("pgo|pgo.*|pgo=*", label))
		check_fail(c, at, "remove the label", "the label %.200s is one that pgo itself uses", label);
	else if (!c->policy->root && is_steering(label) && !check_allowed(c, "labels", label))
		check_fail(c, at, "remove the label; the administrator routes host names with urls in pgo.toml",
		    "the label %.200s gives orders to a proxy or job runner of the host and is not allowed", label);
}

static void
one_label(struct check *c, const char *at, const char *label)
{
	auto_free char *name = str_printf("%.*s", (int)strcspn(label, "="), label);

	check_label(c, at, name, true);
}

void
check_labels(struct check *c, const json_t *value)
{
	check_words(c, value, one_label);
}

/* nginx-proxy and its companions take their orders from the environment. */
void
check_variable(struct check *c, const char *at, const char *variable)
{
	auto_free char *name = str_printf("%.*s", (int)strcspn(variable, "="), variable);

	if (check_word("VIRTUAL_HOST|VIRTUAL_HOST_MULTIPORTS|LETSENCRYPT_HOST|ACME_HOST", name) &&
	    !check_allowed(c, "environment", name))
		check_fail(c, at, "remove the variable; the administrator routes host names with urls in pgo.toml",
		    "the variable %.200s gives orders to a proxy of the host and is not allowed", name);
}

void
check_environment(struct check *c, const json_t *value)
{
	check_words(c, value, check_variable);
}

void
check_not_negative(struct check *c, const json_t *value)
{
	if (check_allowed(c, c->row->allow, NULL))
		return;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		check_fail(c, NULL, "remove the key or use a number from 0", "%s must not be negative", c->row->name);
}

/* What the kernel keeps for each network and each IPC namespace; anything else is the host's. */
static void
one_sysctl(struct check *c, const char *at, const char *sysctl)
{
	auto_free char *name = str_printf("%.*s", (int)strcspn(sysctl, "="), sysctl);
	bool own = check_word("net.*|fs.mqueue.*|kernel.msgmax|kernel.msgmnb|kernel.msgmni|kernel.sem|kernel.shmall|"
			      "kernel.shmmax|kernel.shmmni|kernel.shm_rmid_forced|kernel.domainname",
	    name);

	if ((!own || strstr(name, "..") != NULL || strchr(name, '/') != NULL) && !check_allowed(c, "sysctls", name))
		check_fail(c, at, "remove it, or ask the administrator to set it on the host",
		    "the kernel parameter %.200s is not a container's own", name);
}

void
check_sysctls(struct check *c, const json_t *value)
{
	check_words(c, value, one_sysctl);
}

/* With rtprio or nice a process can take the processors from everybody; the rest limits nobody else. */
static void
one_ulimit(struct check *c, const char *at, const char *name)
{
	if (!check_word("core|cpu|data|fsize|locks|memlock|msgqueue|nofile|nproc|rss|rttime|sigpending|stack", name) &&
	    !check_allowed(c, "ulimits", name))
		check_fail(c, at, "remove it", "the limit %.200s is not allowed", name);
}

/* A number, or {soft, hard}. */
static bool
is_ulimit(const json_t *value)
{
	const char *key;
	json_t *child;

	json_object_foreach((json_t *)value, key, child)
	{
		if (!check_word("soft|hard|x-*", key))
			return false;
	}
	return json_is_object(value) || json_is_integer(value) || json_is_string(value);
}

void
check_ulimits(struct check *c, const json_t *value)
{
	const char *key;
	json_t *child;

	check_words(c, value, one_ulimit);
	json_object_foreach((json_t *)value, key, child)
	{
		auto_free char *at = str_printf(".%s", key);

		if (!is_ulimit(child))
			check_fail(c, at, "write a number, or soft and hard", "this limit is not understood");
	}
}

/* The engine looks these up as root and tells whether they exist. */
void
check_device_path(struct check *c, const json_t *value)
{
	const char *path = json_string_value(value);

	if (path == NULL || !str_starts(path, "/dev/") || strstr(path, "..") != NULL)
		check_fail(c, NULL, "write the path of a block device (/dev/...)", "%.200s is not a device",
		    path == NULL ? "this" : path);
}

/* Ports may be a number, a word, or "8000-8010"; without one the engine chooses. */
static bool
read_published(const json_t *published, int64_t *ret_first, int64_t *ret_last)
{
	auto_free char *text = json_is_string(published) ? str_dup(json_string_value(published)) : NULL;
	char *dash = text == NULL ? NULL : strchr(text, '-');

	if (json_is_integer(published)) {
		*ret_first = *ret_last = json_integer_value(published);
		return true;
	}
	if (dash != NULL)
		*dash++ = '\0';
	if (text == NULL || !str_to_int(text, 1, UINT16_MAX, ret_first))
		return false;
	*ret_last = *ret_first;
	return dash == NULL || str_to_int(dash, *ret_first, UINT16_MAX, ret_last);
}

void
check_port(struct check *c, const json_t *port)
{
	const json_t *published = json_object_get(port, "published");
	const char *protocol = json_str(port, "protocol");
	auto_free char *text = NULL;
	int64_t first = 0, last = 0;

	if (c->policy->root)
		return;
	if (read_published(published, &first, &last))
		text = first == last ? str_printf("%lld", (long long)first)
				     : str_printf("%lld to %lld", (long long)first, (long long)last);
	if (text == NULL)
		check_fail(c, NULL, "write the port of the host that the administrator has granted (\"5005:80\")",
		    "publishing a port of the engine's choice on the host is not allowed");
	else if (!check_allowed_ports(c, first, last, protocol == NULL ? "tcp" : protocol))
		check_fail(c, NULL,
		    "use expose and a network that the reverse proxy shares, or ask the administrator for ports in pgo.toml",
		    "publishing port %s on the host is not allowed", text);
}
