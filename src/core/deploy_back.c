/* Stored releases again: what an earlier pgod began, what an operator goes back to, and the last good one in the place
 * of one that failed. From the store and what is on the machine: no git remote, no registry. And what an operator ends.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "compose/pins.h"
#include "core/app.h"
#include "core/deploy_steps.h"
#include "core/masks.h"
#include "core/pin.h"

void
deploy_forget_model(struct deploy *d)
{
	probes_free(TAKE(d->probes));
	json_decref(TAKE(d->model));
	masks_free(TAKE(d->masks));
	json_decref(TAKE(d->image_configs));
	for (size_t i = 0; d->ids != NULL && i < d->images.n; i++)
		free(d->ids[i]);
	free(TAKE(d->ids));
	model_images_done(&d->images);
	d->images = (struct model_images){NULL, 0};
	free(TAKE(d->approved));
}

/* As the pipeline left it at approve. */
int
deploy_load_release(struct deploy *d, int64_t id, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(2 * MODEL_MAX);
	auto_store_release struct store_release r = {0};
	struct store *st = d->svc->core->store;
	auto_json json_t *approved = NULL;
	int rc = store_release_get(st, id, &r, err);

	if (rc == 0)
		rc = err_set(err, ENOENT, "release %lld has no record", (long long)id);
	if (rc >= 0)
		rc = appscale_model(d->svc, id, r.vars, &text, err);
	if (rc < 0)
		return rc;
	approved = model_parse(buf_str(&text), text.len, err);
	if (approved == NULL)
		return -err->num;
	deploy_forget_model(d);
	d->model = model_unpin(approved);
	d->masks = masks_of_model(d->model);
	d->approved = buf_take(&text);
	d->release = id;
	d->vars = r.vars;
	d->was_good = r.good_ms != 0;
	snprintf(d->commit, sizeof(d->commit), "%s", r.commit);
	return 0;
}

/* An operator's rollback, or another scale of what runs. */
int
deploy_begin_back(struct deploy *d, struct err *err)
{
	int rc = 0;

	if (d->task->scales) {
		rc = appscale_try(d->svc, d->task->scale, err);
		d->scaled = rc >= 0;
	}
	return rc < 0 ? rc : deploy_load_release(d, d->task->release, err);
}

void
deploy_unscale(struct deploy *d)
{
	struct err err = ERR_INIT;

	if (!d->scaled)
		return;
	if (appscale_drop(d->svc, &err) < 0)
		log_err("the scale of before: %s service=%s", err.msg, d->svc->conf->name);
	d->scaled = false;
	/* For those that are too many nobody else looks. */
	d->svc->restore = d->svc->restore || d->upped;
}

/* All that an operator's rollback needs is there, or nothing is touched. */
int
step_at_hand(struct deploy *d, struct err *err)
{
	for (size_t i = 0; i < d->images.n; i++) {
		if (d->ids[i] == NULL)
			return err_set(err, ENOENT,
			    "services.%s.image: release %lld needs %.19s, which is not on this machine any more",
			    d->images.v[i].service, (long long)d->release, d->images.v[i].image);
	}
	return STEP_NEXT;
}

/* --- the tags that keep images --- */

static int
tag_image(struct deploy *d, size_t i, engine_reply_fn *cb, struct err *err)
{
	const struct service *svc = d->svc;
	int rc = store_image_kept(svc->core->store, svc->conf->name, d->ids[i], true, err);

	if (rc < 0)
		return rc;
	d->req = engine_tag(svc->core->engine, svc->conf->name, d->ids[i], cb, d);
	return STEP_WAIT;
}

static int
image_tagged(struct deploy *d, size_t i, const struct engine_reply *reply, struct err *err)
{
	if (!reply->missing)
		return 0;
	return err_set(err, ENOENT, "services.%s.image: %s was removed from this machine meanwhile",
	    d->images.v[i].service, d->images.v[i].written);
}

/* Before anything is touched: from here on no prune can take what this release, and a later way back to it, needs. */
int
step_keep_images(struct deploy *d, struct err *err)
{
	if (d->release == d->svc->row.release && d->mode != DEPLOY_BACK)
		return STEP_NEXT;
	return deploy_ask_each(d, &(struct asking){d->images.n, tag_image, image_tagged, NULL}, err);
}

