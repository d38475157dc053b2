/* How many containers an app has of each compose service, as an operator says: the app's, whatever its release, so it
 * is laid over a model when that is loaded. What nobody says of `web` its variable CONTAINERS does. */
#ifndef PGO_CORE_APPSCALE_H
#define PGO_CORE_APPSCALE_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct deploy;
struct service;

enum {
	APPSCALE_MAX = 64,	 /* containers of a compose service */
	APPSCALE_TEXT_MAX = 512, /* "web=3 worker=0" */
};

/* Adds "web=3" to such a text; what it said of web before goes. -EINVAL, -E2BIG with a sentence. */
int appscale_add(const char *word, struct buf *text, struct err *err);
/* Lays the app's over a model with this version of its variables; nothing for a tracked service. -EINVAL with a
 * sentence for what cannot stand several times: the rest is laid over all the same. */
int appscale_lay(const struct service *svc, int64_t vars, json_t *model, struct err *err);
/* The model of a release as it is applied now, text. */
int appscale_model(const struct service *svc, int64_t release, int64_t vars, struct buf *ret, struct err *err);
/* What should run follows this scale from now on, until it is kept, or dropped for the one of before. Only what is kept
 * is written down: a core that begins anew knows none that has not come to run well. */
int appscale_try(struct service *svc, const char *text, struct err *err);
void appscale_keep(struct service *svc);
int appscale_drop(struct service *svc, struct err *err);

#endif
