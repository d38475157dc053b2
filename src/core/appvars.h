/* The variables of an app as they are stored: a version is current with the release that was resolved with it. */
#ifndef PGO_CORE_APPVARS_H
#define PGO_CORE_APPVARS_H

#include <stdint.h>

#include "base/err.h"
#include "core/vars.h"

struct service;

/* A version; 0: none, which is empty. */
int appvars_load(const struct service *svc, int64_t version, struct vars *ret, struct err *err);
/* Writes another version, durably; its values are hidden from now on. */
int appvars_store(struct service *svc, const struct vars *vars, int64_t *ret_version, struct err *err);
/* Drops the versions that neither a release nor a waiting task has. */
void appvars_tidy(struct service *svc);
/* svc->masks: of the configuration's secrets, and of all stored versions. */
void appvars_mask(struct service *svc);

#endif
