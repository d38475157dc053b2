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
#define ONLY_BUT(key, w, ...) ONLY(key, w, .allow = (key), ##__VA_ARGS__)
#define REFUSE_BUT(key, ...) REFUSE(key, .allow = (key), ##__VA_ARGS__)
/* Each word of it by itself. */
#define REFUSE_WORDS(key, ...) REFUSE(key, .allow = (key), .by_word = true, ##__VA_ARGS__)

#define LABELS CHECK("labels", check_labels, .always = true)

/* Hands nothing of the host to the container: x-* may stand in each of these. */
#define SHAPE(name, fn) static const struct shape name = {name##_keys, ARRAY_LEN(name##_keys), fn}

static const struct key mount_bind_keys[] = {
	ONLY("propagation", "private|rprivate|slave|rslave", .allow = "volumes.propagation",
	    .advice = "use rprivate or remove the key"),
	PASS("create_host_path"), PASS("recursive"), PASS("selinux"),
};
SHAPE(mount_bind, NULL);

/* subpath is opened by the engine within the volume, through no link that leads out of it. */
static const struct key mount_volume_keys[] = {
	PASS("nocopy"), PASS("subpath"), LABELS,
};
SHAPE(mount_volume, NULL);

static const struct key mount_tmpfs_keys[] = {
	PASS("size"), PASS("mode"),
};
SHAPE(mount_tmpfs, NULL);

/* Another type than bind, volume and tmpfs is refused by check_mount: cluster and npipe are other systems', image names an
 * image that nobody would have fixed by its ID. */
static const struct key mount_keys[] = {
	PASS("type"), PASS("source"), PASS("target"), /* check_mount */
	PASS("read_only"), PASS("consistency"),
	OBJECT("tmpfs", mount_tmpfs), OBJECT("bind", mount_bind), OBJECT("volume", mount_volume),
};
SHAPE(mount, check_mount);

/* Of a config or secret of this file, in the container; owner and mode are the copy's. */
static const struct key grant_keys[] = {
	PASS("source"), PASS("target"), PASS("uid"), PASS("gid"), PASS("mode"),
};
SHAPE(grant, NULL);

static const struct key build_keys[] = {
	PASS("context"), PASS("dockerfile"), /* check_build */
	/* What a build does with these stays in the build; its tags are taken away (model_for_build). */
	PASS("dockerfile_inline"), PASS("args"), PASS("no_cache"), PASS("pull"), PASS("target"), PASS("shm_size"),
	PASS("extra_hosts"), PASS("isolation"), PASS("tags"), PASS("platforms"),
	PASS("no_cache_filter"), PASS("provenance"), PASS("sbom"),
	CHECK("ulimits", check_ulimits), LIST("secrets", grant), LABELS,
	CHECK("additional_contexts", check_build_contexts),
	CHECK("cache_from", check_build_cache), CHECK("cache_to", check_build_cache),
	ONLY("network", "default|none", .allow = "build.network", .advice = "remove the key"),
	REFUSE("privileged", .allow = "build.privileged"),
	REFUSE("entitlements", .allow = "build.entitlements", .by_word = true),
	/* The account's agent and keys. */
	REFUSE("ssh", .advice = "use a build secret"),
};
SHAPE(build, check_build);

/* More than the administrator's limits is refused by check_limits. */
static const struct key limit_keys[] = {
	PASS("cpus"), PASS("memory"), PASS("pids"),
};
SHAPE(limit, NULL);

static const struct key discrete_keys[] = {
	PASS("kind"), PASS("value"),
};
SHAPE(discrete, NULL);

/* Bookkeeping of a swarm; the engine alone reads none of it. */
static const struct key generic_keys[] = {
	OBJECT("discrete_resource_spec", discrete),
};
SHAPE(generic, NULL);

static const struct key reservation_keys[] = {
	PASS("cpus"), PASS("memory"), PASS("pids"), LIST("generic_resources", generic), REFUSE("devices", .allow = "gpus"),
};
SHAPE(reservation, NULL);

static const struct key resource_keys[] = {
	OBJECT("limits", limit), OBJECT("reservations", reservation),
};
SHAPE(resource, NULL);

static const struct key rolling_keys[] = {
	PASS("parallelism"), PASS("delay"), PASS("failure_action"), PASS("monitor"), PASS("max_failure_ratio"), PASS("order"),
};
SHAPE(rolling, NULL);

static const struct key restart_keys[] = {
	PASS("condition"), PASS("delay"), PASS("max_attempts"), PASS("window"),
};
SHAPE(restart, NULL);

static const struct key preference_keys[] = {
	PASS("spread"),
};
SHAPE(preference, NULL);

