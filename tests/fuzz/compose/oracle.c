#include "oracle.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum place { MODEL, SERVICE, BUILD, ENDPOINT, NETWORK, VOLUME, FILES };

enum how {
	ANY,	 /* it says something */
	SAME,	 /* it is this word */
	BEGINS,	 /* it begins like the sample up to `n` bytes */
	HAS,	 /* the list or mapping has the sample */
	ORDERS,	 /* an entry of the list is privileged */
	BELOW_0, /* a number below zero */
	MOUNTS,	 /* an entry of the list is a mount of the sample's kind */
};

struct leaf {
	enum place place;
	const char *path;   /* keys with / between them; [] at the end: an entry of a list */
	const char *sample; /* JSON; @ stands for the live tree */
	enum how how;
	size_t n;
};

#define ID "ababababababababababababababababababababababababababababababab12"
#define BIND(source) "{\"type\":\"bind\",\"source\":\"" source "\",\"target\":\"/x\"}"

/* clang-format off */
static const struct leaf leaves[] = {
	{SERVICE, "privileged", "true", ANY, 0},
	{SERVICE, "privileged", "1", ANY, 0},
	{SERVICE, "privileged", "\"yes\"", ANY, 0},
	{SERVICE, "network_mode", "\"host\"", SAME, 0},
	{SERVICE, "network_mode", "\"container:x\"", BEGINS, 10},
	{SERVICE, "network_mode", "\"caddy_default\"", SAME, 0},
	{SERVICE, "ipc", "\"host\"", SAME, 0},
	{SERVICE, "ipc", "\"container:x\"", BEGINS, 10},
	{SERVICE, "pid", "\"host\"", SAME, 0},
	{SERVICE, "pid", "\"container:x\"", BEGINS, 10},
	{SERVICE, "uts", "\"host\"", SAME, 0},
	{SERVICE, "userns_mode", "\"host\"", SAME, 0},
	{SERVICE, "cgroup", "\"host\"", SAME, 0},
	{SERVICE, "cgroup_parent", "\"/system.slice\"", ANY, 0},
	{SERVICE, "devices[]", "{\"source\":\"/dev/sda\",\"target\":\"/dev/sda\",\"permissions\":\"rwm\"}", ANY, 0},
	{SERVICE, "devices[]", "\"/dev/mem\"", ANY, 0},
	{SERVICE, "device_cgroup_rules[]", "\"a *:* rwm\"", ANY, 0},
	{SERVICE, "gpus", "\"all\"", ANY, 0},
	{SERVICE, "runtime", "\"nvidia\"", SAME, 0},
	{SERVICE, "cap_add[]", "\"ALL\"", HAS, 0},
	{SERVICE, "cap_add[]", "\"SYS_ADMIN\"", HAS, 0},
	{SERVICE, "cap_add[]", "\"cap_sys_ptrace\"", HAS, 0},
	{SERVICE, "cap_add[]", "\"CAP_NET_ADMIN\"", HAS, 0},
	{SERVICE, "cap_add[]", "\"DAC_READ_SEARCH\"", HAS, 0},
	{SERVICE, "cap_add[]", "\"SYS_MODULE\"", HAS, 0},
	{SERVICE, "cap_add[]", "\"BPF\"", HAS, 0},
	{SERVICE, "security_opt[]", "\"seccomp:unconfined\"", HAS, 0},
	{SERVICE, "security_opt[]", "\"seccomp=unconfined\"", HAS, 0},
	{SERVICE, "security_opt[]", "\"apparmor:unconfined\"", HAS, 0},
	{SERVICE, "security_opt[]", "\"label:disable\"", HAS, 0},
	{SERVICE, "security_opt[]", "\"systempaths=unconfined\"", HAS, 0},
	{SERVICE, "sysctls", "{\"kernel.core_pattern\":\"|/x\"}", HAS, 0},
	{SERVICE, "sysctls", "{\"vm.overcommit_memory\":\"1\"}", HAS, 0},
	{SERVICE, "ulimits/rtprio", "99", ANY, 0},
	{SERVICE, "ulimits/nice", "{\"soft\":40,\"hard\":40}", ANY, 0},
	{SERVICE, "storage_opt/size", "\"1G\"", ANY, 0},
	{SERVICE, "annotations/run.oci.hooks", "\"x\"", ANY, 0},
	{SERVICE, "credential_spec/file", "\"x\"", ANY, 0},
	{SERVICE, "oom_score_adj", "-1000", BELOW_0, 0},
	{SERVICE, "oom_kill_disable", "true", ANY, 0},
	{SERVICE, "cpu_rt_runtime", "950000", ANY, 0},
	{SERVICE, "cpu_rt_period", "1000000", ANY, 0},
	{SERVICE, "deploy/mode", "\"global-job\"", SAME, 0},
	{SERVICE, "deploy/endpoint_mode", "\"x\"", SAME, 0},
	{SERVICE, "external_links[]", "\"caddy-caddy-1\"", ANY, 0},
	{SERVICE, "links[]", "\"no-service-of-this-file\"", HAS, 0},
	{SERVICE, "volumes_from[]", "\"container:x\"", HAS, 0},
	{SERVICE, "volumes_from[]", "\"container:x:ro\"", HAS, 0},
	{SERVICE, "use_api_socket", "true", ANY, 0},
	{SERVICE, "provider", "{\"type\":\"x\"}", ANY, 0},
	{SERVICE, "models", "[\"x\"]", ANY, 0},
	{SERVICE, "extends", "{\"service\":\"x\"}", ANY, 0},
	{SERVICE, "env_file", "[\"/etc/shadow\"]", ANY, 0},
	{SERVICE, "label_file", "[\"/etc/shadow\"]", ANY, 0},
	{SERVICE, "a_key_of_the_future", "true", ANY, 0},
	{SERVICE, "ports[]", "{\"target\":80,\"published\":\"80\",\"protocol\":\"tcp\"}", ANY, 0},
	{SERVICE, "ports[]", "{\"target\":80}", ANY, 0},
	{SERVICE, "ports[]", "\"80:80\"", ANY, 0},
	{SERVICE, "labels/com.docker.compose.project", "\"caddy\"", ANY, 0},
	{SERVICE, "labels/pgo.inputs", "\"x\"", ANY, 0},
	{SERVICE, "labels/traefik.enable", "\"true\"", ANY, 0},
	{SERVICE, "labels/caddy", "\"example.org\"", ANY, 0},
	{SERVICE, "environment/VIRTUAL_HOST", "\"example.org\"", ANY, 0},
	{SERVICE, "post_start[]", "{\"command\":[\"x\"],\"privileged\":true}", ORDERS, 0},
	{SERVICE, "pre_stop[]", "{\"command\":[\"x\"],\"privileged\":true}", ORDERS, 0},
	{SERVICE, "logging/driver", "\"syslog\"", SAME, 0},
	{SERVICE, "logging/driver", "\"awslogs\"", SAME, 0},
	{SERVICE, "logging/options/tag", "\"{{pad \\\"x\\\" 1000000000000 0}}\"", SAME, 0},
	{SERVICE, "logging/options/max-file", "\"2000000000\"", SAME, 0},
	{SERVICE, "logging/options/max-buffer-size", "\"10t\"", SAME, 0},
	{SERVICE, "logging/options/syslog-tls-ca-cert", "\"/etc/shadow\"", ANY, 0},
	{SERVICE, "deploy/resources/reservations/devices[]", "{\"capabilities\":[\"gpu\"]}", ANY, 0},
	{SERVICE, "deploy/labels/com.docker.compose.project", "\"caddy\"", ANY, 0},
	{SERVICE, "deploy/a_key_of_the_future", "\"x\"", ANY, 0},
	{SERVICE, "deploy/placement/a_key_of_the_future", "\"x\"", ANY, 0},
	{SERVICE, "healthcheck/a_key_of_the_future", "\"x\"", ANY, 0},
	{SERVICE, "container_name", "\"caddy\"", SAME, 0},
	{SERVICE, "blkio_config/device_read_bps[]", "{\"path\":\"/etc/shadow\",\"rate\":\"1\"}", HAS, 0},
	{SERVICE, "blkio_config/weight_device[]", "{\"path\":\"/etc/shadow\",\"rate\":\"1\"}", HAS, 0},
	{SERVICE, "blkio_config/device_read_iops[]", "{\"path\":\"/etc/shadow\",\"rate\":\"1\"}", HAS, 0},
	{SERVICE, "blkio_config/device_write_bps[]", "{\"path\":\"/etc/shadow\",\"rate\":\"1\"}", HAS, 0},
	{SERVICE, "blkio_config/device_write_iops[]", "{\"path\":\"/etc/shadow\",\"rate\":\"1\"}", HAS, 0},
	{SERVICE, "volumes[]", BIND("/"), MOUNTS, 0},
	{SERVICE, "volumes[]", BIND("/var/run/docker.sock"), MOUNTS, 0},
	{SERVICE, "volumes[]", BIND("@/../other"), MOUNTS, 0},
	{SERVICE, "volumes[]", BIND("@x"), MOUNTS, 0},
	{SERVICE, "volumes[]", BIND("@/.git"), MOUNTS, 0},
	{SERVICE, "volumes[]", BIND("@/ssh/id.pub"), MOUNTS, 0},
	{SERVICE, "volumes[]", BIND("relative"), MOUNTS, 0},
	{SERVICE, "volumes[]", "{\"type\":\"npipe\",\"source\":\"x\",\"target\":\"/x\"}", MOUNTS, 0},
	{SERVICE, "volumes[]", "{\"type\":\"image\",\"source\":\"x\",\"target\":\"/x\"}", MOUNTS, 0},
	{SERVICE, "volumes[]", "{\"type\":\"volume\",\"source\":\"/etc\",\"target\":\"/x\"}", MOUNTS, 0},
	{SERVICE, "volumes[]", "{\"type\":\"bind\",\"source\":\"@/d\",\"target\":\"/x\",\"bind\":{\"propagation\":\"rshared\"}}", MOUNTS, 0},
	{SERVICE, "volumes[]", "\"/etc:/x\"", MOUNTS, 0},
	{BUILD, "context", "\"https://example.org/x.git\"", SAME, 0},
	{BUILD, "context", "\"/etc\"", SAME, 0},
	{BUILD, "context", "\"@/../other\"", SAME, 0},
	{BUILD, "dockerfile", "\"/etc/Dockerfile\"", SAME, 0},
	{BUILD, "privileged", "true", ANY, 0},
	{BUILD, "entitlements[]", "\"security.insecure\"", ANY, 0},
	{BUILD, "network", "\"host\"", SAME, 0},
	{BUILD, "ssh[]", "\"default\"", ANY, 0},
	{BUILD, "additional_contexts", "{\"x\":\"/etc\"}", HAS, 0},
	{BUILD, "cache_from[]", "\"type=local,src=/etc\"", HAS, 0},
	{BUILD, "cache_to[]", "\"type=registry,type=local,dest=/etc\"", HAS, 0},
	{BUILD, "labels/com.docker.compose.project", "\"caddy\"", ANY, 0},
	{BUILD, "ulimits/rtprio", "99", ANY, 0},
	{ENDPOINT, "driver_opts/com.docker.network.endpoint.sysctls", "\"x\"", ANY, 0},
	{ENDPOINT, "a_key_of_the_future", "1", ANY, 0},
	{NETWORK, "name", "\"host\"", SAME, 0},
	{NETWORK, "name", "\"" ID "\"", SAME, 0},
	{NETWORK, "name", "\"container:x\"", BEGINS, 10},
	{NETWORK, "driver", "\"macvlan\"", SAME, 0},
	{NETWORK, "driver", "\"host\"", SAME, 0},
	{NETWORK, "driver_opts/com.docker.network.bridge.name", "\"docker0\"", ANY, 0},
	{NETWORK, "driver_opts/parent", "\"eth0\"", ANY, 0},
	{NETWORK, "ipam/driver", "\"dhcp\"", SAME, 0},
	{NETWORK, "ipam/options/a", "\"b\"", ANY, 0},
	{NETWORK, "ipam/config[]", "{\"subnet\":\"8.8.8.0/24\"}", HAS, 0},
	{NETWORK, "ipam/config[]", "{\"subnet\":\"10.0.0.0/8\"}", HAS, 0},
	{NETWORK, "labels/com.docker.compose.network", "\"x\"", ANY, 0},
	{VOLUME, "external", "true", ANY, 0},
	{VOLUME, "name", "\"other_data\"", SAME, 0},
	{VOLUME, "driver", "\"vieux/sshfs\"", SAME, 0},
	{VOLUME, "driver_opts/device", "\"/etc\"", ANY, 0},
	{VOLUME, "labels/com.docker.compose.volume", "\"x\"", ANY, 0},
	{FILES, "file", "\"/etc/shadow\"", SAME, 0},
	{FILES, "file", "\"@/../x\"", SAME, 0},
	{FILES, "file", "\"@/.git/config\"", SAME, 0},
	{FILES, "external", "true", ANY, 0},
	{FILES, "environment", "\"HOME\"", ANY, 0},
	{FILES, "name", "\"other_key\"", SAME, 0},
	{FILES, "template_driver", "\"golang\"", ANY, 0},
	{FILES, "driver", "\"x\"", ANY, 0},
	{MODEL, "name", "\"caddy\"", SAME, 0},
	{MODEL, "include", "[\"x\"]", ANY, 0},
	{MODEL, "models/x/model", "\"y\"", ANY, 0},
	{MODEL, "a_section_of_the_future", "{\"x\":1}", ANY, 0},
};
/* clang-format on */

