/* Services that are no longer configured: taken down and put aside, if pgod has a record that it deployed them. */
#ifndef PGO_CORE_REMOVE_H
#define PGO_CORE_REMOVE_H

#include "base/err.h"
#include "core/core.h"

/* Starts to remove every recorded service that the configuration does not name, unless that is under way. An empty
 * configuration removes nothing. Called whenever the engine begins to answer, so what failed is tried again. */
void remove_unconfigured(struct core *core);
/* pgod has moved its directories, or tells why not. */
void remove_on_retired(struct core *core, const char *service, const char *error);

#endif
