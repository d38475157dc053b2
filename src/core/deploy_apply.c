/* From plan to watch: the release takes the place of what runs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/path.h"
#include "compose/app.h"
#include "core/deploy_steps.h"
#include "core/deploy_switch.h"
#include "core/rules.h"
#include "core/runs.h"
#include "core/watch.h"

/* Has an operator stopped all that the commit wants to run? Then `up` cannot name what may start. */
static bool
nothing_may_run(const struct deploy *d)
{
	auto_model_services struct model_services facts = {NULL, 0};
	auto_strv struct strv names = {NULL, 0};
	struct err err = ERR_INIT;

	if (d->svc->row.stopped[0] == '\0' || model_service_facts(d->model, &facts, &err) < 0)
		return false;
	service_not_stopped(d->svc, &facts, &names);
	return names.n == 0;
}

enum model_update
deploy_update(const struct deploy *d)
{
	enum model_update update = model_update(d->model);

	if (update == MODEL_UPDATE_UNSAID)
		update = model_update_of(d->svc->conf->update);
	/* A Dockerfile says nothing of it, and nothing stands in the way. */
	if (update == MODEL_UPDATE_UNSAID && app_is_made(d->model))
		return MODEL_UPDATE_START_FIRST;
	return update == MODEL_UPDATE_UNSAID ? MODEL_UPDATE_RECREATE : update;
}

/* What a changed release does to the containers, for people. */
static const char *const update_says[] = {
    [MODEL_UPDATE_RECREATE] = "everything goes down and comes up",
    [MODEL_UPDATE_IN_PLACE] = "what changed is replaced",
    [MODEL_UPDATE_START_FIRST] = "what changed is replaced, the new beside the old where that is possible",
};

/* Why the approved release is not applied now; NULL when it is. */
static const char *
why_not_now(const struct deploy *d)
{
	if (d->svc->held)
		return "the service is held down; it is applied when the hold goes";
	if (service_stopped(d->svc, NULL) || nothing_may_run(d))
		return "the service was stopped by an operator; `up` applies it";
	if (d->mode == DEPLOY_UP || d->mode == DEPLOY_PUSH || d->mode == DEPLOY_RESUME || d->mode == DEPLOY_BACK ||
	    d->svc->row.release == 0)
		return NULL;
	if (model_reload(d->model, !d->svc->conf->ignore))
		return NULL;
	return model_reload(d->model, true) ? "ignore is true in pgo.toml; `up` applies it"
					    : "x-pgo: reload is false; `up` applies it";
}

/* What an operator goes back from is not tried again until he says so. */
static void
judge_rollback(struct deploy *d)
{
	struct store_service *row = &d->svc->row;
	auto_free char *why = NULL;

	if (str_eq(d->commit, row->tracked))
		return;
	why = str_printf("%s went back to release %lld (%.8s); " RULES_BY_HAND,
	    d->task->who[0] != '\0' ? d->task->who : "an operator", (long long)d->release, d->commit);
	str_set(&row->judged, row->tracked);
	str_set(&row->verdict, "rolled back");
	str_set(&row->refusal, why);
}

/* Written down before anything is touched: a later pgod finishes what this one begins. */
static int
record_applying(struct deploy *d, struct err *err)
{
	int rc = store_deploy_release(d->svc->core->store, d->id, d->release, err);

	if (rc >= 0 && d->mode != DEPLOY_BACK && d->mode != DEPLOY_RESUME)
		rc = publish_intend(d, err);
	if (rc < 0)
		return rc;
	if (d->mode == DEPLOY_BACK)
		judge_rollback(d);
	d->svc->row.applying = d->release;
	return service_save(d->svc, err);
}

/* A rollback that nothing refuses ends an operator's stop: now, and not when it was asked for. */
static int
end_stop(struct deploy *d, struct err *err)
{
	return d->mode == DEPLOY_BACK && !d->task->scales ? service_set_stopped(d->svc, false, &d->task->args, err) : 0;
}

/* Does it bring up what does not run, although nothing has changed? A push is accepted when all runs well. */
static bool
wants_up(const struct deploy *d)
{
	auto_runs struct runs runs = RUNS_INIT;

	if (d->mode != DEPLOY_PUSH)
		return d->mode == DEPLOY_UP;
	service_runs(d->svc, &runs);
	return runs.missing.n > 0 || runs.unhealthy.n > 0 || runs.dying;
}

