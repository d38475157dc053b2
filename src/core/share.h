/* Services of one repository and branch: one of them asks the remote, all hear the answer, one fetches, the others take
 * the commit from it. Accounts share only what is the same for each of them: a URL whose credentials, if any, stand in
 * it. */
#ifndef PGO_CORE_SHARE_H
#define PGO_CORE_SHARE_H

#include <stdbool.h>

struct service;

/* Another service of the group is asking the remote now, and will tell. */
bool share_is_asked(const struct service *svc);
/* The others hear that the branch is at oid: who has to do something about it does, all look again an interval later.
 */
void share_answer(struct service *svc, const char *oid);
/* Those of the same account hear that it cannot be known; of another one, who waited for the answer asks for itself.
 * error, failing: as of look_note. */
void share_failure(struct service *svc, const char *error, bool failing);
/* A service of the group whose repository has this commit, NULL when there is none. */
struct service *share_lender(const struct service *svc, const char *oid);

#endif
