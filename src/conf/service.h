/* One [[services]] table against the menu of keys. */
#ifndef PGO_CONF_SERVICE_H
#define PGO_CONF_SERVICE_H

#include <jansson.h>
#include <stddef.h>

#include "conf/keys.h"
#include "conf/problems.h"

struct service {
	struct problems *problems;	 /* borrowed: where to tell */
	json_t *names;			 /* borrowed: name → line of the service that has it, over all services */
	const json_t *node;		 /* of the table */
	char title[128];		 /* services[0] "web" */
	const json_t *entries[KEYS_MAX]; /* by position in the table of keys; NULL: not there */
};

/* The amount that stands in a node of the key's type. Errors are those of amounts.h. */
int service_amount(const struct key *key, const json_t *node, int64_t *ret_n, struct err *err);
/* Checks all of it. node is a table; index counts from 0. What is wrong is added to s->problems. */
void service_check(struct service *s, size_t index);
/* {"user", "line", "column"} of the account, for pgod to look up even when other things are wrong; NULL when there is
 * no proper one. The caller owns it. */
json_t *service_account(const struct service *s);
/* The service for the document; nothing may be wrong with it. The caller owns it. */
json_t *service_document(const struct service *s);

#endif
