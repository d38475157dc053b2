/* How a service is, in words: what `status` tells people and metrics tell machines. */
#ifndef PGO_CORE_STATUS_H
#define PGO_CORE_STATUS_H

#include <stddef.h>

struct service;

enum status_is { STATUS_NO, STATUS_YES, STATUS_UNKNOWN };

struct status_summary {
	const char *state; /* "live", "held", "broken", ...; borrowed from the service */
	enum status_is deployed, healthy, in_sync;
	size_t running, containers;
};

/* The same answers as those of `status`, without the reasons. */
void status_summarise(const struct service *svc, struct status_summary *ret);

#endif
