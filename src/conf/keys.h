/* The menus of pgo.toml: what may stand in a table, and every key of [[services]]. */
#ifndef PGO_CONF_KEYS_H
#define PGO_CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "conf/amounts.h"

enum { NEAR_NONE = 3 }; /* letters */

enum key_type {
	KEY_STRING,
	KEY_BOOL,
	KEY_STRINGS, /* a list of strings */
	KEY_WORDS,   /* a string, or a list of strings */
	KEY_TABLE,   /* a table of strings */
	/* Amounts: */
	KEY_DURATION, /* a string */
	KEY_SIZE,     /* a string */
	KEY_COUNT,    /* an integer */
	KEY_NUMBER,   /* an integer or a float */
};

enum key_state {
	KEY_OPTIONAL,
	KEY_NEEDED,
};

/* The supported keys, in the order of the table, which begins with them. */
enum key_id {
	KEY_NAME,
	KEY_USER,
	KEY_REPOSITORY,
	KEY_HOSTED,
	KEY_BRANCH,
	KEY_COMPOSE,
	KEY_ENV,
	KEY_REGISTRIES,
	KEY_NETWORKS,
	KEY_URLS,
	KEY_IMPORT,
	KEY_RELOAD,
	KEY_UPDATE,
	KEY_TIMEOUT,
	KEY_HEALTH_TIMEOUT,
	KEY_SETTLE,
	KEY_KEEP,
	KEY_SIGNERS,
	KEY_REWIND,
	KEY_ALLOW,
	KEY_PORTS,
	KEY_CPUS,
	KEY_MEMORY,
	KEY_PIDS,
	KEY_MOUNT,
	KEY_GROUP,
	KEY_IGNORE,
	KEY_IDS
};

struct key {
	const char *name;
	enum key_type type;
	enum key_state state;
	int (*rule)(const char *s, struct err *err); /* for the string, or each of a list; NULL: any will do, or an
							amount */
	const char *example;			     /* what to write */
	const char *help;			     /* one line */
	enum amount amount;			     /* of the four types above */
	int (*entry_rule)(
	    const char *s, struct err *err); /* for the name of each entry of a table; NULL: any will do */
};

/* One line of a menu: name, type, state, rule, example, help. */
#define KEY_ROW(n, t, s, r, e, h, ...)                                                                          \
	{                                                                                                       \
		.name = (n), .type = (t), .state = (s), .rule = (r), .example = (e), .help = (h), ##__VA_ARGS__ \
	}

/* What a service and an app have in common: how each deploy of theirs, and each container, is bounded. */
#define KEY_ROWS_OF_A_DEPLOY(prefix)                                                                  \
	[prefix##CPUS] = KEY_ROW("cpus", KEY_NUMBER, KEY_OPTIONAL, NULL, "cpus = 1.5",                \
	    "The most processors of a container.", .amount = AMOUNT_CPUS),                            \
	[prefix##MEMORY] = KEY_ROW("memory", KEY_SIZE, KEY_OPTIONAL, NULL, "memory = \"512m\"",       \
	    "The most memory of a container.", .amount = AMOUNT_MEMORY),                              \
	[prefix##PIDS] = KEY_ROW("pids", KEY_COUNT, KEY_OPTIONAL, NULL, "pids = 200",                 \
	    "The most processes of a container.", .amount = AMOUNT_PIDS),                             \
	[prefix##KEEP] = KEY_ROW("keep", KEY_COUNT, KEY_OPTIONAL, NULL, "keep = 3",                   \
	    "How many releases can be gone back to.", .amount = AMOUNT_KEEP),                         \
	[prefix##TIMEOUT] = KEY_ROW("timeout", KEY_DURATION, KEY_OPTIONAL, NULL, "timeout = \"10m\"", \
	    "How long each step of a deploy may take.", .amount = AMOUNT_TIMEOUT),                    \
	[prefix##HEALTH_TIMEOUT] =                                                                    \
	    KEY_ROW("health_timeout", KEY_DURATION, KEY_OPTIONAL, NULL, "health_timeout = \"2m\"",    \
		"How long containers may take to become healthy.", .amount = AMOUNT_HEALTH_TIMEOUT),  \
	[prefix##SETTLE] = KEY_ROW("settle", KEY_DURATION, KEY_OPTIONAL, NULL, "settle = \"2s\"",     \
	    "How long a container without a healthcheck must run.", .amount = AMOUNT_SETTLE)

enum { KEYS_MAX = 32 }; /* of one menu */

/* The keys of one kind of table. Each has an enum of positions like the one above. */
struct menu {
	const struct key *keys;
	size_t n;
};

extern const struct menu service_menu;

/* Position in the menu, whatever the case of the letters; -1 without. */
int menu_find(const struct menu *menu, const char *name);
/* The key that was probably meant: at most two letters off. NULL when none is near. */
const char *menu_near(const struct menu *menu, const char *name);
/* Whether candidate, a name of a menu, may have been meant by name, and more probably than what was *distance off
 * before; that is set then. Begin with NEAR_NONE. */
bool name_is_near(const char *name, const char *candidate, size_t *distance);
bool key_is_amount(const struct key *key);
/* "a string", "a list of strings", ...: for sentences. */
const char *key_type_text(enum key_type type);

#endif
