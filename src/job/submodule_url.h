/* Where a submodule comes from. The URL stands in the repository's .gitmodules, so whoever can push has written it.
 * Pure.
 */
#ifndef PGO_JOB_SUBMODULE_URL_H
#define PGO_JOB_SUBMODULE_URL_H

#include <stdbool.h>

#include "base/err.h"

/* The URL that `written` means in a repository that came from `base`. *ret_foreign: it is of another server, which gets
 * no credentials and is asked by https alone. The caller frees. -EINVAL with the end of a sentence that begins with
 * the submodule's name for what is not fetched. */
int submodule_url(const char *base, const char *written, char **ret_url, bool *ret_foreign, struct err *err);

#endif
