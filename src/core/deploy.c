#include "core/deploy.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "compose/pins.h"
#include "core/deploy_steps.h"
#include "core/journal.h"
#include "core/pin.h"
#include "core/push.h"

#define TRACK (1u << DEPLOY_TRACK)
#define UP (1u << DEPLOY_UP)
#define PULL (1u << DEPLOY_PULL)
#define CHECK (1u << DEPLOY_CHECK)
#define PLAN (1u << DEPLOY_PLAN)
#define RESUME (1u << DEPLOY_RESUME)
#define PUSH (1u << DEPLOY_PUSH)
#define AWAY (1u << DEPLOY_AWAY)
#define BACK (1u << DEPLOY_BACK)
#define JUDGE (TRACK | UP | PULL | CHECK | PLAN | PUSH)
#define PREPARE (TRACK | UP | PULL | PUSH)
#define NAMED APPLY /* apps alone */
#define APPLY (TRACK | UP | PULL | PUSH | RESUME | BACK)

/* The pipeline. Until checkout nothing of the running service changes (I6). */
static const struct step steps[] = {
    {"take over", PUSH, 0, step_take_over, NULL, NULL},
    {"submodules", PUSH, 0, step_submodules, NULL, NULL},
    {"stage", JUDGE | RESUME | BACK, BACKS | MINOR, step_stage, step_stage_done, step_stage_failed},
    {"resolve", JUDGE, 0, step_resolve, step_resolve_done, NULL},
    {"inputs", JUDGE, 0, step_inputs, step_inputs_done, NULL},
    {"policy", JUDGE | BACK, 0, step_policy, NULL, NULL},
    {"networks", PREPARE | PLAN | BACK, 0, step_networks, NULL, NULL},
    {"images", PREPARE | PLAN | BACK, 0, step_images, NULL, NULL},
    {"explain", PLAN, 0, step_explain, NULL, NULL},
    {"pull", PREPARE, 0, step_pull, NULL, step_pull_failed},
    {"build", PREPARE, 0, step_build, NULL, step_build_failed},
    {"fixed images", PREPARE, 0, step_images, NULL, NULL},
    {"image labels", PREPARE | BACK, 0, step_image_labels, NULL, NULL},
    {"approve", PREPARE, 0, step_approve, NULL, NULL},
    {"at hand", BACK, 0, step_at_hand, NULL, NULL},
    {"keep images", PREPARE | BACK, 0, step_keep_images, NULL, NULL},
    {"plan", APPLY, 0, step_plan, NULL, NULL},
    {"share", APPLY, 0, step_share, NULL, NULL},
    {"checkout", APPLY, APPLIES | BACKS | MINOR, step_checkout, step_checkout_done, NULL},
    {"routes", APPLY, APPLIES | CONTAINERS | BACKS | MINOR, step_routes, step_routes_done, NULL},
    {"mkdirs", APPLY, APPLIES | CONTAINERS | BACKS, step_mkdirs, NULL, NULL},
    {"pin", APPLY, APPLIES | CONTAINERS | BACKS, step_pin, NULL, NULL},
    {"stop", APPLY, APPLIES | CONTAINERS | BACKS | SYNCED, step_stop, NULL, NULL},
    {"pin again", APPLY, APPLIES | CONTAINERS | BACKS, step_pin_again, NULL, NULL},
    {"tidy", APPLY, APPLIES | CONTAINERS | BACKS, step_tidy, NULL, NULL},
    {"compare", APPLY, APPLIES | CONTAINERS | BACKS, step_compare, step_compare_done, NULL},
    {"switch", APPLY, APPLIES | CONTAINERS | BACKS | SYNCED, step_switch, step_switch_done, step_switch_failed},
    {"make anew", APPLY, APPLIES | CONTAINERS, step_make_anew, NULL, step_up_failed},
    {"up", APPLY, APPLIES | CONTAINERS | BACKS | SYNCED, step_up, step_up_done, step_up_failed},
    {"watch", APPLY, APPLIES | CONTAINERS | BACKS | SYNCED, step_watch, NULL, NULL},
    {"names", NAMED, APPLIES | CONTAINERS | BACKS | MINOR, step_names, NULL, NULL},
    {"take away", AWAY, APPLIES | CONTAINERS, step_take_away, step_take_away_done, NULL},
};