/* Decides: nothing to do, not now, only the files, or everything. */
int
step_plan(struct deploy *d, struct err *err)
{
	struct service *svc = d->svc;
	const char *why;

	if (end_stop(d, err) < 0)
		return -err->num;
	why = why_not_now(d);
	/* Files that nothing reads may follow even now; containers may not. */
	if (why != NULL && (d->changed || svc->held)) {
		/* It would be accepted before anybody knows whether it runs. */
		if (d->mode == DEPLOY_PUSH || d->task->scales)
			return deploy_ends(d, OUTCOME_REFUSED, "%s: %s again when it runs",
			    svc->held ? "the service is held down" : "the service was stopped by an operator",
			    d->task->scales ? "scale" : "push");
		if (d->mode == DEPLOY_RESUME)
			d->left = d->release;
		return deploy_ends(d, OUTCOME_PENDING, "%s", why);
	}
	if (d->changed) {
		task_sayf(d->task, "release %lld: %s\n", (long long)d->release, update_says[deploy_update(d)]);
		deploy_explain(d);
		return record_applying(d, err);
	}
	if (d->release == svc->row.release && str_eq(d->commit, svc->row.live) &&
	    (d->mode == DEPLOY_TRACK || d->mode == DEPLOY_PULL || (d->mode == DEPLOY_PUSH && !wants_up(d))))
		return deploy_ends(d, OUTCOME_UNCHANGED, "%s", "");
	return STEP_NEXT;
}

/* With the commits of all stored releases, so that each can be gone back to, whatever becomes of the branch. */
int
step_checkout(struct deploy *d, struct err *err)
{
	auto_strv struct strv args = {NULL, 0};

	/* What was interrupted, or failed, may have left the files half-way. */
	if (str_eq(d->commit, d->svc->row.live) && d->mode != DEPLOY_RESUME && !d->back)
		return STEP_NEXT;
	strv_add(&args, d->commit);
	if (store_release_commits(d->svc->core->store, d->svc->conf->name, &args, err) < 0)
		return -err->num;
	return deploy_job(d, "checkout", &args, NULL, 0, false);
}

/* Nothing reads what changed: the release of this commit runs already, as well as the one before it did. */
static int
only_files(struct deploy *d, struct err *err)
{
	struct service *svc = d->svc;
	bool good = svc->release.good_ms != 0;
	int rc = good ? store_release_good(svc->core->store, d->release, err) : 0;

	if (rc >= 0)
		rc = service_set_release(svc, d->release, err);
	if (rc >= 0)
		rc = service_save(svc, err);
	if (rc < 0)
		return rc;
	if (!wants_up(d) && !deploy_renames(d))
		return deploy_ends(d, OUTCOME_UNCHANGED, "only files that nothing reads have changed");
	return STEP_NEXT;
}

int
step_checkout_done(struct deploy *d, const struct job_result *r, struct err *err)
{
	struct service *svc = d->svc;

	if (str_starts(r->out, "kept ")) {
		log_warn("local edits of tracked files were saved before they were overwritten: %.*s service=%s",
		    (int)strcspn(r->out + 5, "\n"), r->out + 5, svc->conf->name);
		task_sayf(d->task, "local edits of tracked files were saved as %s", r->out + 5);
	}
	str_set(&svc->row.live, d->commit);
	import_look_again(svc);
	return d->changed || d->release == svc->row.release ? service_save(svc, err) : only_files(d, err);
}

/* Before what is mounted is made and pinned: the file itself may be. */
int
step_routes(struct deploy *d, struct err *err)
{
	const char *text = import_hand_out(d->svc);

	(void)err;
	return text == NULL ? STEP_NEXT : deploy_job(d, "routes", NULL, text, strlen(text), false);
}

int
step_routes_done(struct deploy *d, const struct job_result *r, struct err *err)
{
	(void)err;
	import_written(d->svc, r->out);
	return STEP_NEXT;
}

int
step_mkdirs(struct deploy *d, struct err *err)
{
	auto_strv struct strv binds = {NULL, 0};
	auto_buf struct buf in = BUF_INIT(MODEL_MAX);
	int rc = model_binds(d->model, &binds, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < binds.n; i++) {
		/* user = "root" may mount anything: what lies elsewhere is the administrator's to make. */
		if (path_is_beneath(d->svc->live_path, binds.v[i], NULL) ||
		    path_is_beneath(d->svc->data_path, binds.v[i], NULL))
			buf_add(&in, binds.v[i], strlen(binds.v[i]) + 1);
	}
	return in.len == 0 ? STEP_NEXT : deploy_job(d, "mkdirs", NULL, in.data, in.len, false);
}

struct alone {
	const char *service;
	size_t running;
	bool others;
};

static bool
count_alone(void *ctx, const struct container *c)
{
	struct alone *a = ctx;

	if (c->oneoff || c->state == CONTAINER_EXITED || c->state == CONTAINER_CREATED)
		return true;
	a->running++;
	a->others = a->others || c->state != CONTAINER_RUNNING || !str_eq(c->service, a->service);
	return true;
}

/* One container is to take the place of one of the same compose service: then `up` alone makes the new one, stops the
 * old one and starts the new one. That is the same with one compose less, most of whose time the service would be down.
 */
static bool
one_for_one(const struct deploy *d)
{
	auto_model_services struct model_services facts = {NULL, 0};
	struct err err = ERR_INIT;
	struct alone alone = {0};

	if (d->back || model_service_facts(d->model, &facts, &err) < 0 || facts.n != 1 || facts.v[0].scale != 1)
		return false;
	alone.service = facts.v[0].name;
	engine_containers(d->svc->core->engine, d->svc->conf->name, count_alone, &alone);
	return alone.running == 1 && !alone.others;
}

