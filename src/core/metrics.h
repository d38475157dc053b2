/* What is counted for /metrics, since core's start, and the page itself. */
#ifndef PGO_CORE_METRICS_H
#define PGO_CORE_METRICS_H

#include <stdint.h>

#include "base/buf.h"
#include "core/commands.h"
#include "core/exposition.h"

struct core;
struct service;

enum {
	METRICS_MAX = 16 * 1024 * 1024, /* bytes of the page; what does not fit is left out, and the log says so */
	METRICS_BUCKETS = 7,
	METRICS_STEPS_MAX = 48,	   /* steps of the pipeline; the rows of its table are fewer */
	METRICS_OUTCOMES_MAX = 16, /* likewise of the endings of deploys */
};

/* How long steps may take to be counted in each bucket: from "nothing to do" over a pull to a watch that times out. */
extern const int64_t metrics_bounds_ms[METRICS_BUCKETS];

/* How long something took: how many times at most as long as each bound, and in all. */
struct metrics_histogram {
	const char *what; /* static */
	uint64_t buckets[METRICS_BUCKETS];
	uint64_t count;
	int64_t sum_ms;
};

struct metrics_outcome {
	const char *what; /* static */
	uint64_t count;
};

/* Of a service. Zeroed is empty. */
struct metrics_service {
	uint64_t commands[COMMANDS_MAX], command_errors[COMMANDS_MAX];
	struct metrics_outcome deploys[METRICS_OUTCOMES_MAX];
	char last_outcome[24]; /* "": no deploy yet */
	int64_t last_ended_ms; /* wall clock */
	uint64_t heals;
	uint64_t poll_errors;
	int poll_failures; /* in a row */
	int64_t polled_ms; /* wall clock of the last good one; 0: none yet */
};

/* Of the whole core. */
struct metrics_core {
	struct metrics_histogram steps[METRICS_STEPS_MAX];
	int statm; /* /proc/self/statm, opened before the door was closed; -1 */
	int max_fds;
	int64_t started_ms;
};

/* Finds out what cannot be found out any more once the sandbox is entered. */
void metrics_prepare(struct metrics_core *m);
/* A job of this kind starts, or has failed. A service that is not configured any more is not counted. */
void metrics_command(struct core *core, const char *service, const char *kind);
void metrics_command_failed(struct core *core, const char *service, const char *kind);
/* A step of a deploy took so long; step is static. */
void metrics_step(struct core *core, const char *step, int64_t took_ms);
/* A deploy has ended just now; outcome is static. */
void metrics_deploy(struct service *svc, const char *outcome);
/* How the last deploy ended, as the store knows it. */
void metrics_last_deploy(struct service *svc, const char *outcome, int64_t ended_ms);
/* The remote was asked; ok: it gave an answer that can be used. */
void metrics_poll(struct service *svc, bool ok);

/* The page. */
void metrics_text(const struct core *core, struct buf *b);
/* A word that says why pgo cannot do its work; "" when it can. Static. */
const char *metrics_health(const struct core *core);

/* "NAME TYPE" of each metric, a line each: for the manual's test. */
void metrics_list(struct buf *b);

#endif
