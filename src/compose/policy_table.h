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
	KEY_REFUSE, /* any value that says something (not null, false, "", [], {}) */
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
	const char *words;
	void (*check)(struct check *c, const json_t *value);
	const struct shape *shape;
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

/* Adds a violation; takes the strings. */
void violations_add(struct violations *vs, char *take_path, char *take_rule, char *take_advice);
void violations_sort(struct violations *vs);

/* policy_paths.c: what lies beneath a directory that containers can write to is not mounted by its name. */
void check_nested(struct check *c);

/* policy_checks.c: KEY_CHECK */
void check_project(struct check *c, const json_t *value);
void check_container_name(struct check *c, const json_t *value);
void check_cap_add(struct check *c, const json_t *value);
void check_security_opt(struct check *c, const json_t *value);
void check_volumes_from(struct check *c, const json_t *value);
void check_labels(struct check *c, const json_t *value);
void check_not_negative(struct check *c, const json_t *value);
void check_net_options(struct check *c, const json_t *value);
void check_subnet(struct check *c, const json_t *value);
/* policy_paths.c: KEY_CHECK */
void check_file(struct check *c, const json_t *value);
void check_build_cache(struct check *c, const json_t *value);
void check_build_contexts(struct check *c, const json_t *value);
/* policy_paths.c: whole mappings */
void check_mount(struct check *c, const json_t *mount);
void check_build(struct check *c, const json_t *build);
/* policy_checks.c: whole mappings */
void check_port(struct check *c, const json_t *port);
void check_logging(struct check *c, const json_t *logging);
void check_network(struct check *c, const json_t *network);
void check_volume(struct check *c, const json_t *volume);

#endif
