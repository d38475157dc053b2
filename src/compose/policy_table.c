/* Every key of a compose file, and what becomes of it. A key that stands here nowhere is refused. */
#include "compose/policy_table.h"
#include "base/auto.h"

#define PASS(key)                                  \
	{                                          \
		.name = (key), .verdict = KEY_PASS \
	}
#define REFUSE(key, ...)                                            \
	{                                                           \
		.name = (key), .verdict = KEY_REFUSE, ##__VA_ARGS__ \
	}
#define ONLY(key, w, ...)                                                       \
	{                                                                       \
		.name = (key), .verdict = KEY_ONLY, .words = (w), ##__VA_ARGS__ \
	}
#define CHECK(key, fn, ...)                                                       \
	{                                                                         \
		.name = (key), .verdict = KEY_CHECK, .check = (fn), ##__VA_ARGS__ \
	}
#define OBJECT(key, s)                                              \
	{                                                           \
		.name = (key), .verdict = KEY_OBJECT, .shape = &(s) \
	}
#define MAP(key, s)                                              \
	{                                                        \
		.name = (key), .verdict = KEY_MAP, .shape = &(s) \
	}
#define LIST(key, s)                                              \
	{                                                         \
		.name = (key), .verdict = KEY_LIST, .shape = &(s) \
	}

/* clang-format off */

/* Labels of compose's own name which containers belong to which service: no repository speaks for another, whoever it runs as. */
#define LABELS CHECK("labels", check_labels, .always = true)

static const struct key mount_bind_keys[] = {
	ONLY("propagation", "private|rprivate|slave|rslave", .advice = "use rprivate or remove the key"),
	PASS("create_host_path"), PASS("recursive"), PASS("selinux"),
};
static const struct shape mount_bind = {mount_bind_keys, ARRAY_LEN(mount_bind_keys), NULL};

static const struct key mount_volume_keys[] = {
	PASS("nocopy"), PASS("subpath"), LABELS,
};
static const struct shape mount_volume = {mount_volume_keys, ARRAY_LEN(mount_volume_keys), NULL};

static const struct key mount_keys[] = {
	PASS("type"), PASS("source"), PASS("target"), /* check_mount */
	PASS("read_only"), PASS("consistency"), PASS("tmpfs"),
	OBJECT("bind", mount_bind), OBJECT("volume", mount_volume),
};
static const struct shape mount = {mount_keys, ARRAY_LEN(mount_keys), check_mount};

static const struct key build_keys[] = {
	PASS("context"), PASS("dockerfile"), /* check_build */
	PASS("dockerfile_inline"), PASS("args"), PASS("no_cache"), PASS("pull"), PASS("target"), PASS("shm_size"),
	PASS("extra_hosts"), PASS("isolation"), PASS("secrets"), PASS("tags"), PASS("ulimits"), PASS("platforms"),
	PASS("no_cache_filter"), PASS("provenance"), PASS("sbom"),
	LABELS,
	CHECK("additional_contexts", check_build_contexts),
	CHECK("cache_from", check_build_cache), CHECK("cache_to", check_build_cache),
	ONLY("network", "default|none", .advice = "remove the key"),
	REFUSE("privileged"), REFUSE("entitlements"),
	REFUSE("ssh", .advice = "use a build secret"),
};
static const struct shape build = {build_keys, ARRAY_LEN(build_keys), check_build};

static const struct key reservation_keys[] = {
	PASS("cpus"), PASS("memory"), PASS("pids"), PASS("generic_resources"), REFUSE("devices"),
};
static const struct shape reservations = {reservation_keys, ARRAY_LEN(reservation_keys), NULL};

static const struct key resource_keys[] = {
	PASS("limits"), OBJECT("reservations", reservations),
};
static const struct shape resources = {resource_keys, ARRAY_LEN(resource_keys), NULL};

static const struct key deploy_keys[] = {
	PASS("mode"), PASS("endpoint_mode"), PASS("replicas"), PASS("rollback_config"), PASS("update_config"),
	PASS("restart_policy"), PASS("placement"), LABELS, OBJECT("resources", resources),
};
static const struct shape deploy = {deploy_keys, ARRAY_LEN(deploy_keys), NULL};

static const struct key hook_keys[] = {
	PASS("command"), PASS("user"), PASS("working_dir"), PASS("environment"), REFUSE("privileged"),
};
static const struct shape hook = {hook_keys, ARRAY_LEN(hook_keys), NULL};

static const struct key endpoint_keys[] = {
	PASS("aliases"), PASS("ipv4_address"), PASS("ipv6_address"), PASS("link_local_ips"), PASS("mac_address"),
	PASS("priority"), PASS("gw_priority"), PASS("interface_name"), REFUSE("driver_opts"),
};
static const struct shape endpoint = {endpoint_keys, ARRAY_LEN(endpoint_keys), NULL};

static const struct key logging_keys[] = {
	PASS("driver"), PASS("options"), /* check_logging */
};
static const struct shape logging = {logging_keys, ARRAY_LEN(logging_keys), check_logging};

static const struct key port_keys[] = {
	PASS("name"), PASS("mode"), PASS("host_ip"), PASS("target"), PASS("published"), PASS("protocol"),
	PASS("app_protocol"),
};
static const struct shape port = {port_keys, ARRAY_LEN(port_keys), check_port};

