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

#define TRACK (1u << DEPLOY_TRACK)
#define UP (1u << DEPLOY_UP)
#define PULL (1u << DEPLOY_PULL)
#define CHECK (1u << DEPLOY_CHECK)
#define PLAN (1u << DEPLOY_PLAN)
#define RESUME (1u << DEPLOY_RESUME)
#define BACK (1u << DEPLOY_BACK)
#define JUDGE (TRACK | UP | PULL | CHECK | PLAN)
#define PREPARE (TRACK | UP | PULL)
#define APPLY (TRACK | UP | PULL | RESUME)

/* The pipeline. Until checkout nothing of the running service changes (I6). */
static const struct step steps[] = {
    {"stage", JUDGE | RESUME, false, step_stage, NULL, step_stage_failed},
    {"resolve", JUDGE, false, step_resolve, step_resolve_done, NULL},
    {"inputs", JUDGE, false, step_inputs, step_inputs_done, NULL},
    {"policy", JUDGE, false, step_policy, NULL, NULL},
    {"networks", PREPARE | PLAN, false, step_networks, NULL, NULL},
    {"images", PREPARE | PLAN, false, step_images, NULL, NULL},
    {"pull", PREPARE, false, step_pull, NULL, NULL},
    {"build", PREPARE, false, step_build, NULL, NULL},
    {"fixed images", PREPARE, false, step_images, NULL, NULL},
    {"image labels", PREPARE, false, step_image_labels, NULL, NULL},
    {"approve", PREPARE, false, step_approve, NULL, NULL},
    {"plan", APPLY, false, step_plan, NULL, NULL},
    {"checkout", APPLY, true, step_checkout, step_checkout_done, NULL},
    {"mkdirs", APPLY, true, step_mkdirs, NULL, NULL},
    {"pin", APPLY, true, step_pin, NULL, NULL},
    {"stop", APPLY, true, step_stop, NULL, NULL},
    {"pin again", APPLY, true, step_pin_again, NULL, NULL},
    {"up", APPLY, true, step_up, step_up_done, step_up_failed},
    {"watch", APPLY, true, step_watch, NULL, NULL},
};

struct ending {
	const char *text;
	int status;  /* of the operator who asked */
	bool judged; /* the commit needs no further attempt */
	bool retry;
	bool dropped; /* the commit is not what runs, and will not be */
};

static const struct ending endings[] = {
    [OUTCOME_LIVE] = {"live", 0, true, false, false},
    [OUTCOME_UNCHANGED] = {"unchanged", 0, true, false, false},
    [OUTCOME_PENDING] = {"pending", 0, true, false, false},
    [OUTCOME_CHECKED] = {"checked", 0, false, false, false},
    [OUTCOME_REFUSED] = {"refused", 1, true, false, true},
    [OUTCOME_WAITING] = {"waiting", 1, false, true, false},
    [OUTCOME_FAILED] = {"failed", 1, false, true, false},
    [OUTCOME_UNHEALTHY] = {"unhealthy", 1, true, false, false},
    [OUTCOME_ROLLED_BACK] = {"rolled back", 1, true, false, true},
    [OUTCOME_CANCELLED] = {"cancelled", 1, true, false, true},
};

/* A line of the deploy's log alone; the client reads what is said to him, and the end. */
static void
note(struct deploy *d, const char *fmt, ...)
{
	auto_buf struct buf text = BUF_INIT(2 * ERR_MSG_MAX);
	va_list ap;

	if (d->journal == NULL)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	journal_write(d->journal, buf_str(&text), text.len);
}

