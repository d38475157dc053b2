/* How the policy's table is made: shapes of mappings, each a const array of rows, a row for every key that compose
 * knows. For src/compose only. */
#ifndef PGO_COMPOSE_POLICY_TABLE_H
#define PGO_COMPOSE_POLICY_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "compose/policy.h"

struct key;

/* A walk over one model: where it is and what it has found. */
struct check {
	const struct policy *policy;
	const json_t *model;
	struct violations *out;
	const struct key *row; /* the row that is being judged */
	const char *name;      /* the last key of the path, as written */
	struct buf path;       /* services.web.volumes[0] */
};

enum verdict {
	KEY_PASS,   /* any value */
	KEY_REFUSE, /* any value that says something (not null, false, "", [], {}); with `allow`, word by word */
	KEY_ONLY,   /* one of `words`: "a|b|c:*"; a trailing * matches any end */
	KEY_CHECK,  /* `check` looks at the value */
	KEY_OBJECT, /* a mapping with the keys of `shape` */
	KEY_MAP,    /* a mapping of names, each of `shape` */
	KEY_LIST,   /* a list of mappings, each of `shape` */
};

/* A mapping: its keys, and what can only be judged from several of them together. */
struct shape {
	const struct key *keys;
	size_t n;
	void (*whole)(struct check *c, const json_t *obj);
};

/* user = "root" lifts REFUSE, ONLY and CHECK, unless `always`; a shape's `whole` decides itself. */
struct key {
	const char *name;
	enum verdict verdict;
	bool always;
	bool by_word; /* KEY_REFUSE: each word of the value can be allowed by itself */
	const char *words;
	void (*check)(struct check *c, const json_t *value);
	const struct shape *shape;
	const char *allow;  /* the key of src/ipc/allow.c by which the administrator can allow it; NULL: none */
	const char *advice; /* NULL: "remove the key" */
	const char *rule;   /* NULL: "<name> is not allowed" */
};

extern const struct shape policy_model;

/* Adds a violation at the current path, at a key of it (".source", "[2]"; NULL: none). advice NULL: "remove the key".
 */
void check_fail(struct check *c, const char *below, const char *advice, const char *rule, ...)
    __attribute__((format(printf, 4, 5)));
/* True when word is one of "a|b|c:*". */
bool check_word(const char *words, const char *word);

/* policy_allow.c: has the administrator allowed this value of the key of src/ipc/allow.c? value "" or NULL: the key
 * alone. */
bool check_allowed(const struct check *c, const char *key, const char *value);
/* The same for a clean path, which a container may only read when read_only. */
bool check_allowed_path(const struct check *c, const char *path, bool read_only);
/* May the host's ports first to last be published? */
bool check_allowed_ports(const struct check *c, int64_t first, int64_t last, const char *protocol);
/* Calls one for each word of a value: a string, the strings of a list, the `source` of a list of mappings, the keys of
 * a mapping. at is where below the value (NULL: itself); what is none of that is a violation. */
void check_words(struct check *c, const json_t *value, void (*one)(struct check *c, const char *at, const char *word));

/* Adds a violation; takes the strings. */
void violations_add(struct violations *vs, char *take_path, char *take_rule, char *take_advice);
void violations_sort(struct violations *vs);

/* policy_paths.c: what lies beneath a directory that containers can write to is not mounted by its name. */
void check_nested(struct check *c);

/* limit.c: no more of the host than the administrator grants. */
void check_limits(struct check *c, const json_t *service);

/* policy_checks.c: KEY_CHECK */
void check_project(struct check *c, const json_t *value);
void check_cap_add(struct check *c, const json_t *value);
void check_security_opt(struct check *c, const json_t *value);
void check_volumes_from(struct check *c, const json_t *value);
void check_labels(struct check *c, const json_t *value);
void check_not_negative(struct check *c, const json_t *value);
void check_environment(struct check *c, const json_t *value);
void check_sysctls(struct check *c, const json_t *value);
void check_ulimits(struct check *c, const json_t *value);
void check_links(struct check *c, const json_t *value);
void check_device_path(struct check *c, const json_t *value);
void check_port(struct check *c, const json_t *port);
/* The rule about one entry of an environment, "NAME=value". */
void check_variable(struct check *c, const char *at, const char *variable);
/* The rule about one label; project_too: also compose's own. */
void check_label(struct check *c, const char *at, const char *label, bool project_too);
/* policy_log.c: a whole mapping */
void check_logging(struct check *c, const json_t *logging);
/* policy_networks.c: KEY_CHECK and whole mappings */
void check_network_mode(struct check *c, const json_t *value);
void check_net_options(struct check *c, const json_t *value);
void check_volume_options(struct check *c, const json_t *value);
void check_subnet(struct check *c, const json_t *value);
void check_network(struct check *c, const json_t *network);
void check_volume(struct check *c, const json_t *volume);
void check_mac_address(struct check *c, const json_t *service);
void check_endpoint(struct check *c, const json_t *endpoint);
void check_file_name(struct check *c, const json_t *value);
bool check_is_shared(const struct check *c, const char *network);
/* policy_names.c: names that other services have taken */
bool check_names_are_few(struct check *c);
void check_service(struct check *c, const json_t *service);
void check_image(struct check *c, const char *at, const char *image);
/* policy_paths.c: KEY_CHECK */
void check_file(struct check *c, const json_t *value);
void check_build_cache(struct check *c, const json_t *value);
void check_build_contexts(struct check *c, const json_t *value);
/* policy_paths.c: whole mappings */
void check_mount(struct check *c, const json_t *mount);
void check_build(struct check *c, const json_t *build);

#endif
