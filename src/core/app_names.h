/* The names by which apps are asked for on the web: NAME.domain, what the file CNAME of the deployed commit says, and
 * what was added by hand; and to which port of which container they lead. */
#ifndef PGO_CORE_APP_NAMES_H
#define PGO_CORE_APP_NAMES_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "core/app.h"
#include "core/domains.h"

struct cname;

/* All of these are for services with an app. */

/* Once its record is loaded: what visitors are led to since an earlier pgod. */
void names_init(struct service *svc);
/* The model of what is its current release from now on. */
void names_released(struct service *svc, const json_t *model);
/* The approved model to whose containers visitors are led before it is the current release's; NULL: to none. */
void names_next(struct service *svc, const json_t *approved);
/* Is it led to: has a release been good, does the current one have a port for visitors, and does the app stay? */
bool names_routed(const struct service *svc);
/* Lines of the app's record as a list, and the other way round; the caller frees. */
void names_lines(const char *lines, struct strv *ret);
char *names_join(const struct strv *names);
/* All that it may be called, its own name first; also what has become another's since. */
void names_of(const struct service *svc, struct strv *ret);
/* Who has which name; reserved: with what running deploys want to have. The caller ends it with domains_done. */
void names_all(struct core *core, bool reserved, struct domains *ret);
/* May it have its own name and what the file CNAME of a commit says? -EINVAL with a sentence. */
int names_judge(const struct service *svc, const struct cname *cname, struct err *err);
/* Calls fn for each host that is an app's, with the app's service, of all apps that are led to. */
void names_each_led(struct core *core, void (*fn)(void *ctx, const struct service *svc, const char *host), void *ctx);
/* Does a proxy lead there: that of the host, or one in a container on whose network the app has a name? */
bool names_led(const struct service *svc);
/* Where it is asked for, "http://app.example.org", its own name first: nothing as long as no proxy leads there. */
void app_urls(const struct service *svc, struct strv *ret);

#endif
