/* Inside of the page: only metrics_*.c include this. */
#ifndef PGO_CORE_METRICS_PAGE_H
#define PGO_CORE_METRICS_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/metrics.h"
#include "core/service.h"
#include "core/status.h"

/* A service and what was found out about it for this page. */
struct subject {
	const struct service *svc;
	struct status_summary status;
};

struct page {
	struct buf *b;
	const struct core *core;
	struct subject *subjects; /* in the order of the configuration */
	size_t n;
};

/* One of the three tells what the metric is. */
struct metric {
	const char *name;
	enum metric_type type;
	enum { WHOLE, MILLI } unit;				 /* of what value and each give: MILLI: thousandths */
	bool (*value)(const struct core *core, int64_t *ret);	 /* one sample */
	bool (*each)(const struct subject *s, int64_t *ret);	 /* one a service */
	void (*samples)(const struct page *p, const char *name); /* several */
	const char *help;
};

/* The metrics of the whole, and those of each service. */
extern const struct metric metrics_whole[];
extern const size_t metrics_nwhole;
extern const struct metric metrics_each[];
extern const size_t metrics_neach;

#endif
