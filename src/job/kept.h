/* Local edits of tracked files: saved as commits before a checkout overwrites them. */
#ifndef PGO_JOB_KEPT_H
#define PGO_JOB_KEPT_H

#include "base/err.h"
#include "job/live.h"
#include "job/tree.h"

/* Makes a commit of the edited files' present state, byte for byte, on top of what was live, under refs/pgo/kept/.
 * Prints "kept REF". edits: paths only. Nothing to do for none. */
int kept_save(
    const struct job *job, const struct live *live, const struct tree *edits, const char *target_oid, struct err *err);

#endif
