/* How a service is, in words: what `status` tells people and metrics tell machines. */
#ifndef PGO_CORE_STATUS_H
#define PGO_CORE_STATUS_H

#include <stddef.h>

#include "core/service.h"

enum status_is { STATUS_NO, STATUS_YES, STATUS_UNKNOWN };

struct status_summary {
	const char *state; /* "live", "held", "broken", ...; borrowed from the service */
	enum status_is deployed, healthy, in_sync;
	size_t running, containers;
};

/* The same answers as those of `status`, without the reasons. */
void status_summarise(const struct service *svc, struct status_summary *ret);

/* One of the three things that people want to know, with its reason. */
struct answer {
	enum status_is is;
	char *text;
};

struct status {
	const char *state; /* "live", "held", ...; static but for the verdict on a commit, which is the service's */
	struct answer deployed;
	struct answer healthy;
	struct answer in_sync;
	struct answer routes; /* does the proxy go by them? text NULL for a service that imports none */
	struct answer sites;  /* does the proxy on the host lead there? text NULL without one, or without sites */
	size_t running, containers;
};
#define auto_status __attribute__((cleanup(status_done)))

/* As it is now; status_done frees it. */
void status_look(const struct service *svc, struct status *ret);
void status_done(struct status *s);
/* {"is": true, false or null, "reason"}. The caller owns it. */
json_t *answer_json(const struct answer *a);
/* "label       text": one line a fact. Reasons may hold what others wrote. */
void status_fact(struct buf *out, const char *label, const char *text);

#endif
