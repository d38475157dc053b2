/* One [[services]] table against the menu of keys. */
#ifndef PGO_CONF_SERVICE_H
#define PGO_CONF_SERVICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "conf/table.h"

struct service {
	struct table table; /* problems and node are the caller's to fill in */
	json_t *names;	    /* borrowed: name → line of the service that has it, over all services */
	json_t *sites;	    /* borrowed: site → the service that has it, likewise (sites.c) */
};

/* Is it pushed to us? */
bool service_is_hosted(const struct service *s);
/* Where its commits come from: exactly one of `repository` and `hosted`, and no key that means nothing to the one that
 * is there. source.c. */
void service_check_source(struct service *s);
/* Checks all of it. node is a table; index counts from 0. What is wrong is added to the problems. */
void service_check(struct service *s, size_t index);
/* {"user", "line", "column"} of the account, for pgod to look up even when other things are wrong; NULL when there is
 * no proper one. The caller owns it. */
json_t *service_account(const struct service *s);
/* The service for the document; nothing may be wrong with it. The caller owns it. */
json_t *service_document(const struct service *s);

#endif