/* --- what was never accepted --- */

int
step_take_away(struct deploy *d, struct err *err)
{
	auto_strv struct strv args = {NULL, 0};

	(void)err;
	strv_add(&args, "--remove-orphans");
	return deploy_job(d, "down", &args, NULL, 0, true);
}

int
step_take_away_done(struct deploy *d, const struct job_result *r, struct err *err)
{
	(void)r;
	service_clear_release(d->svc);
	return service_save(d->svc, err) < 0 ? -err->num : STEP_NEXT;
}

/* A first push that failed: no release to go back to, and the branch has never been at this commit. */
static bool
goes_away(struct deploy *d)
{
	if (!d->svc->conf->hosted || !d->touched || str_eq(d->subject, d->svc->row.tracked))
		return false;
	/* When the engine is back it is finished, and judged by what becomes of it. */
	if (!d->svc->core->engine_up) {
		d->left = d->release;
		return false;
	}
	log_warn("%s: removing what it made service=%s deploy=%lld release=%lld", d->reason, d->svc->conf->name,
	    (long long)d->id, (long long)d->release);
	task_sayf(d->task, "%s\nno release to go back to: removing what was made of it\n", d->reason);
	d->failed_as = d->outcome;
	snprintf(d->failed_why, sizeof(d->failed_why), "%s", d->reason);
	d->cancelled[0] = '\0';
	d->back = true;
	d->mode = DEPLOY_AWAY;
	return true;
}

/* --- putting back --- */

/* The release that takes the place of the failed one: what ran before, if it was good, else the last good one. A
 * release that was good already is not left for an older one: what ails it now is not in it. 0: none. */
static int64_t
last_good(const struct deploy *d)
{
	auto_store_release struct store_release r = {0};
	struct store *st = d->svc->core->store;
	struct err err = ERR_INIT;
	int64_t id = 0;

	if (d->previous != 0 && d->previous != d->release && store_release_get(st, d->previous, &r, &err) > 0 &&
	    r.good_ms != 0)
		return d->previous;
	if (!d->was_good && store_release_last_good(st, d->svc->conf->name, d->release, &id, &err) < 0)
		log_err("%s service=%s deploy=%lld", err.msg, d->svc->conf->name, (long long)d->id);
	return id;
}

static bool
failed(const struct deploy *d)
{
	return d->outcome == OUTCOME_FAILED || d->outcome == OUTCOME_UNHEALTHY || d->outcome == OUTCOME_REFUSED ||
	       d->outcome == OUTCOME_CANCELLED;
}

/* Written down before it begins: a kill -9 from here on ends in the release that is put back, and the commit is not
 * tried again. A store that cannot write (a full disk) must not keep the containers down. */
static void
record_back(struct deploy *d, int64_t release)
{
	struct service *svc = d->svc;
	enum outcome outcome = d->outcome;
	struct err err = ERR_INIT;

	if (outcome == OUTCOME_UNHEALTHY)
		d->outcome = OUTCOME_ROLLED_BACK;
	deploy_judge(d);
	d->outcome = outcome;
	svc->row.applying = release;
	service_save(svc, NULL);
	if (store_deploy_release(svc->core->store, d->id, release, &err) < 0)
		log_err("%s service=%s deploy=%lld", err.msg, svc->conf->name, (long long)d->id);
}

/* It did not come to run well in another number: it is brought up as it was, and nothing is made anew for that. */
static bool
unscales(struct deploy *d)
{
	struct service *svc = d->svc;
	struct err err = ERR_INIT;

	deploy_unscale(d);
	if (svc->held || !svc->core->engine_up || deploy_load_release(d, svc->row.release, &err) < 0)
		return false;
	log_warn(
	    "%s: back to the scale of before service=%s deploy=%lld", d->reason, svc->conf->name, (long long)d->id);
	task_sayf(d->task, "%s\nback to the scale of before\n", d->reason);
	d->failed_as = d->outcome;
	snprintf(d->failed_why, sizeof(d->failed_why), "%s", d->reason);
	d->cancelled[0] = '\0';
	d->back = true;
	d->touched = true;
	d->changed = false;
	return true;
}

