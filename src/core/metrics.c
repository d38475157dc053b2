/* Counting. What is counted is lost with core, as Prometheus expects of counters. */
#include "core/metrics.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/io.h"
#include "base/str.h"
#include "core/service.h"

const int64_t metrics_bounds_ms[METRICS_BUCKETS] = {100, 500, 2000, 10 * 1000, 30 * 1000, 120 * 1000, 600 * 1000};

void
metrics_prepare(struct metrics_core *m)
{
	struct rlimit rl;

	m->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	m->started_ms = io_wall_ms();
	m->max_fds = getrlimit(RLIMIT_NOFILE, &rl) < 0 ? 0 : (int)rl.rlim_cur;
}

static void
count_command(struct core *core, const char *service, const char *kind, bool failed)
{
	struct service *svc = core_service(core, service);
	int i = commands_index(kind);

	if (svc == NULL || i < 0)
		return;
	if (failed)
		svc->metrics.command_errors[i]++;
	else
		svc->metrics.commands[i]++;
}

void
metrics_command(struct core *core, const char *service, const char *kind)
{
	count_command(core, service, kind, false);
}

void
metrics_command_failed(struct core *core, const char *service, const char *kind)
{
	count_command(core, service, kind, true);
}

void
metrics_step(struct core *core, const char *step, int64_t took_ms)
{
	for (size_t i = 0; i < METRICS_STEPS_MAX; i++) {
		struct metrics_histogram *h = &core->metrics.steps[i];

		if (h->what != NULL && !str_eq(h->what, step))
			continue;
		h->what = step;
		h->count++;
		h->sum_ms += took_ms;
		for (size_t k = 0; k < METRICS_BUCKETS; k++)
			h->buckets[k] += took_ms <= metrics_bounds_ms[k];
		return;
	}
}

void
metrics_last_deploy(struct service *svc, const char *outcome, int64_t ended_ms)
{
	snprintf(svc->metrics.last_outcome, sizeof(svc->metrics.last_outcome), "%s", outcome);
	svc->metrics.last_ended_ms = ended_ms;
}

void
metrics_deploy(struct service *svc, const char *outcome)
{
	struct metrics_outcome *o = svc->metrics.deploys;

	metrics_last_deploy(svc, outcome, io_wall_ms());
	for (size_t i = 0; i < METRICS_OUTCOMES_MAX; i++) {
		if (o[i].what != NULL && !str_eq(o[i].what, outcome))
			continue;
		o[i].what = outcome;
		o[i].count++;
		return;
	}
}

void
metrics_poll(struct service *svc, bool ok)
{
	struct metrics_service *m = &svc->metrics;

	m->poll_failures = ok ? 0 : m->poll_failures + 1;
	m->poll_errors += !ok;
	if (ok)
		m->polled_ms = io_wall_ms();
}

const char *
metrics_health(const struct core *core)
{
	if (core->quitting)
		return "stopping";
	if (!core->loaded)
		return "starting";
	return core->engine_up ? "" : "engine";
}