static void
note_step_end(struct deploy *d)
{
	if (d->step_ms != 0)
		note(d, "-- %s: %.1f s\n", steps[d->step].name, (double)(io_now_ms() - d->step_ms) / 1000);
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

static void
deploy_free(struct deploy *d)
{
	journal_end(d->journal);
	job_abandon(d->job);
	core_pin_abandon(d->pin);
	engine_cancel(d->req);
	if (d->timer != NULL)
		event_free(d->timer);
	json_decref(d->model);
	for (size_t i = 0; d->ids != NULL && i < d->images.n; i++)
		free(d->ids[i]);
	free(d->ids);
	json_decref(d->image_labels);
	strv_done(&d->inputs);
	strv_done(&d->answers);
	strv_done(&d->networks);
	strv_done(&d->missing);
	model_images_done(&d->images);
	free(d->approved);
	free(d);
}

/* What the end means for the service: what is recorded, what is told, whether and when it is tried again. */
static void
record_end(struct deploy *d)
{
	struct service *svc = d->svc;
	const struct ending *end = &endings[d->outcome];

	str_set(&svc->pending, d->outcome == OUTCOME_PENDING ? d->reason : "");
	str_set(&svc->trouble, end->retry ? d->reason : "");
	str_set(&svc->awaited, d->outcome == OUTCOME_WAITING ? d->missing.v[0] : "");
	if (end->judged && d->mode != DEPLOY_RESUME) {
		str_set(&svc->row.judged, d->commit);
		str_set(&svc->row.verdict, end->status != 0 ? end->text : "");
		str_set(&svc->row.refusal, end->dropped ? d->reason : "");
	}
	/* Nothing is judged any more, not even what was before: the branch may go back to it, with the files of this
	 * one lying there. */
	if (end->retry)
		str_set(&svc->row.judged, "");
	/* What was stopped for a release that could not take its place comes up again as it was: what ends with 0 when
	 * it is told to stop would pass for finished. */
	if (end->retry && d->stopped)
		svc->restore = true;
	if (d->outcome == OUTCOME_LIVE || d->outcome == OUTCOME_UNCHANGED) {
		str_set(&svc->broken, "");
		svc->heal = (struct heal_budget){0, 0};
	}
	service_save(svc, NULL);
	if (end->retry && !svc->held)
		service_retry_later(svc);
	else
		svc->retry_ms = 0;
}

static void
log_end(const struct deploy *d)
{
	const struct ending *end = &endings[d->outcome];
	bool bad = end->status != 0;

	(bad ? log_warn : log_info)("%s%s%s service=%s deploy=%lld trigger=%s commit=%.8s ms=%lld", end->text,
	    d->reason[0] != '\0' ? ": " : "", d->reason, d->svc->conf->name, (long long)d->id, d->task->trigger,
	    d->commit, io_now_ms() - d->begun_ms);
}

static void
deploy_end(struct deploy *d)
{
	const struct ending *end = &endings[d->outcome];
	auto_free char *text =
	    str_printf("%s%s%s", end->text, d->reason[0] != '\0' && !d->told ? ": " : "", d->told ? "" : d->reason);
	bool silent = d->mode == DEPLOY_CHECK && (end->status == 0 || d->told);
	struct task *task = d->task;
	struct err err = ERR_INIT;

	if (d->mode != DEPLOY_CHECK) {
		log_end(d);
		record_end(d);
		if (d->id != 0 && store_deploy_end(d->svc->core->store, d->id, end->text, d->reason, &err) < 0)
			log_err("%s service=%s", err.msg, d->svc->conf->name);
	}
	if (d->mode == DEPLOY_RESUME)
		d->svc->resume = 0;
	if (d->release == d->svc->row.release)
		service_pin_tidy(d->svc);
	note_step_end(d);
	note(d, "%s%s%s\n", end->text, d->reason[0] != '\0' ? ": " : "", d->reason);
	task->deploy = NULL;
	task_end(task, end->status, silent ? NULL : text);
	deploy_free(d);
}

/* A reason stands in one line of the log, of status, of the journal. */
static void
one_line(char *s)
{
	size_t len = strlen(s);

	while (len > 0 && s[len - 1] == '\n')
		s[--len] = '\0';
	for (; *s != '\0'; s++) {
		if (*s == '\n')
			*s = ';';
	}
}

int
deploy_ends(struct deploy *d, enum outcome outcome, const char *fmt, ...)
{
	auto_buf struct buf text = BUF_INIT(sizeof(d->reason) - 1);
	va_list ap;

	d->outcome = outcome;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	memcpy(d->reason, buf_str(&text), text.len + 1);
	one_line(d->reason);
	return STEP_END;
}

static int
start_step(struct deploy *d, struct err *err)
{
	const struct step *step = &steps[d->step];

	log_debug("step %s service=%s deploy=%lld", step->name, d->svc->conf->name, (long long)d->id);
	/* What has begun to be applied is brought to its end, or the service would lie half-way. */
	if (d->svc->core->quitting && !step->applies)
		return deploy_ends(d, OUTCOME_FAILED, "pgod is stopping");
	/* Journaled before it starts (I10); what cannot be journaled is not begun. */
	if (d->id != 0) {
		int rc = store_deploy_step(d->svc->core->store, d->id, step->name, err);

		if (rc < 0)
			return rc;
	}
	d->at_fault = false;
	d->step_ms = io_now_ms();
	note(d, "== %s\n", step->name);
	return step->start(d, err);
}

/* Runs steps until one waits or the deploy ends. */
static void
deploy_run(struct deploy *d, int result, struct err *err)
{
	while (result == STEP_NEXT) {
		note_step_end(d);
		d->step++;
		while (d->step < ARRAY_LEN(steps) && (steps[d->step].modes & (1u << d->mode)) == 0)
			d->step++;
		if (d->step == ARRAY_LEN(steps)) {
			d->outcome = d->mode == DEPLOY_CHECK ? OUTCOME_CHECKED : OUTCOME_LIVE;
			result = STEP_END;
			break;
		}
		result = start_step(d, err);
	}
	if (result < 0)
		deploy_ends(d, d->at_fault ? OUTCOME_REFUSED : OUTCOME_FAILED, "%s: %s", steps[d->step].name, err->msg);
	if (result != STEP_WAIT)
		deploy_end(d);
}

void
deploy_continue(struct deploy *d, int result, struct err *err)
{
	deploy_run(d, result, err);
}

static void
on_job_piece(void *ctx, int stream, const char *data, size_t len)
{
	struct deploy *d = ctx;

	task_say(d->task, stream, data, len);
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
	if (r->status != 0)
		d->at_fault = r->status == JOB_STATUS_BAD_COMPOSE_FILE || r->status == JOB_STATUS_REFUSED;
	deploy_continue(d, result, &err);
}

int
deploy_was_cancelled(struct deploy *d)
{
	return deploy_ends(d, OUTCOME_CANCELLED, "by %s at %s", d->cancelled, steps[d->step].name);
}

static int
cancel(struct deploy *d, const char *who, struct err *err)
{
	struct err none = ERR_INIT;

	if (d->mode == DEPLOY_RESUME || steps[d->step].applies) {
		err_set(err, EBUSY, "the release is being applied already");
		return 0;
	}
	snprintf(d->cancelled, sizeof(d->cancelled), "%s", who);
	log_info("cancelled service=%s deploy=%lld step=\"%s\" by=\"%s\"", d->svc->conf->name, (long long)d->id,
	    steps[d->step].name, who);
	if (d->job != NULL) {
		job_signal(d->job, "TERM"); /* its end, at the latest by KILL, is the deploy's */
		return 1;
	}
	engine_cancel(TAKE(d->req));
	deploy_continue(d, deploy_was_cancelled(d), &none);
	return 1;
}

int
deploy_cancel(struct service *svc, const char *who, struct err *err)
{
	struct task *task = svc->running;

	if (task != NULL && task->deploy != NULL)
		return cancel(task->deploy, who, err);
	if (task == NULL || task->job == NULL) {
		err_set(err, ENOENT, "nothing is being done for %s", svc->conf->name);
		return 0;
	}
	job_signal(task->job, "TERM");
	return 1;
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

/* The interrupted release as the pipeline would have left it at approve. */
static int
load_resumed(struct deploy *d, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(2 * MODEL_MAX);
	auto_store_release struct store_release r = {0};
	auto_json json_t *approved = NULL;
	int rc = store_release_get(d->svc->core->store, d->svc->resume, &r, err);

	if (rc == 0)
		rc = err_set(err, ENOENT, "release %lld has no record", (long long)d->svc->resume);
	if (rc >= 0)
		rc = store_model_read(d->svc->core->store, d->svc->conf->name, r.id, &text, err);
	if (rc < 0)
		return rc;
	approved = model_parse(buf_str(&text), text.len, err);
	if (approved == NULL)
		return -err->num;
	d->model = model_unpin(approved);
	snprintf(d->commit, sizeof(d->commit), "%s", r.commit);
	d->approved = buf_take(&text);
	d->release = r.id;
	d->changed = true;
	return 0;
}

static int
deploy_begin(struct deploy *d, struct err *err)
{
	struct service *svc = d->svc;
	int rc = 0;

	if (d->mode == DEPLOY_RESUME)
		rc = load_resumed(d, err);
	else
		snprintf(d->commit, sizeof(d->commit), "%s", svc->row.tracked);
	/* Now and not when it was asked for: a stop may have been waiting before it. */
	if (d->mode == DEPLOY_UP)
		rc = service_set_stopped(svc, false, &d->task->args, err);
	if (rc < 0 || d->mode == DEPLOY_CHECK)
		return rc;
	rc = store_deploy_begin(svc->core->store, svc->conf->name,
	    &(struct store_begin){
		.trigger = d->task->trigger, .who = d->task->who, .commit = d->commit, .release = d->release},
	    &d->id, err);
	if (rc >= 0)
		d->journal = journal_new(svc->conf->name, d->id);
	note(d, "deploy %lld of %s: %.8s, asked for by %s%s%s\n", (long long)d->id, svc->conf->name, d->commit,
	    d->task->trigger, d->task->who[0] != '\0' ? ", " : "", d->task->who);
	log_info("deploy begins service=%s deploy=%lld trigger=%s commit=%.8s", svc->conf->name, (long long)d->id,
	    d->task->trigger, d->commit);
	return rc;
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
	task->deploy = d;
	event_del(d->svc->retry_timer);
	rc = deploy_begin(d, &err);
	if (rc < 0) {
		deploy_ends(d, OUTCOME_FAILED, "%s", err.msg);
		deploy_end(d);
		return;
	}
	rc = start_step(d, &err); /* all modes have the first step */
	deploy_run(d, rc, &err);
}
