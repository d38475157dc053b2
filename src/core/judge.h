/* The policy of a service as it is today: its configuration, and what the other services of the host have taken. */
#ifndef PGO_CORE_JUDGE_H
#define PGO_CORE_JUDGE_H

#include <jansson.h>

#include "compose/limit.h"
#include "compose/policy.h"

struct service;

/* Adds what the policy refuses of a resolved model. */
void judge_model(const struct service *svc, const json_t *model, struct violations *ret);
/* The same of an approved model, pinned or not, which has to run as it is. */
void judge_release(const struct service *svc, const json_t *approved, struct violations *ret);
/* And of the labels and variables of its images, by compose service: {"web": {"Labels", "Env"}}. */
void judge_image_configs(const struct service *svc, json_t *configs, struct violations *ret);
struct model_limits judge_limits(const struct service *svc);

/* Holds the service's current release against the rules of today: what they refuse of it is kept, and said in the log
 * and in svc->breach. */
void judge_current(struct service *svc);

#endif
