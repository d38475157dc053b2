/* Where a service is asked for on the web: for status, lists and whoever pushes. */
#ifndef PGO_CORE_URLS_H
#define PGO_CORE_URLS_H

#include <jansson.h>

#include "base/str.h"

struct service;

/* Adds those that `urls` of pgo.toml says, then those of its app that lead there now (app_urls). */
void urls_of(const struct service *svc, struct strv *ret);
/* The same as a list. The caller owns it. */
json_t *urls_json(const struct service *svc);

#endif