void
deploy_note(struct deploy *d, const char *fmt, ...)
{
	auto_buf struct buf text = BUF_INIT(2 * ERR_MSG_MAX);
	va_list ap;

	if (d->journal == NULL)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	journal_note(d->journal, buf_str(&text), text.len);
}

enum { STEP_TOLD_MS = 100 }; /* that a step took less is not worth a line of the log */

static void
note_step_end(struct deploy *d)
{
	int64_t took_ms = io_now_ms() - d->step_ms;

	if (d->step_ms != 0 && d->journal != NULL)
		metrics_step(d->svc->core, steps[d->step].name, took_ms);
	if (d->step_ms != 0 && took_ms >= STEP_TOLD_MS)
		deploy_note(d, "-- %s: %.1f s\n", steps[d->step].name, (double)took_ms / 1000);
	d->step_ms = 0;
}

void
deploy_say(struct deploy *d, const char *data, size_t len)
{
	if (d->journal != NULL)
		journal_write(d->journal, data, len);
}

struct journal *
deploy_journal(const struct service *svc, int64_t *ret_deploy)
{
	const struct deploy *d = svc->running != NULL ? svc->running->deploy : NULL;

	if (d == NULL || d->journal == NULL)
		return NULL;
	*ret_deploy = d->id;
	return d->journal;
}

/* Journaled before it starts (I10); what cannot be journaled is not begun. Once containers were touched going on is the
 * lesser evil: a disk that has just become full must not leave the service down. */
static int
journal_step(struct deploy *d, const struct step *step, struct err *err)
{
	bool synced = (step->flags & SYNCED) != 0;
	int rc = d->id != 0 ? store_deploy_step(d->svc->core->store, d->id, step->name, synced, err) : 0;

	if (rc < 0 && d->touched) {
		log_err("%s service=%s deploy=%lld", err->msg, d->svc->conf->name, (long long)d->id);
		rc = 0;
	}
	return rc;
}

static int
start_step(struct deploy *d, struct err *err)
{
	const struct step *step = &steps[d->step];
	int rc;

	log_debug("step %s service=%s deploy=%lld", step->name, d->svc->conf->name, (long long)d->id);
	/* What has begun to be applied is brought to its end, or the service would lie half-way. */
	if (d->svc->core->quitting && (step->flags & APPLIES) == 0 && !d->back)
		return deploy_ends(d, OUTCOME_FAILED, "pgod is stopping");
	rc = journal_step(d, step, err);
	if (rc < 0)
		return rc;
	d->applied = d->applied || (step->flags & APPLIES) != 0;
	d->at_fault = false;
	d->killed = false;
	d->step_ms = io_now_ms();
	deploy_note(d, "== %s\n", step->name);
	return step->start(d, err);
}

static bool
is_of_mode(const struct deploy *d, const struct step *step)
{
	return (step->modes & (1u << d->mode)) != 0 &&
	       (!d->back || d->mode == DEPLOY_AWAY || (step->flags & BACKS) != 0);
}

/* What a step's failure means. In the put back the files are worth a complaint, the containers come first. */
static int
step_failed(struct deploy *d, const struct err *err)
{
	const char *name = steps[d->step].name;

	if (d->back && d->touched && (steps[d->step].flags & MINOR) != 0) {
		log_err("putting release %lld back: %s: %s service=%s deploy=%lld", (long long)d->release, name,
		    err->msg, d->svc->conf->name, (long long)d->id);
		task_sayf(d->task, "%s: %s\n", name, err->msg);
		return STEP_NEXT;
	}
	return deploy_ends(d, d->at_fault ? OUTCOME_REFUSED : OUTCOME_FAILED, "%s: %s", name, err->msg);
}