/* Stop, then up: a plain down would lose the data of anonymous volumes. */
int
step_stop(struct deploy *d, struct err *err)
{
	auto_runs struct runs runs = RUNS_INIT;

	(void)err;
	if (!d->changed || deploy_update(d) != MODEL_UPDATE_RECREATE || one_for_one(d))
		return STEP_NEXT;
	service_runs(d->svc, &runs);
	if (runs.running == 0)
		return STEP_NEXT;
	d->touched = true;
	return deploy_job(d, "stop", NULL, NULL, 0, true);
}

/* What an operator stopped stays stopped: then all others are named. */
static int
up_services(const struct deploy *d, struct strv *args, struct err *err)
{
	auto_model_services struct model_services facts = {NULL, 0};
	int rc;

	if (d->task->args.n > 0 && !d->changed) {
		for (size_t i = 0; i < d->task->args.n; i++)
			strv_add(args, d->task->args.v[i]);
		return 0;
	}
	if (d->svc->row.stopped[0] == '\0')
		return 0;
	rc = model_service_facts(d->model, &facts, err);
	if (rc >= 0)
		service_not_stopped(d->svc, &facts, args);
	return rc;
}

/* What this deploy may bring up and is unhealthy now. */
static int
unhealthy_services(const struct deploy *d, struct strv *ret, struct err *err)
{
	auto_model_services struct model_services facts = {NULL, 0};
	auto_runs struct runs runs = RUNS_INIT;
	bool some = d->task->args.n > 0 && !d->changed;
	int rc = model_service_facts(d->model, &facts, err);

	if (rc < 0)
		return rc;
	service_runs(d->svc, &runs);
	for (size_t i = 0; i < facts.n; i++) {
		const char *name = facts.v[i].name;

		if (strv_has(&runs.unhealthy, name) && (!some || strv_has(&d->task->args, name)))
			strv_add(ret, name);
	}
	return 0;
}

/* What was unhealthy before stays as it is under a mere `up`, and would be taken for what this release made of it. */
int
step_make_anew(struct deploy *d, struct err *err)
{
	auto_strv struct strv args = {NULL, 0};
	auto_strv struct strv names = {NULL, 0};
	int rc = d->changed && deploy_update(d) == MODEL_UPDATE_RECREATE ? 0 : unhealthy_services(d, &names, err);

	if (rc < 0 || names.n == 0)
		return rc < 0 ? rc : STEP_NEXT;
	strv_add(&args, "--no-deps");
	strv_add(&args, "--force-recreate");
	for (size_t i = 0; i < names.n; i++) {
		task_sayf(d->task, "%s is unhealthy and made anew\n", names.v[i]);
		strv_add(&args, names.v[i]);
	}
	d->touched = true;
	return deploy_job(d, "up", &args, d->approved, strlen(d->approved), true);
}

static int
run_up(struct deploy *d, struct err *err)
{
	auto_strv struct strv args = {NULL, 0};
	int rc;

	/* In the other styles compose finds by itself what differs: what is the same is left alone. Containers that
	 * were only stopped are the old release's still. */
	if (d->changed && deploy_update(d) == MODEL_UPDATE_RECREATE && (!d->back || d->upped))
		strv_add(&args, "--force-recreate");
	rc = up_services(d, &args, err);
	return rc < 0 ? rc : deploy_job(d, "up", &args, d->approved, strlen(d->approved), true);
}

int
switch_up(struct deploy *d, bool whole, struct err *err)
{
	return whole ? step_up_done(d, NULL, err) : run_up(d, err);
}

/* Start-first has made the containers already: where these are all, compose would only say so. */
int
step_up(struct deploy *d, struct err *err)
{
	free(TAKE(d->deaths));
	d->deaths = watch_deaths(d->svc->core->engine, d->svc->conf->name, &d->ndeaths);
	d->touched = d->touched || d->changed;
	d->upped = true;
	return switch_may_be_whole(d) ? switch_look_whole(d) : run_up(d, err);
}

/* Its containers are there now, whatever becomes of them. What cannot be recorded (a full disk) is recorded later. */
int
step_up_done(struct deploy *d, const struct job_result *r, struct err *err)
{
	struct service *svc = d->svc;
	int rc = d->release == svc->row.release ? 0 : service_set_release(svc, d->release, err);

	(void)r;
	svc->restore = false;
	if (rc < 0)
		return rc;
	service_save(svc, NULL);
	return STEP_NEXT;
}

int
step_up_failed(struct deploy *d, const struct job_result *r, struct err *err)
{
	char reason[ERR_MSG_MAX - 64];

	if (deploy_tries_again(d, r))
		return deploy_step_again(d, err);
	/* Killed, or overran, or the engine went away: that says nothing about the release, which is tried again. */
	if (r->status < 0 || r->status > 128 || !d->svc->core->engine_up)
		return err_set(err, EIO, "%s", job_reason(r, reason, sizeof(reason)));
	return deploy_ends(d, OUTCOME_UNHEALTHY, "up: %s", job_reason(r, reason, sizeof(reason)));
}
