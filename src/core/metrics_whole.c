/* What is told of pgo as a whole, and of the process that tells it. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "core/metrics_page.h"
#include "core/proxy.h"

static void
build_info(const struct page *p, const char *name)
{
	exposition_name(p->b, name, "");
	exposition_label(p->b, "version", PGO_VERSION, true);
	exposition_value(p->b, 1, true);
}

static bool
engine_up(const struct core *core, int64_t *ret)
{
	*ret = core->engine_up;
	return true;
}

static bool
services(const struct core *core, int64_t *ret)
{
	*ret = core->conf != NULL ? (int64_t)conf_count(core->conf) : 0;
	return true;
}

static bool
services_busy(const struct core *core, int64_t *ret)
{
	*ret = (int64_t)core->busy;
	return true;
}

static bool
services_waiting(const struct core *core, int64_t *ret)
{
	const struct service *svc;

	*ret = 0;
	TAILQ_FOREACH(svc, &core->services, entry)
	*ret += svc->waits;
	return true;
}

static bool
jobs(const struct core *core, int64_t *ret)
{
	*ret = (int64_t)core->njobs;
	return true;
}

static bool
clients(const struct core *core, int64_t *ret)
{
	*ret = (int64_t)core->nclients;
	return true;
}

static bool
proxy_up_to_date(const struct core *core, int64_t *ret)
{
	int64_t written_ms = 0;
	bool ok = false;
	bool known = proxy_state(core, &ok, &written_ms);

	*ret = ok;
	return known;
}

static bool
proxy_written(const struct core *core, int64_t *ret)
{
	bool ok = false;

	return proxy_state(core, &ok, ret) && *ret != 0;
}

static bool
start_time(const struct core *core, int64_t *ret)
{
	*ret = core->metrics.started_ms;
	return true;
}

static bool
cpu_time(const struct core *core, int64_t *ret)
{
	struct timespec ts;

	(void)core;
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) < 0)
		return false;
	*ret = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	return true;
}

/* The second number of statm: resident pages. */
static bool
memory(const struct core *core, int64_t *ret)
{
	char text[128] = "";
	int64_t pages = 0;
	char *word;

	if (pread(core->metrics.statm, text, sizeof(text) - 1, 0) <= 0)
		return false;
	word = text + strcspn(text, " ");
	word += strspn(word, " ");
	word[strcspn(word, " ")] = '\0';
	if (!str_to_int(word, 0, INT64_MAX / 65536, &pages))
		return false;
	*ret = pages * sysconf(_SC_PAGESIZE);
	return true;
}

static bool
max_fds(const struct core *core, int64_t *ret)
{
	*ret = core->metrics.max_fds;
	return true;
}

/* /proc is out of reach; there are so few numbers that each can be asked for. */
static bool
open_fds(const struct core *core, int64_t *ret)
{
	*ret = 0;
	for (int fd = 0; fd < core->metrics.max_fds; fd++)
		*ret += fcntl(fd, F_GETFD) >= 0;
	return true;
}

static void
histogram(struct buf *b, const char *name, const struct metrics_histogram *h)
{
	for (size_t i = 0; i <= METRICS_BUCKETS; i++) {
		bool last = i == METRICS_BUCKETS;
		char bound[32] = "+Inf";

		if (!last)
			snprintf(bound, sizeof(bound), "%" PRId64 ".%" PRId64, metrics_bounds_ms[i] / 1000,
			    metrics_bounds_ms[i] % 1000 / 100);
		exposition_name(b, name, "_bucket");
		exposition_label(b, "step", h->what, true);
		exposition_label(b, "le", bound, false);
		exposition_value(b, (int64_t)(last ? h->count : h->buckets[i]), true);
	}
	exposition_name(b, name, "_sum");
	exposition_label(b, "step", h->what, true);
	exposition_milli(b, h->sum_ms, true);
	exposition_name(b, name, "_count");
	exposition_label(b, "step", h->what, true);
	exposition_value(b, (int64_t)h->count, true);
}

static void
step_durations(const struct page *p, const char *name)
{
	for (size_t i = 0; i < METRICS_STEPS_MAX && p->core->metrics.steps[i].what != NULL; i++)
		histogram(p->b, name, &p->core->metrics.steps[i]);
}

/* clang-format off */
const struct metric metrics_whole[] = {
	{"pgo_build_info", METRIC_GAUGE, WHOLE, NULL, NULL, build_info, "Always 1; the version of pgo."},
	{"pgo_engine_up", METRIC_GAUGE, WHOLE, engine_up, NULL, NULL, "Whether the engine answers."},
	{"pgo_services", METRIC_GAUGE, WHOLE, services, NULL, NULL, "Services that are configured."},
	{"pgo_services_busy", METRIC_GAUGE, WHOLE, services_busy, NULL, NULL, "Services that something is being done for."},
	{"pgo_services_waiting", METRIC_GAUGE, WHOLE, services_waiting, NULL, NULL, "Services that wait for their turn."},
	{"pgo_jobs", METRIC_GAUGE, WHOLE, jobs, NULL, NULL, "Jobs (git, compose) that run."},
	{"pgo_clients", METRIC_GAUGE, WHOLE, clients, NULL, NULL, "SSH connections of operators."},
	{"pgo_proxy_up_to_date", METRIC_GAUGE, WHOLE, proxy_up_to_date, NULL, NULL, "Whether the proxy on the host leads to what runs."},
	{"pgo_proxy_written_timestamp_seconds", METRIC_GAUGE, MILLI, proxy_written, NULL, NULL, "When the proxy's file was written."},
	{"pgo_step_duration_seconds", METRIC_HISTOGRAM, WHOLE, NULL, NULL, step_durations, "How long the steps of deploys took."},
	{"process_start_time_seconds", METRIC_GAUGE, MILLI, start_time, NULL, NULL, "When pgod-core started."},
	{"process_cpu_seconds_total", METRIC_COUNTER, MILLI, cpu_time, NULL, NULL, "Processor time of pgod-core."},
	{"process_resident_memory_bytes", METRIC_GAUGE, WHOLE, memory, NULL, NULL, "Memory of pgod-core."},
	{"process_open_fds", METRIC_GAUGE, WHOLE, open_fds, NULL, NULL, "Open descriptors of pgod-core."},
	{"process_max_fds", METRIC_GAUGE, WHOLE, max_fds, NULL, NULL, "How many pgod-core may open."},
};
/* clang-format on */
const size_t metrics_nwhole = ARRAY_LEN(metrics_whole);
