/* A look at a service's remote: what it says, and what has to be done about it. */
#ifndef PGO_CORE_LOOK_H
#define PGO_CORE_LOOK_H

#include <stdbool.h>

#include "core/job.h"

struct service;

/* Does the branch's commit give the service something to do: to fetch, to verify, to forget a refusal? */
bool look_wants(const struct service *svc, const char *oid);
/* Does the configuration ask more of a commit than to be there? */
bool look_is_picky(const struct service *svc);
/* The commit that a job printed: one object name on a line of its own. False on anything else. */
bool look_read_oid(const struct job_result *r, char ret_oid[STORE_OID]);
/* Notes when the remote was last asked, and with what success: error is "" or says why it cannot be followed; failing:
 * it is asked less often from now on. The next look waits an interval. */
void look_note(struct service *svc, const char *error, bool failing);

#endif
