/* What is told of each service. */
#include "base/auto.h"
#include "core/metrics_page.h"

static const char *
name_of(const struct subject *s)
{
	return s->svc->name;
}

/* A sample of a service with one more label. */
static void
service_sample(
    struct buf *b, const char *name, const struct subject *s, const char *label, const char *text, int64_t value)
{
	exposition_name(b, name, "");
	exposition_label(b, "service", name_of(s), true);
	exposition_label(b, label, text, false);
	exposition_value(b, value, true);
}

static void
service_info(const struct page *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct service *svc = p->subjects[i].svc;

		exposition_name(p->b, name, "");
		exposition_label(p->b, "service", name_of(&p->subjects[i]), true);
		exposition_label(p->b, "branch", svc->conf->hosted ? "" : svc->conf->branch,
		    false); /* who pushes chooses its name */
		exposition_label(p->b, "commit", svc->row.release != 0 ? svc->release.commit : "", false);
		exposition_label(p->b, "tracked", svc->row.tracked, false);
		exposition_value(p->b, 1, true);
	}
}

static void
service_state(const struct page *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		service_sample(p->b, name, &p->subjects[i], "state", p->subjects[i].status.state, 1);
}

static bool
known(enum status_is is, int64_t *ret)
{
	*ret = is == STATUS_YES;
	return is != STATUS_UNKNOWN;
}

static bool
deployed(const struct subject *s, int64_t *ret)
{
	return known(s->status.deployed, ret);
}

static bool
healthy(const struct subject *s, int64_t *ret)
{
	return known(s->status.healthy, ret);
}

static bool
in_sync(const struct subject *s, int64_t *ret)
{
	return known(s->status.in_sync, ret);
}

static bool
held(const struct subject *s, int64_t *ret)
{
	*ret = s->svc->held;
	return true;
}

/* Absent for a service that imports none. */
static bool
routes_loaded(const struct subject *s, int64_t *ret)
{
	bool is = false;
	auto_free char *text = import_status(s->svc, &is);

	*ret = is;
	return text != NULL;
}

static bool
stopped(const struct subject *s, int64_t *ret)
{
	*ret = service_stopped(s->svc, NULL);
	return true;
}

static bool
broken(const struct subject *s, int64_t *ret)
{
	*ret = s->svc->broken[0] != '\0';
	return true;
}

static bool
containers(const struct subject *s, int64_t *ret)
{
	*ret = (int64_t)s->status.containers;
	return s->svc->core->engine_up;
}

static bool
containers_running(const struct subject *s, int64_t *ret)
{
	*ret = (int64_t)s->status.running;
	return s->svc->core->engine_up;
}

static bool
out_of_memory(const struct subject *s, int64_t *ret)
{
	*ret = s->svc->oom.count;
	return true;
}

static bool
last_good_deploy(const struct subject *s, int64_t *ret)
{
	*ret = s->svc->release.good_ms;
	return s->svc->row.release != 0 && *ret != 0;
}

static bool
last_deploy(const struct subject *s, int64_t *ret)
{
	*ret = s->svc->metrics.last_ended_ms;
	return *ret != 0;
}

static void
last_outcome(const struct page *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		const char *outcome = p->subjects[i].svc->metrics.last_outcome;

		if (outcome[0] != '\0')
			service_sample(p->b, name, &p->subjects[i], "outcome", outcome, 1);
	}
}

static void
deploys(const struct page *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct metrics_outcome *o = p->subjects[i].svc->metrics.deploys;

		for (size_t k = 0; k < METRICS_OUTCOMES_MAX && o[k].what != NULL; k++)
			service_sample(p->b, name, &p->subjects[i], "outcome", o[k].what, (int64_t)o[k].count);
	}
}

static bool
heals(const struct subject *s, int64_t *ret)
{
	*ret = (int64_t)s->svc->metrics.heals;
	return true;
}

static bool
poll_errors(const struct subject *s, int64_t *ret)
{
	*ret = (int64_t)s->svc->metrics.poll_errors;
	return true;
}

static bool
poll_failures(const struct subject *s, int64_t *ret)
{
	*ret = s->svc->metrics.poll_failures;
	return true;
}

static bool
last_poll(const struct subject *s, int64_t *ret)
{
	*ret = s->svc->metrics.polled_ms;
	return *ret != 0;
}