bool
deploy_goes_back(struct deploy *d)
{
	struct service *svc = d->svc;
	struct err err = ERR_INIT;
	int64_t release;

	if (d->back || !d->applied || !failed(d))
		return false;
	if (d->scaled)
		return unscales(d);
	release = d->touched ? last_good(d) : svc->row.release;
	if (release == 0 && goes_away(d))
		return true;
	/* The files are those that lay there before. */
	if (release == 0 || (!d->touched && release == d->release && str_eq(d->commit, d->was_live)))
		return false;
	/* Nobody could do it now; it comes first when the engine is back, or the hold has gone. */
	if (d->touched && (svc->held || !svc->core->engine_up)) {
		d->left = release;
		return false;
	}
	if (deploy_load_release(d, release, &err) < 0) {
		log_err("release %lld cannot be put back: %s service=%s deploy=%lld", (long long)release, err.msg,
		    svc->conf->name, (long long)d->id);
		return false;
	}
	if (!d->touched && d->was_live[0] != '\0')
		snprintf(d->commit, sizeof(d->commit), "%s", d->was_live);
	record_back(d, release);
	log_warn("%s: putting %s back service=%s deploy=%lld release=%lld commit=%.8s", d->reason,
	    d->touched ? "the last good release" : "the files", svc->conf->name, (long long)d->id, (long long)release,
	    d->commit);
	task_sayf(d->task, "%s\nputting release %lld (%.8s) back\n", d->reason, (long long)release, d->commit);
	d->failed_as = d->outcome;
	snprintf(d->failed_why, sizeof(d->failed_why), "%s", d->reason);
	d->cancelled[0] = '\0';
	d->back = true;
	d->mode = DEPLOY_BACK;
	d->changed = true;
	return true;
}

/* --- cancel --- */

int
deploy_was_cancelled(struct deploy *d)
{
	return deploy_ends(d, OUTCOME_CANCELLED, "by %s at %s", d->cancelled, deploy_step_name(d));
}

static int
nothing_to_cancel(struct err *err, const struct service *svc, const char *why)
{
	err_set(err, ENOENT, "%s: %s", svc->name, why);
	return 0;
}

static int
cancel(struct deploy *d, const char *who, struct err *err)
{
	struct err none = ERR_INIT;

	if (d->publish != NULL) {
		publish_stop(d->publish, "cancelled");
		return 1;
	}
	if (d->ended)
		return nothing_to_cancel(err, d->svc, "the deploy has come to its end");
	if (d->back || (d->mode == DEPLOY_RESUME && d->was_good))
		return nothing_to_cancel(
		    err, d->svc, "the last good release is being put back; that cannot be cancelled");
	if (d->cancelled[0] != '\0')
		return nothing_to_cancel(err, d->svc, "it is being cancelled already");
	snprintf(d->cancelled, sizeof(d->cancelled), "%s", who);
	log_info("cancelled service=%s deploy=%lld step=\"%s\" by=\"%s\"", d->svc->conf->name, (long long)d->id,
	    deploy_step_name(d), who);
	if (d->job != NULL) {
		job_signal(d->job, "TERM"); /* its end, at the latest by KILL, is the deploy's */
		return 1;
	}
	engine_cancel(TAKE(d->req));
	core_pin_abandon(TAKE(d->pin));
	deploy_watch_end(d);
	deploy_names_end(d);
	deploy_continue(d, deploy_was_cancelled(d), &none);
	return 1;
}

int
deploy_cancel(struct service *svc, const char *who, struct err *err)
{
	struct task *task = svc->running;

	if (task != NULL && task->deploy != NULL)
		return cancel(task->deploy, who, err);
	if (task == NULL && service_cancel_waiting(svc, who))
		return 1;
	if (task == NULL && svc->waits && svc->row.applying != 0)
		return nothing_to_cancel(
		    err, svc, "a deploy that was interrupted waits to be finished; that cannot be cancelled");
	if (task == NULL || task->job == NULL)
		return nothing_to_cancel(err, svc, "nothing is being done");
	job_signal(task->job, "TERM");
	return 1;
}
