/* The config vars of an app, "NAME=value" each: what job resolve is given on its stdin. Values are any bytes but NUL.
 */
#ifndef PGO_JOB_APPVARS_H
#define PGO_JOB_APPVARS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum { APPVARS_MAX_BYTES = 1 << 20 };

/* Reads NUL-terminated vars to the end of file. Strict: -EINVAL for what is none, -EFBIG for too many. */
int appvars_read(int fd, struct strv *ret, struct err *err);
/* Is it "NAME=value", with a name that a variable can have? */
bool appvars_ok(const char *var);
/* Is it the var of that name? */
bool appvars_is(const char *var, const char *name);
/* The value; NULL when it is not set. Borrowed. */
const char *appvars_get(const struct strv *vars, const char *name);
/* Does it say something about the app, so that the app itself does not get it? */
bool appvars_reserved(const char *var);
/* May it be in the environment of compose itself? Not one that would tell compose, or the loader, what to do. */
bool appvars_may_interpolate(const char *var);

#endif
