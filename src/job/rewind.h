/* Force pushes: does the branch still contain what is deployed? */
#ifndef PGO_JOB_REWIND_H
#define PGO_JOB_REWIND_H

#include "base/err.h"
#include "job/job.h"

/* JOB_OK when the commit oid is `deployed` or comes after it, JOB_REFUSED with everything said when it does not.
 * Fetches history, only as much as it takes to know. JOB_FAILED (said) or < 0 when that cannot be done. */
int rewind_check(const struct job *job, const char *deployed, const char *oid, struct err *err);

#endif