enum { LEAVES = sizeof(leaves) / sizeof(leaves[0]) };

size_t
oracle_size(void)
{
	return LEAVES;
}

const char *
oracle_name(size_t leaf)
{
	static char name[512];

	snprintf(
	    name, sizeof(name), "place %d, %s: %s", (int)leaves[leaf].place, leaves[leaf].path, leaves[leaf].sample);
	return name;
}

/* --- places --- */

struct visit {
	void (*fn)(json_t *obj, void *arg);
	void *arg;
};

static void
each_member(const struct visit *v, json_t *map)
{
	const char *key;
	json_t *value;

	json_object_foreach(map, key, value)
	{
		if (json_is_object(value))
			v->fn(value, v->arg);
	}
}

static void
each_inside(const struct visit *v, json_t *services, const char *what)
{
	const char *key;
	json_t *service;

	json_object_foreach(services, key, service)
	{
		json_t *inside = json_object_get(service, what);

		if (strcmp(what, "networks") == 0)
			each_member(v, inside);
		else if (json_is_object(inside))
			v->fn(inside, v->arg);
	}
}

static void
each_place(json_t *model, enum place place, const struct visit *v)
{
	json_t *services = json_object_get(model, "services");

	switch (place) {
	case MODEL:
		v->fn(model, v->arg);
		break;
	case SERVICE:
		each_member(v, services);
		break;
	case BUILD:
		each_inside(v, services, "build");
		break;
	case ENDPOINT:
		each_inside(v, services, "networks");
		break;
	case NETWORK:
		each_member(v, json_object_get(model, "networks"));
		break;
	case VOLUME:
		each_member(v, json_object_get(model, "volumes"));
		break;
	case FILES:
		each_member(v, json_object_get(model, "configs"));
		each_member(v, json_object_get(model, "secrets"));
		break;
	}
}

