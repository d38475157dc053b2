/* The table [proxy] of pgo.toml against its menu, and the sites of all services against what the proxy can do. */
#ifndef PGO_CONF_PROXY_TABLE_H
#define PGO_CONF_PROXY_TABLE_H

#include <jansson.h>

#include "conf/table.h"

/* In the order of the menu. */
enum proxy_key {
	PROXY_KEY_TYPE,
	PROXY_KEY_FILE,
	PROXY_KEY_TEST,
	PROXY_KEY_RELOAD,
	PROXY_KEY_LISTEN,
	PROXY_KEY_CERTIFICATE,
	PROXY_KEY_CERTIFICATE_KEY,
	PROXY_KEY_CHALLENGES,
	PROXY_KEYS
};

extern const struct menu proxy_menu;

/* Checks all of it; t->problems and t->node are the caller's. */
void proxy_table_check(struct table *t);
/* The object of the document; nothing may be wrong with it. The caller owns it. */
json_t *proxy_table_document(const struct table *t);
/* Whether this proxy can serve each site of the services: services is the list's node, nothing is wrong with t. */
void proxy_table_check_sites(const struct table *t, const json_t *services);

#endif
