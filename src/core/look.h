/* A look at a service's remote: what it says, and what has to be done about it. */
#ifndef PGO_CORE_LOOK_H
#define PGO_CORE_LOOK_H

#include <stdbool.h>

struct service;

/* Does the branch's commit give the service something to do: to fetch, to verify, to forget a refusal? */
bool look_wants(const struct service *svc, const char *oid);
/* Notes when the remote was last asked, and with what success: error is "" or says why it cannot be followed; failing:
 * it is asked less often from now on. The next look waits an interval. */
void look_note(struct service *svc, const char *error, bool failing);

#endif