static const struct key placement_keys[] = {
	PASS("constraints"), LIST("preferences", preference), PASS("max_replicas_per_node"),
};
SHAPE(placement, NULL);

static const struct key deploy_keys[] = {
	ONLY("mode", "replicated|global"), ONLY("endpoint_mode", "vip|dnsrr"), PASS("replicas"),
	OBJECT("rollback_config", rolling), OBJECT("update_config", rolling), OBJECT("restart_policy", restart),
	OBJECT("placement", placement), LABELS, OBJECT("resources", resource),
};
SHAPE(deploy, NULL);

static const struct key hook_keys[] = {
	PASS("command"), PASS("user"), PASS("working_dir"), PASS("environment"),
	REFUSE("privileged", .allow = "hooks.privileged"),
};
SHAPE(hook, NULL);

/* Only `compose watch` does what stands here, and nobody runs it: model_approve takes it out. */
static const struct key watch_keys[] = {
	PASS("path"), PASS("action"), PASS("target"), PASS("ignore"), PASS("include"), PASS("initial_sync"),
	OBJECT("exec", hook),
};
SHAPE(watch, NULL);

static const struct key develop_keys[] = {
	LIST("watch", watch),
};
SHAPE(develop, NULL);

static const struct key healthcheck_keys[] = {
	PASS("disable"), PASS("interval"), PASS("retries"), PASS("test"), PASS("timeout"), PASS("start_period"),
	PASS("start_interval"),
};
SHAPE(healthcheck, NULL);

static const struct key dependency_keys[] = {
	PASS("condition"), PASS("restart"), PASS("required"),
};
SHAPE(dependency, NULL);

/* They slow down nobody but the container itself. */
static const struct key throttle_keys[] = {
	CHECK("path", check_device_path), PASS("rate"), PASS("weight"),
};
SHAPE(throttle, NULL);

static const struct key blkio_keys[] = {
	PASS("weight"), LIST("weight_device", throttle), LIST("device_read_bps", throttle),
	LIST("device_read_iops", throttle), LIST("device_write_bps", throttle), LIST("device_write_iops", throttle),
};
SHAPE(blkio, NULL);

/* Addresses are judged by check_endpoint, aliases by check_service. driver_opts sets kernel parameters. */
static const struct key endpoint_keys[] = {
	PASS("aliases"), PASS("ipv4_address"), PASS("ipv6_address"), PASS("link_local_ips"), PASS("mac_address"),
	PASS("priority"), PASS("gw_priority"), PASS("interface_name"), REFUSE("driver_opts"),
};
SHAPE(endpoint, check_endpoint);

static const struct key logging_keys[] = {
	PASS("driver"), PASS("options"), /* check_logging */
};
SHAPE(logging, check_logging);

static const struct key port_keys[] = {
	PASS("name"), PASS("mode"), PASS("host_ip"), PASS("target"), PASS("published"), PASS("protocol"),
	PASS("app_protocol"),
};
SHAPE(port, check_port);