static void
command_samples(const struct page *p, const char *name, const struct subject *s, const uint64_t *counts)
{
	size_t n;
	const struct command *table = commands_table(&n);

	for (size_t i = 0; i < n; i++) {
		if (counts[i] == 0)
			continue;
		exposition_name(p->b, name, "");
		exposition_label(p->b, "service", name_of(s), true);
		exposition_label(p->b, "cmd", table[i].cmd, false);
		exposition_label(p->b, "subcmd", table[i].subcmd, false);
		exposition_value(p->b, (int64_t)counts[i], true);
	}
}

static void
commands(const struct page *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		command_samples(p, name, &p->subjects[i], p->subjects[i].svc->metrics.commands);
}

static void
command_errors(const struct page *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		command_samples(p, name, &p->subjects[i], p->subjects[i].svc->metrics.command_errors);
}

/* clang-format off */
const struct metric metrics_each[] = {
	{"pgo_service_info", METRIC_GAUGE, WHOLE, NULL, NULL, service_info,
	    "Always 1; the branch, the commit that is deployed and the newest one that is followed."},
	{"pgo_service_state", METRIC_GAUGE, WHOLE, NULL, NULL, service_state, "Always 1; the state in a word, as status tells it."},
	{"pgo_service_deployed", METRIC_GAUGE, WHOLE, NULL, deployed, NULL, "Whether a release is deployed."},
	{"pgo_service_healthy", METRIC_GAUGE, WHOLE, NULL, healthy, NULL,
	    "Whether all that should run runs well; absent while the engine does not answer."},
	{"pgo_service_in_sync", METRIC_GAUGE, WHOLE, NULL, in_sync, NULL,
	    "Whether what is deployed is the newest commit; absent while the repository does not answer."},
	{"pgo_service_held", METRIC_GAUGE, WHOLE, NULL, held, NULL, "Whether an operator holds it down."},
	{"pgo_service_stopped", METRIC_GAUGE, WHOLE, NULL, stopped, NULL, "Whether an operator has stopped the whole of it."},
	{"pgo_service_broken", METRIC_GAUGE, WHOLE, NULL, broken, NULL, "Whether pgo has given up bringing it up."},
	{"pgo_service_routes_loaded", METRIC_GAUGE, WHOLE, NULL, routes_loaded, NULL, "Whether its proxy goes by the routes."},
	{"pgo_service_containers", METRIC_GAUGE, WHOLE, NULL, containers, NULL, "Its containers."},
	{"pgo_service_containers_running", METRIC_GAUGE, WHOLE, NULL, containers_running, NULL, "Those of them that run."},
	{"pgo_service_memory_kills", METRIC_GAUGE, WHOLE, NULL, out_of_memory, NULL,
	    "Processes that the kernel ended for want of memory since the release went live."},
	{"pgo_service_last_good_deploy_timestamp_seconds", METRIC_GAUGE, MILLI, NULL, last_good_deploy, NULL,
	    "When the deployed release was last found to be good by a deploy."},
	{"pgo_service_last_deploy_timestamp_seconds", METRIC_GAUGE, MILLI, NULL, last_deploy, NULL, "When the last deploy ended."},
	{"pgo_service_last_deploy_outcome", METRIC_GAUGE, WHOLE, NULL, NULL, last_outcome, "Always 1; how the last deploy ended."},
	{"pgo_service_deploys_total", METRIC_COUNTER, WHOLE, NULL, NULL, deploys, "Deploys by how they ended."},
	{"pgo_service_heals_total", METRIC_COUNTER, WHOLE, NULL, heals, NULL, "How often containers were brought up again."},
	{"pgo_service_poll_errors_total", METRIC_COUNTER, WHOLE, NULL, poll_errors, NULL, "Looks at the repository that failed."},
	{"pgo_service_poll_failures", METRIC_GAUGE, WHOLE, NULL, poll_failures, NULL, "Looks at the repository that failed in a row."},
	{"pgo_service_last_poll_timestamp_seconds", METRIC_GAUGE, MILLI, NULL, last_poll, NULL, "When the repository last answered."},
	{"pgo_command_count", METRIC_COUNTER, WHOLE, NULL, NULL, commands, "Commands that were started."},
	{"pgo_command_error_count", METRIC_COUNTER, WHOLE, NULL, NULL, command_errors, "Commands that failed."},
};
/* clang-format on */
const size_t metrics_neach = ARRAY_LEN(metrics_each);
