/* Which app a branch is deployed as. Pure. */
#ifndef PGO_CORE_PUSH_BRANCH_H
#define PGO_CORE_PUSH_BRANCH_H

#include "base/err.h"
#include "ipc/appname.h"

/* NAME-BRANCH: in lower case, and whatever no host name has is a "-". -EINVAL with a sentence. app has passed
 * appname_check. */
int push_branch_app(const char *app, const char *branch, char ret[APPNAME_MAX + 1], struct err *err);

#endif