static const struct key service_keys[] = {
	/* What stays inside of the container. */
	PASS("attach"), PASS("blkio_config"), PASS("cap_drop"), PASS("command"), PASS("configs"), PASS("cpu_count"),
	PASS("cpu_percent"), PASS("cpu_period"), PASS("cpu_quota"), PASS("cpu_rt_period"), PASS("cpu_rt_runtime"),
	PASS("cpu_shares"), PASS("cpus"), PASS("cpuset"), PASS("depends_on"), PASS("develop"), PASS("dns"),
	PASS("dns_opt"), PASS("dns_search"), PASS("domainname"), PASS("entrypoint"), PASS("environment"),
	PASS("expose"), PASS("extra_hosts"), PASS("group_add"), PASS("healthcheck"), PASS("hostname"), PASS("image"),
	PASS("init"), PASS("isolation"), PASS("links"), PASS("mac_address"), PASS("mem_limit"),
	PASS("mem_reservation"), PASS("mem_swappiness"), PASS("memswap_limit"), PASS("pids_limit"), PASS("platform"),
	PASS("profiles"), PASS("pull_policy"), PASS("read_only"), PASS("restart"), PASS("scale"), PASS("secrets"),
	PASS("shm_size"), PASS("stdin_open"), PASS("stop_grace_period"), PASS("stop_signal"), PASS("sysctls"),
	PASS("tmpfs"), PASS("tty"), PASS("ulimits"), PASS("user"), PASS("working_dir"),
	/* The documented list. */
	REFUSE("privileged"),
	ONLY("network_mode", "none|bridge|default|service:*", .advice = "use networks"),
	ONLY("ipc", "private|shareable|none|service:*", .advice = "remove the key"),
	LIST("volumes", mount),
	LIST("ports", port),
	MAP("networks", endpoint),
	/* What would make the documented list a joke: the host's namespaces, devices and kernel, or another service's things. */
	ONLY("pid", "private|service:*"), ONLY("uts", "private"), ONLY("userns_mode", "private"), ONLY("cgroup", "private"),
	REFUSE("devices"), REFUSE("device_cgroup_rules"), REFUSE("gpus"),
	CHECK("cap_add", check_cap_add), CHECK("security_opt", check_security_opt),
	CHECK("volumes_from", check_volumes_from), CHECK("container_name", check_container_name),
	CHECK("oom_score_adj", check_not_negative), REFUSE("oom_kill_disable"),
	ONLY("runtime", "runc"), REFUSE("cgroup_parent"), REFUSE("storage_opt"), REFUSE("credential_spec"),
	REFUSE("annotations"), REFUSE("external_links", .advice = "use a network that both services share"),
	REFUSE("use_api_socket"), REFUSE("provider"), REFUSE("models"),
	OBJECT("build", build), OBJECT("deploy", deploy), OBJECT("logging", logging),
	LIST("post_start", hook), LIST("pre_stop", hook), LABELS,
	/* Resolved by `config`; what is still here would be read again after it was approved. */
	REFUSE("extends", .always = true), REFUSE("env_file", .always = true), REFUSE("label_file", .always = true),
};
static const struct shape service = {service_keys, ARRAY_LEN(service_keys), NULL};

static const struct key subnet_keys[] = {
	CHECK("subnet", check_subnet, .advice = "use a private subnet (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7)"),
	PASS("ip_range"), PASS("gateway"), PASS("aux_addresses"),
};
static const struct shape subnet = {subnet_keys, ARRAY_LEN(subnet_keys), NULL};

static const struct key ipam_keys[] = {
	ONLY("driver", "default"), LIST("config", subnet), REFUSE("options"),
};
static const struct shape ipam = {ipam_keys, ARRAY_LEN(ipam_keys), NULL};

static const struct key network_keys[] = {
	PASS("name"), PASS("external"), /* check_network */
	ONLY("driver", "bridge|overlay|default", .advice = "use bridge or remove the key"),
	CHECK("driver_opts", check_net_options), OBJECT("ipam", ipam),
	PASS("internal"), PASS("attachable"), PASS("enable_ipv4"), PASS("enable_ipv6"), LABELS,
};
static const struct shape network = {network_keys, ARRAY_LEN(network_keys), check_network};

static const struct key volume_keys[] = {
	PASS("name"), PASS("external"), /* check_volume */
	ONLY("driver", "local", .advice = "use local or remove the key"),
	REFUSE("driver_opts", .advice = "use a bind mount beneath the checkout or the data directory"),
	LABELS,
};
static const struct shape volume = {volume_keys, ARRAY_LEN(volume_keys), check_volume};

static const struct key file_keys[] = {
	PASS("name"), PASS("content"), CHECK("file", check_file), LABELS,
	/* Read by `up` from an environment that has no such variable: it would fail with the old containers stopped. */
	REFUSE("environment", .always = true, .advice = "use file, or content with ${VARIABLE} in a config"),
	REFUSE("external", .advice = "use file"), REFUSE("driver"), REFUSE("driver_opts"), REFUSE("template_driver"),
};
static const struct shape file = {file_keys, ARRAY_LEN(file_keys), NULL};

static const struct key model_keys[] = {
	CHECK("name", check_project, .always = true),
	PASS("version"),
	MAP("services", service), MAP("networks", network), MAP("volumes", volume), MAP("configs", file),
	MAP("secrets", file),
	REFUSE("include", .always = true), REFUSE("models"),
};
const struct shape policy_model = {model_keys, ARRAY_LEN(model_keys), NULL};

/* clang-format on */