/* The step has its result: the next one begins, or that is the end. */
static int
next_step(struct deploy *d, struct err *err)
{
	note_step_end(d);
	do {
		d->step++;
	} while (d->step < ARRAY_LEN(steps) && !is_of_mode(d, &steps[d->step]));
	/* Containers that were not touched need no more than their files. */
	if (d->step == ARRAY_LEN(steps) || (d->back && !d->touched && (steps[d->step].flags & CONTAINERS) != 0))
		return deploy_ends(d, d->mode == DEPLOY_CHECK ? OUTCOME_CHECKED : OUTCOME_LIVE, "%s", "");
	return start_step(d, err);
}

void
deploy_continue(struct deploy *d, int result, struct err *err)
{
	for (;;) {
		if (result == STEP_NEXT)
			result = next_step(d, err);
		else if (result < 0)
			result = step_failed(d, err);
		else if (result == STEP_END && deploy_goes_back(d)) {
			note_step_end(d);
			d->step = (size_t)-1;
			result = STEP_NEXT;
		} else {
			break;
		}
	}
	if (result == STEP_END) {
		note_step_end(d);
		deploy_end(d);
	}
}

const char *
deploy_step_name(const struct deploy *d)
{
	return steps[d->step].name;
}

int
deploy_step_again(struct deploy *d, struct err *err)
{
	return steps[d->step].start(d, err);
}

static void
on_job_piece(void *ctx, int stream, const char *data, size_t len)
{
	struct deploy *d = ctx;

	if (d->task->quiet)
		deploy_say(d, data, len);
	else
		task_say(d->task, d->task->json ? 2 : stream, data, len); /* stdout is the document's */
}

static void
on_job_done(void *ctx, const struct job_result *r)
{
	struct deploy *d = ctx;
	const struct step *step = &steps[d->step];
	struct err err = ERR_INIT;
	char reason[ERR_MSG_MAX - 64];
	int result = STEP_NEXT;

	d->job = NULL;
	if (d->cancelled[0] != '\0') {
		deploy_continue(d, deploy_was_cancelled(d), &err);
		return;
	}
	if (r->status != 0 && step->failed != NULL)
		result = step->failed(d, r, &err);
	else if (r->status != 0)
		result = err_set(&err, EIO, "%s", job_reason(r, reason, sizeof(reason)));
	else if (step->done != NULL)
		result = step->done(d, r, &err);
	d->killed = job_was_killed(r);
	if (r->status != 0)
		d->at_fault = r->status == JOB_STATUS_BAD_COMPOSE_FILE || r->status == JOB_STATUS_REFUSED;
	deploy_continue(d, result, &err);
}

int
deploy_job(struct deploy *d, const char *kind, const struct strv *args, const void *in, size_t in_len, bool follow)
{
	d->job = job_start(d->svc->core, &(struct job_spec){
					     .kind = kind,
					     .service = d->svc->conf->name,
					     .args = args,
					     .in = in,
					     .in_len = in_len,
					     .piece = follow ? on_job_piece : NULL,
					     .done = on_job_done,
					     .ctx = d,
					 });
	return STEP_WAIT;
}

int
deploy_job_from(struct deploy *d, const char *kind, const struct strv *args, int fd)
{
	d->job = job_start(d->svc->core,
	    &(struct job_spec){
		.kind = kind, .service = d->svc->conf->name, .args = args, .in_fd = fd, .done = on_job_done, .ctx = d});
	return STEP_WAIT;
}

/* From here on it is recorded, and has a log. */
static int
record_begin(struct deploy *d, struct err *err)
{
	struct service *svc = d->svc;
	int rc =
	    store_deploys_interrupted(svc->core->store, svc->conf->name, "how it ended could not be written down", err);

	if (rc < 0)
		return rc;
	rc = store_deploy_begin(svc->core->store, svc->conf->name,
	    &(struct store_begin){.trigger = d->task->trigger,
		.who = d->task->who,
		.commit = d->commit,
		.why = d->task->why,
		.release = d->mode == DEPLOY_RESUME ? d->release : 0},
	    &d->id, err);

	if (rc >= 0)
		d->journal = journal_new(svc->conf->name, d->id);
	if (rc >= 0 && deploy_is_pushed(d))
		push_begun(d->svc, d->id, d->journal);
	deploy_note(d, "deploy %lld of %s: %.8s, asked for by %s%s%s\n", (long long)d->id, svc->name, d->commit,
	    d->task->trigger, d->task->who[0] != '\0' ? ", " : "", d->task->who);
	log_info("deploy begins service=%s deploy=%lld trigger=%s commit=%.8s", svc->conf->name, (long long)d->id,
	    d->task->trigger, d->commit);
	return rc;
}