static void
count(json_t *obj, void *arg)
{
	(void)obj;
	++*(size_t *)arg;
}

size_t
oracle_places(const json_t *model, size_t leaf)
{
	size_t n = 0;

	each_place((json_t *)model, leaves[leaf].place, &(struct visit){count, &n});
	return n;
}

/* --- planting --- */

static json_t *
sample_of(const struct leaf *l, const struct oracle_dirs *dirs)
{
	char text[4096];
	const char *at = strchr(l->sample, '@');
	json_t *sample;

	if (at == NULL)
		snprintf(text, sizeof(text), "%s", l->sample);
	else
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - l->sample), l->sample, dirs->live, at + 1);
	sample = json_loads(text, JSON_DECODE_ANY, NULL);
	if (sample == NULL)
		abort();
	return sample;
}

/* The value at the path, or NULL; make: what is missing on the way, or is no mapping, is put there. *ret_key is the
 * last key, *ret_list whether an entry of a list is meant. */
static json_t *
walk_path(json_t *obj, const char *path, bool make, char ret_key[128], bool *ret_list)
{
	const char *end;

	for (;; path = end + 1) {
		size_t len = strcspn(path, "/");
		json_t *next;

		end = path + len;
		*ret_list = len > 2 && strncmp(end - 2, "[]", 2) == 0;
		snprintf(ret_key, 128, "%.*s", (int)(*ret_list ? len - 2 : len), path);
		if (*end == '\0')
			return obj;
		next = json_object_get(obj, ret_key);
		if (!json_is_object(next) && make) {
			next = json_object();
			json_object_set_new(obj, ret_key, next);
		}
		if (!json_is_object(next))
			return NULL;
		obj = next;
	}
}

