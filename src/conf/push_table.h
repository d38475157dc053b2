/* The table [push] of pgo.toml against its menu. */
#ifndef PGO_CONF_PUSH_TABLE_H
#define PGO_CONF_PUSH_TABLE_H

#include <jansson.h>

#include "conf/table.h"

/* The branches without the key. */
#define PUSH_BRANCHES "main", "master"

/* In the order of the menu. */
enum push_key {
	PUSH_KEY_CREATE,
	PUSH_KEY_DELETE,
	PUSH_KEY_BRANCH,
	PUSH_KEY_DOMAIN,
	PUSH_KEY_ADDRESS,
	PUSH_KEY_SUFFIX,
	PUSH_KEY_SCHEME,
	PUSH_KEY_PROXY_NETWORK,
	PUSH_KEY_MAX_SIZE,
	PUSH_KEY_MAX_OBJECTS,
	PUSH_KEY_REGISTRY,
	PUSH_KEY_DIRECTIVES,
	PUSH_KEY_STATIC_IMAGE,
	PUSH_KEY_IDS,
	/* What each app has of the keys of a service: */
	PUSH_KEY_REGISTRIES,
	PUSH_KEY_NETWORKS,
	PUSH_KEY_ALLOW,
	PUSH_KEY_CPUS,
	PUSH_KEY_MEMORY,
	PUSH_KEY_PIDS,
	PUSH_KEY_KEEP,
	PUSH_KEY_TIMEOUT,
	PUSH_KEY_HEALTH_TIMEOUT,
	PUSH_KEY_SETTLE,
	PUSH_KEYS
};

extern const struct menu push_menu;

/* Checks all of it; t->problems and t->node are the caller's. */
void push_table_check(struct table *t);
/* The object of the document; nothing may be wrong with it. The caller owns it. */
json_t *push_table_document(const struct table *t);

#endif
