/* The commit is judged: what its model asks for, the symbolic links on its paths, the labels and variables of its
 * images. */
#include <string.h>

#include "base/auto.h"
#include "compose/limit.h"
#include "compose/policy.h"
#include "core/client.h"
#include "core/deploy_steps.h"
#include "core/judge.h"

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

void
deploy_tell_programs(struct deploy *d, const struct violations *vs)
{
	auto_json json_t *all = violations_json(vs);
	auto_free char *text = NULL;

	if (!d->task->json || d->told)
		return;
	/* A rollback is told of as a whole, at its end. */
	if (d->mode == DEPLOY_BACK) {
		d->violations = json_incref(json_object_get(all, "violations"));
		return;
	}
	d->told = true;
	json_object_set_new(all, "reason", client_text_json(d->reason));
	text = client_document(all);
	task_say(d->task, 1, text, strlen(text));
}

static int
refuse(struct deploy *d, const struct violations *vs)
{
	auto_free char *text = violations_text(vs);
	auto_free char *summary = violations_summary(vs);

	deploy_ends(d, OUTCOME_REFUSED, "policy: %s", summary);
	deploy_tell_programs(d, vs);
	if (d->mode == DEPLOY_BACK)
		task_sayf(d->task, "release %lld (%.8s) was approved by other rules; those of today refuse it:\n",
		    (long long)d->release, d->commit);
	/* They are what load was asked for; to up they are why it failed. */
	if (!d->task->json)
		task_say(d->task, d->mode == DEPLOY_CHECK ? 1 : 2, text, strlen(text));
	d->told = true;
	return STEP_END;
}

/* What an operator goes back to was approved by the rules of its day, and is held against those of today. Not so what
 * is put back or healed: a rule that has become narrower takes nothing down. */
static int
judge_stored(struct deploy *d)
{
	auto_violations struct violations vs = {0};

	judge_release(d->svc, d->model, &vs);
	return vs.n > 0 ? refuse(d, &vs) : STEP_NEXT;
}

/* The administrator's limits become part of the model here, before its digest: another limit is another release. */
int
step_policy(struct deploy *d, struct err *err)
{
	const struct model_limits limits = judge_limits(d->svc);
	auto_violations struct violations vs = {0};
	int rc;

	if (d->mode == DEPLOY_BACK)
		return judge_stored(d);
	judge_model(d->svc, d->model, &vs);
	refuse_symlinks(d, &vs);
	if (vs.n > 0)
		return refuse(d, &vs);
	model_limit(d->model, &limits);
	rc = something_runs(d, err);
	if (rc == STEP_NEXT && d->mode == DEPLOY_CHECK)
		deploy_tell_programs(d, &vs);
	return rc;
}

/* A container takes over the labels and variables of its image. */
int
step_image_labels(struct deploy *d, struct err *err)
{
	auto_violations struct violations vs = {0};

	(void)err;
	judge_image_configs(d->svc, d->image_configs, &vs);
	if (vs.n > 0)
		return refuse(d, &vs);
	deploy_decide_port(d);
	return STEP_NEXT;
}
