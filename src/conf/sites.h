/* Which service has which site, over all of pgo.toml: one has it alone. */
#ifndef PGO_CONF_SITES_H
#define PGO_CONF_SITES_H

#include "conf/service.h"

/* Takes the sites of a service's `urls`; what it or another service before it has already is added to s->problems. */
void sites_claim(struct service *s);

#endif