static void
put(json_t *obj, const struct leaf *l, json_t *take_sample)
{
	char key[128];
	bool list;
	json_t *inner = walk_path(obj, l->path, true, key, &list);

	if (!list) {
		json_object_set_new(inner, key, take_sample);
		return;
	}
	if (!json_is_array(json_object_get(inner, key)))
		json_object_set_new(inner, key, json_array());
	json_array_append_new(json_object_get(inner, key), take_sample);
}

struct plant {
	const struct leaf *leaf;
	const struct oracle_dirs *dirs;
	size_t nth;
};

static void
plant_nth(json_t *obj, void *arg)
{
	struct plant *p = arg;

	if (p->nth-- == 0)
		put(obj, p->leaf, sample_of(p->leaf, p->dirs));
}

json_t *
oracle_plant(const json_t *model, size_t leaf, size_t nth, const struct oracle_dirs *dirs)
{
	json_t *copy = json_deep_copy(model);
	struct plant p = {&leaves[leaf], dirs, nth};

	if (copy == NULL)
		abort();
	each_place(copy, leaves[leaf].place, &(struct visit){plant_nth, &p});
	return copy;
}

/* --- finding --- */

static bool
says_something(const json_t *value)
{
	if (value == NULL || json_is_null(value) || json_is_false(value))
		return false;
	if (json_is_string(value))
		return json_string_length(value) > 0;
	if (json_is_array(value))
		return json_array_size(value) > 0;
	return !json_is_object(value) || json_object_size(value) > 0;
}