int
deploy_promote(struct deploy *d, struct err *err)
{
	int rc = service_set_stopped(d->svc, false, &d->task->args, err);

	d->mode = d->task->mode = DEPLOY_UP;
	d->step_ms = 0; /* what was looked at is in no log */
	if (rc >= 0)
		rc = record_begin(d, err);
	return rc < 0 ? rc : STEP_NEXT;
}

/* All is done but for the registry: what runs is looked at once more, and its images go there. */
static void
resume_what_runs(struct service *svc)
{
	if (svc->row.applying == 0) {
		svc->row.applying = svc->row.release;
		svc->resume_gently = true;
	}
	svc->unpublished = false;
}

static int
deploy_begin(struct deploy *d, struct err *err)
{
	struct service *svc = d->svc;
	int rc = 0;

	if (d->mode == DEPLOY_RESUME)
		resume_what_runs(svc);
	if (d->mode == DEPLOY_RESUME)
		rc = deploy_load_release(d, svc->row.applying, err);
	else if (d->mode == DEPLOY_BACK)
		rc = deploy_begin_back(d, err);
	else
		snprintf(
		    d->commit, sizeof(d->commit), "%s", d->mode == DEPLOY_PUSH ? d->task->commit : svc->row.tracked);
	if (d->mode != DEPLOY_RESUME && d->mode != DEPLOY_BACK)
		d->vars = d->task->vars != 0 ? d->task->vars : svc->row.vars;
	d->changed = d->mode == DEPLOY_RESUME ? !svc->resume_gently : d->release != svc->row.release;
	memcpy(d->subject, d->commit, sizeof(d->subject));
	/* What was pushed and is not accepted yet is left for what ran before, also when its containers were there
	 * already. */
	if (d->mode == DEPLOY_RESUME && svc->conf->hosted && !str_eq(d->subject, svc->row.tracked))
		d->touched = !svc->resume_untouched;
	/* Now and not when it was asked for: a stop may have been waiting before it. */
	if (rc >= 0 && d->mode == DEPLOY_UP)
		rc = service_set_stopped(svc, false, &d->task->args, err);
	return rc < 0 || deploy_only_looks(d) ? rc : record_begin(d, err);
}

/* What lies in the live tree when nothing has been done to it. That of an interrupted deploy may have been moved to its
 * commit already, which the containers do not go by before all of them are made. */
static const char *
tree_before(const struct service *svc, enum deploy_mode mode)
{
	bool moved = mode == DEPLOY_RESUME && svc->resume_unmade && svc->row.release != 0 &&
		     svc->row.applying != svc->row.release;

	return moved ? svc->release.commit : svc->row.live;
}

void
deploy_start(struct task *task)
{
	struct deploy *d = calloc(1, sizeof(*d));
	struct err err = ERR_INIT;
	int rc;

	if (d == NULL)
		abort();
	d->task = task;
	d->svc = task->svc;
	d->mode = task->mode;
	d->begun_ms = io_now_ms();
	d->previous = task->svc->row.release;
	snprintf(d->was_live, sizeof(d->was_live), "%s", tree_before(task->svc, d->mode));
	task->deploy = d;
	event_del(d->svc->retry_timer);
	rc = deploy_begin(d, &err);
	if (rc < 0)
		rc = deploy_ends(d, OUTCOME_FAILED, "%s", err.msg);
	else if (task->cancelled[0] != '\0')
		rc = deploy_ends(d, OUTCOME_CANCELLED, "by %s while it waited for its turn", task->cancelled);
	if (rc == STEP_END) {
		deploy_end(d);
		return;
	}
	d->step = (size_t)-1;
	deploy_continue(d, STEP_NEXT, &err);
}
