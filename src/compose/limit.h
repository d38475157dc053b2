/* What a container may take at most of the host: the administrator's limits. */
#ifndef PGO_COMPOSE_LIMIT_H
#define PGO_COMPOSE_LIMIT_H

#include <jansson.h>
#include <stdint.h>

struct policy;
struct violations;

struct model_limits {
	int64_t cpus_milli;   /* thousandths of a processor; 0: no limit */
	int64_t memory_bytes; /* likewise */
	int64_t pids;	      /* likewise */
};

/* Gives every service of the model the limits that it does not set itself. policy_check() has seen that those it sets
 * are not larger. */
void model_limit(json_t *model, const struct model_limits *limits);

/* A stored model runs as it is, so what it does not limit stays unlimited: adds a violation for each service without a
 * limit that the policy sets. */
void policy_unlimited(const json_t *model, const struct policy *policy, struct violations *ret);

#endif
