#include "ipc/allow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/str.h"

/* clang-format off */
const struct allow_key allow_table[] = {
	{"privileged",           ALLOW_ALONE, "privileged"},
	{"network_mode",         ALLOW_WORD,  "network_mode:host"},
	{"ipc",                  ALLOW_WORD,  "ipc:host"},
	{"pid",                  ALLOW_WORD,  "pid:host"},
	{"uts",                  ALLOW_WORD,  "uts:host"},
	{"userns_mode",          ALLOW_WORD,  "userns_mode:host"},
	{"cgroup",               ALLOW_WORD,  "cgroup:host"},
	{"cgroup_parent",        ALLOW_WORD,  "cgroup_parent:/limited"},
	{"cap_add",              ALLOW_CAP,   "cap_add:NET_ADMIN"},
	{"security_opt",         ALLOW_WORD,  "security_opt:seccomp:unconfined"},
	{"devices",              ALLOW_WORD,  "devices:/dev/ttyUSB0"},
	{"device_cgroup_rules",  ALLOW_WORD,  "device_cgroup_rules:c 188:* rw"},
	{"gpus",                 ALLOW_ALONE, "gpus"},
	{"runtime",              ALLOW_WORD,  "runtime:runsc"},
	{"sysctls",              ALLOW_WORD,  "sysctls:vm.max_map_count"},
	{"ulimits",              ALLOW_WORD,  "ulimits:rtprio"},
	{"oom_score_adj",        ALLOW_ALONE, "oom_score_adj"},
	{"oom_kill_disable",     ALLOW_ALONE, "oom_kill_disable"},
	{"cpu_rt",               ALLOW_ALONE, "cpu_rt"},
	{"storage_opt",          ALLOW_WORD,  "storage_opt:size"},
	{"annotations",          ALLOW_WORD,  "annotations:org.example.*"},
	{"labels",               ALLOW_WORD,  "labels:traefik.*"},
	{"environment",          ALLOW_WORD,  "environment:VIRTUAL_HOST"},
	{"image",                ALLOW_WORD,  "image:other-web"},
	{"logging",              ALLOW_WORD,  "logging:syslog"},
	{"ports",                ALLOW_PORT,  "ports:8080"},
	{"volumes",              ALLOW_PATH,  "volumes:/srv/media"},
	{"volumes.propagation",  ALLOW_WORD,  "volumes.propagation:rshared"},
	{"volumes.name",         ALLOW_WORD,  "volumes.name:shared_media"},
	{"volumes.driver",       ALLOW_WORD,  "volumes.driver:rclone"},
	{"volumes.driver_opts",  ALLOW_WORD,  "volumes.driver_opts:type=nfs"},
	{"volumes_from",         ALLOW_WORD,  "volumes_from:container:backup"},
	{"external_links",       ALLOW_WORD,  "external_links:ldap"},
	{"networks.driver",      ALLOW_WORD,  "networks.driver:macvlan"},
	{"networks.driver_opts", ALLOW_WORD,  "networks.driver_opts:parent=eth0.5"},
	{"networks.subnet",      ALLOW_WORD,  "networks.subnet:203.0.113.0/29"},
	{"networks.address",     ALLOW_WORD,  "networks.address:172.20.0.5"},
	{"build.context",        ALLOW_WORD,  "build.context:https://git.example.org/base.git*"},
	{"build.network",        ALLOW_WORD,  "build.network:host"},
	{"build.privileged",     ALLOW_ALONE, "build.privileged"},
	{"build.entitlements",   ALLOW_WORD,  "build.entitlements:network.host"},
	{"hooks.privileged",     ALLOW_ALONE, "hooks.privileged"},
};
/* clang-format on */
const size_t allow_table_n = ARRAY_LEN(allow_table);

const char *
allow_value(const char *entry, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(entry, key, len) != 0)
		return NULL;
	if (entry[len] == '\0')
		return entry + len;
	return entry[len] == ':' && entry[len + 1] != '\0' ? entry + len + 1 : NULL;
}

bool
allow_ports_parse(const char *text, struct allow_ports *ret)
{
	auto_free char *copy = str_dup(text);
	char *slash = strchr(copy, '/'), *dash = strchr(copy, '-');
	int64_t first = 0, last = 0;

	if (slash != NULL) {
		*slash++ = '\0';
		if (!str_eq(slash, "tcp") && !str_eq(slash, "udp") && !str_eq(slash, "sctp"))
			return false;
	}
	if (dash != NULL)
		*dash++ = '\0';
	if (!str_to_int(copy, 1, ALLOW_PORT_MAX, &first))
		return false;
	last = first;
	if (dash != NULL && !str_to_int(dash, first, ALLOW_PORT_MAX, &last))
		return false;
	*ret = (struct allow_ports){.first = (int)first, .last = (int)last};
	snprintf(ret->protocol, sizeof(ret->protocol), "%s", slash == NULL ? "" : slash);
	return true;
}

static bool
is_path(const char *value)
{
	auto_free char *path = str_dup(value);

	if (str_ends(path, ":ro"))
		path[strlen(path) - 3] = '\0';
	return path_is_clean(path) && strchr(path, ':') == NULL;
}

static bool
has_form(const struct allow_key *k, const char *value)
{
	struct allow_ports ports;

	switch (k->form) {
	case ALLOW_ALONE:
		return value[0] == '\0';
	case ALLOW_WORD:
		return value[0] != '\0';
	case ALLOW_CAP:
		return value[0] != '\0' && strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == strlen(value) &&
		       !str_starts(value, "CAP_");
	case ALLOW_PATH:
		return is_path(value);
	case ALLOW_PORT:
		return allow_ports_parse(value, &ports);
	}
	return false;
}

int
allow_check(const char *entry, struct err *err)
{
	if (strlen(entry) > ALLOW_ENTRY_MAX)
		return err_set(err, EINVAL, "has %zu bytes: %d are allowed", strlen(entry), ALLOW_ENTRY_MAX);
	for (const char *p = entry; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return err_set(err, EINVAL, "has a control character: write it without");
	}
	for (size_t i = 0; i < allow_table_n; i++) {
		const struct allow_key *k = &allow_table[i];
		const char *value = allow_value(entry, k->key);

		if (value == NULL)
			continue;
		if (has_form(k, value))
			return 0;
		return err_set(err, EINVAL, "is not of the form that %s has: write it like \"%s\"", k->key, k->example);
	}
	return err_set(err, EINVAL,
	    "names nothing that can be allowed: write it like \"cap_add:NET_ADMIN\"; pgo.toml(5) has the list");
}
