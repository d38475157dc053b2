/* The menu of pgo.toml: every key that may stand beneath [[services]]. */
#ifndef PGO_CONF_KEYS_H
#define PGO_CONF_KEYS_H

#include <stddef.h>

#include "base/err.h"
#include "conf/amounts.h"

enum key_type {
	KEY_STRING,
	KEY_BOOL,
	KEY_STRINGS, /* a list of strings */
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
	KEY_LATER, /* known, its type is checked, and then it is refused: nothing is silently ignored */
};

/* The supported keys, in the order of the table, which begins with them. */
enum key_id {
	KEY_NAME,
	KEY_USER,
	KEY_REPOSITORY,
	KEY_BRANCH,
	KEY_COMPOSE,
	KEY_ENV,
	KEY_NETWORKS,
	KEY_URLS,
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

enum { KEYS_MAX = 32 };

const struct key *key_table(size_t *ret_n);
/* Position in the table, whatever the case of the letters; -1 without. */
int key_find(const char *name);
/* The key that was probably meant: at most two letters off. NULL when none is near. */
const char *key_near(const char *name);
bool key_is_amount(const struct key *key);
/* "a string", "a list of strings", ...: for sentences. */
const char *key_type_text(enum key_type type);

#endif