static const struct key service_keys[] = {
	/* What stays inside of the container. */
	PASS("attach"), PASS("cap_drop"), PASS("command"), PASS("dns"), PASS("dns_opt"), PASS("dns_search"),
	PASS("entrypoint"), PASS("expose"), PASS("extra_hosts"), PASS("init"), PASS("platform"), PASS("profiles"),
	PASS("read_only"), PASS("restart"), PASS("scale"), PASS("stdin_open"), PASS("stop_grace_period"),
	PASS("stop_signal"), PASS("tmpfs"), PASS("tty"), PASS("working_dir"),
	/* Root of a container has every group and user already, and no file of the host but those of its own mounts. */
	PASS("group_add"), PASS("user"),
	/* Names and addresses that others can see: check_service. */
	PASS("image"), PASS("container_name"), PASS("hostname"), PASS("domainname"),
	PASS("mac_address"),
	PASS("pull_policy"), PASS("pull_refresh_after"),
	/* Shares of what the host has; limits: check_limits. Windows has cpu_count, cpu_percent, isolation. */
	PASS("cpu_count"), PASS("cpu_percent"), PASS("cpu_period"), PASS("cpu_quota"), PASS("cpu_shares"), PASS("cpus"),
	PASS("cpuset"), PASS("isolation"), PASS("mem_limit"), PASS("mem_reservation"), PASS("mem_swappiness"),
	PASS("memswap_limit"), PASS("pids_limit"), PASS("shm_size"), OBJECT("blkio_config", blkio),
	/* A mapping of others' keys is looked through as well: a key that compose learns is not allowed by that. */
	OBJECT("healthcheck", healthcheck), OBJECT("develop", develop), MAP("depends_on", dependency),
	LIST("configs", grant), LIST("secrets", grant), CHECK("links", check_links),
	CHECK("environment", check_environment), CHECK("ulimits", check_ulimits), CHECK("sysctls", check_sysctls),
	/* The documented list. */
	REFUSE_BUT("privileged"),
	CHECK("network_mode", check_network_mode, .advice = "use networks"),
	ONLY_BUT("ipc", "private|shareable|none|service:*", .advice = "remove the key"),
	LIST("volumes", mount),
	LIST("ports", port),
	MAP("networks", endpoint),
	/* What would make the documented list a joke: the host's namespaces, devices and kernel, or another service's things. */
	ONLY_BUT("pid", "private|service:*"), ONLY_BUT("uts", "private"), ONLY_BUT("userns_mode", "private"),
	ONLY_BUT("cgroup", "private"),
	REFUSE_WORDS("devices"), REFUSE_WORDS("device_cgroup_rules"), REFUSE_BUT("gpus"),
	CHECK("cap_add", check_cap_add), CHECK("security_opt", check_security_opt),
	CHECK("volumes_from", check_volumes_from),
	CHECK("oom_score_adj", check_not_negative, .allow = "oom_score_adj"), REFUSE_BUT("oom_kill_disable"),
	ONLY_BUT("runtime", "runc"), REFUSE_WORDS("cgroup_parent"), REFUSE_WORDS("storage_opt"),
	/* Time that the scheduler takes from everybody else. */
	REFUSE("cpu_rt_period", .allow = "cpu_rt"), REFUSE("cpu_rt_runtime", .allow = "cpu_rt"),
	/* A runtime takes orders from annotations. */
	REFUSE_WORDS("annotations"), REFUSE_WORDS("external_links", .advice = "use a network that both services share"),
	/* Files, programs and sockets of the host that compose or the engine would use for it. */
	REFUSE("credential_spec"), REFUSE("use_api_socket"), REFUSE("provider"), REFUSE("models"),
	OBJECT("build", build), OBJECT("deploy", deploy), OBJECT("logging", logging),
	LIST("post_start", hook), LIST("pre_stop", hook), LABELS,
	/* Resolved by `config`; what is still here would be read again after it was approved. */
	REFUSE("extends", .always = true), REFUSE("env_file", .always = true), REFUSE("label_file", .always = true),
};
SHAPE(service, check_service);

static const struct key subnet_keys[] = {
	CHECK("subnet", check_subnet, .advice = "use a subnet of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or fc00::/7"),
	/* The engine wants these within the subnet. */
	PASS("ip_range"), PASS("gateway"), PASS("aux_addresses"),
};
SHAPE(subnet, NULL);

static const struct key ipam_keys[] = {
	ONLY("driver", "default"), LIST("config", subnet), REFUSE("options"),
};
SHAPE(ipam, NULL);

static const struct key network_keys[] = {
	PASS("name"), PASS("external"), /* check_network */
	/* macvlan and ipvlan put containers into the network of the host's neighbours, host into the host's. */
	ONLY("driver", "bridge|overlay|default", .allow = "networks.driver", .advice = "use bridge or remove the key"),
	CHECK("driver_opts", check_net_options), OBJECT("ipam", ipam),
	PASS("internal"), PASS("attachable"), PASS("enable_ipv4"), PASS("enable_ipv6"), LABELS,
};
SHAPE(network, check_network);

static const struct key volume_keys[] = {
	PASS("name"), PASS("external"), /* check_volume */
	ONLY("driver", "local", .allow = "volumes.driver", .advice = "use local or remove the key"),
	CHECK("driver_opts", check_volume_options, .advice = "use a bind mount beneath the checkout or the data directory"),
	LABELS,
};
SHAPE(volume, check_volume);

static const struct key file_keys[] = {
	CHECK("name", check_file_name), PASS("content"), CHECK("file", check_file), LABELS,
	/* Read by `up` from an environment that has no such variable: it would fail with the old containers stopped. */
	REFUSE("environment", .always = true, .advice = "use file, or content with ${VARIABLE} in a config"),
	REFUSE("external", .advice = "use file"), REFUSE("driver"), REFUSE("driver_opts"), REFUSE("template_driver"),
};
SHAPE(file, NULL);

static const struct key model_keys[] = {
	CHECK("name", check_project, .always = true),
	PASS("version"),
	MAP("services", service), MAP("networks", network), MAP("volumes", volume), MAP("configs", file),
	MAP("secrets", file),
	REFUSE("include", .always = true), REFUSE("models"),
};
const struct shape policy_model = {model_keys, ARRAY_LEN(model_keys), NULL};

/* clang-format on */