static bool
has(const json_t *value, const json_t *sample)
{
	const char *key;
	json_t *child;
	size_t i;

	json_array_foreach(value, i, child)
	{
		if (json_equal(child, sample))
			return true;
	}
	if (!json_is_object(sample))
		return false;
	json_object_foreach((json_t *)sample, key, child)
	{
		if (json_object_get(value, key) != NULL && json_equal(json_object_get(value, key), child))
			return true;
	}
	return false;
}

static bool
has_orders(const json_t *list)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		if (says_something(json_object_get(entry, "privileged")))
			return true;
	}
	return false;
}

static bool
is_below(const char *dir, const char *path)
{
	size_t len = strlen(dir);

	return strncmp(dir, path, len) == 0 && (path[len] == '\0' || path[len] == '/') &&
	       strstr(path, "/../") == NULL && (strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0);
}

static bool
is_bad_source(const char *source, const struct oracle_dirs *dirs)
{
	char keys[4096], hooks[4096];

	snprintf(keys, sizeof(keys), "%s/ssh", dirs->live);
	snprintf(hooks, sizeof(hooks), "%s/.git", dirs->live);
	return source == NULL || (!is_below(dirs->live, source) && !is_below(dirs->datadir, source)) ||
	       is_below(keys, source) || is_below(hooks, source);
}

static bool
is_word(const json_t *value, const char *word)
{
	return json_is_string(value) && strcmp(json_string_value(value), word) == 0;
}

static bool
has_bad_mount(const json_t *mounts, const struct oracle_dirs *dirs)
{
	json_t *mount;
	size_t i;

	json_array_foreach(mounts, i, mount)
	{
		const json_t *type = json_object_get(mount, "type");
		const json_t *propagation = json_object_get(json_object_get(mount, "bind"), "propagation");
		const char *source = json_string_value(json_object_get(mount, "source"));

		if (is_word(propagation, "shared") || is_word(propagation, "rshared"))
			return true;
		if (is_word(type, "tmpfs") || (is_word(type, "volume") && (source == NULL || source[0] != '/')))
			continue;
		if (!is_word(type, "bind") || is_bad_source(source, dirs))
			return true;
	}
	return mounts != NULL && !json_is_array(mounts) && says_something(mounts);
}

struct find {
	const struct leaf *leaf;
	const struct oracle_dirs *dirs;
	bool found;
};

static bool
matches(const json_t *value, const struct leaf *l, const json_t *sample, const struct oracle_dirs *dirs)
{
	const char *word = json_string_value(value);

	switch (l->how) {
	case ANY:
		return says_something(value);
	case SAME:
		return value != NULL && json_equal(value, sample);
	case BEGINS:
		return word != NULL && strncmp(word, json_string_value(sample), l->n) == 0;
	case HAS:
		return has(value, sample);
	case ORDERS:
		return has_orders(value);
	case BELOW_0:
		return json_number_value(value) < 0;
	case MOUNTS:
		return has_bad_mount(value, dirs);
	}
	return true;
}

static void
look_at(json_t *obj, void *arg)
{
	struct find *f = arg;
	json_t *sample = sample_of(f->leaf, f->dirs);
	char key[128];
	bool list;
	json_t *inner = walk_path(obj, f->leaf->path, false, key, &list);

	if (inner != NULL && matches(json_object_get(inner, key), f->leaf, sample, f->dirs))
		f->found = true;
	json_decref(sample);
}

const char *
oracle_find(const json_t *model, const struct oracle_dirs *dirs)
{
	for (size_t i = 0; i < LEAVES; i++) {
		struct find f = {&leaves[i], dirs, false};

		each_place((json_t *)model, leaves[i].place, &(struct visit){look_at, &f});
		if (f.found)
			return oracle_name(i);
	}
	return NULL;
}
