/* The commit is judged: what its model asks for, the symbolic links on its paths, the labels of its images. */
#include <string.h>

#include "base/auto.h"
#include "compose/limit.h"
#include "compose/policy.h"
#include "core/deploy_steps.h"

/* What the other services of the host have taken, in a new array that the caller frees; what it points at is theirs. */
static struct policy_other *
other_services(const struct service *svc, size_t *ret_n)
{
	struct policy_other *others;
	const struct service *other;
	size_t n = 0;

	TAILQ_FOREACH(other, &svc->core->services, entry)
	n++;
	others = calloc(n + 1, sizeof(*others));
	if (others == NULL)
		abort();
	n = 0;
	TAILQ_FOREACH(other, &svc->core->services, entry)
	{
		if (other == svc)
			continue;
		others[n++] = (struct policy_other){
		    .name = other->conf->name,
		    .before = other->conf < svc->conf,
		    .urls = &other->conf->urls,
		    .names = other->names,
		};
	}
	*ret_n = n;
	return others;
}

static struct policy
policy_of(const struct service *svc, const struct policy_other *others, size_t nothers)
{
	const struct conf_service *conf = svc->conf;

	return (struct policy){
	    .project = conf->name,
	    .live = svc->live_path,
	    .datadir = svc->data_path,
	    .root = str_eq(conf->user, "root"),
	    .has_networks = conf->has_networks,
	    .networks = &conf->networks,
	    .allow = &conf->allow,
	    .ports = &conf->ports,
	    .urls = &conf->urls,
	    .limits = {.cpus_milli = conf->cpus_milli, .memory_bytes = conf->memory_bytes, .pids = conf->pids},
	    .others = others,
	    .nothers = nothers,
	};
}

static void
refuse_symlinks(const struct deploy *d, struct violations *vs)
{
	for (size_t i = 0; i < d->answers.n; i++) {
		if (str_starts(d->answers.v[i], "symlink "))
			policy_symlink(d->model, d->inputs.v[i], d->answers.v[i] + strlen("symlink "), vs);
	}
}

/* A model without services, or with inactive profiles only, would take everything down. */
static int
something_runs(struct deploy *d, struct err *err)
{
	auto_model_services struct model_services facts = {NULL, 0};

	if (model_service_facts(d->model, &facts, err) < 0)
		return -err->num;
	if (facts.n == 0)
		return deploy_ends(d, OUTCOME_REFUSED,
		    "services: the compose file has none to run (those of inactive profiles do not count); to take the service down, "
		    "ask for stop or down");
	return STEP_NEXT;
}

/* One JSON document and a newline, on stdout. */
static void
tell_programs(const struct deploy *d, const struct violations *vs)
{
	auto_json json_t *all = violations_json(vs);
	auto_free char *text = NULL;

	if (!d->task->json)
		return;
	text = json_dumps(all, JSON_INDENT(2));
	if (text == NULL)
		abort();
	task_say(d->task, 1, text, strlen(text));
	task_say(d->task, 1, "\n", 1);
}

static int
refuse(struct deploy *d, const struct violations *vs)
{
	auto_free char *text = violations_text(vs);

	tell_programs(d, vs);
	/* They are what load was asked for; to up they are why it failed. */
	if (!d->task->json)
		task_say(d->task, d->mode == DEPLOY_CHECK ? 1 : 2, text, strlen(text));
	d->told = true;
	return deploy_ends(d, OUTCOME_REFUSED, "policy: %s", text);
}

/* The administrator's limits become part of the model here, before its digest: another limit is another release. */
int
step_policy(struct deploy *d, struct err *err)
{
	size_t nothers = 0;
	auto_free struct policy_other *others = other_services(d->svc, &nothers);
	struct policy policy = policy_of(d->svc, others, nothers);
	auto_violations struct violations vs = {0};

	policy_check(d->model, &policy, &vs);
	refuse_symlinks(d, &vs);
	if (vs.n > 0)
		return refuse(d, &vs);
	if (d->mode == DEPLOY_CHECK)
		tell_programs(d, &vs);
	model_limit(d->model, &policy.limits);
	return something_runs(d, err);
}

/* A container takes over the labels of its image. */
int
step_image_labels(struct deploy *d, struct err *err)
{
	struct policy policy = policy_of(d->svc, NULL, 0);
	auto_violations struct violations vs = {0};
	const char *service;
	json_t *labels;

	(void)err;
	json_object_foreach(d->image_labels, service, labels) policy_image_labels(labels, service, &policy, &vs);
	return vs.n > 0 ? refuse(d, &vs) : STEP_NEXT;
}
