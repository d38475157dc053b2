/* How a deploy ends: what is recorded and told, what becomes of old releases, what comes next. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "compose/policy.h"
#include "core/appvars.h"
#include "core/client.h"
#include "core/deploy_steps.h"
#include "core/journal.h"
#include "core/keep.h"
#include "core/masks.h"
#include "core/pin.h"
#include "core/push.h"

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
    [OUTCOME_CHANGES] = {"changes", 2, false, false, false},
    [OUTCOME_OUTDATED] = {"outdated", 1, false, false, false},
    [OUTCOME_INTERRUPTED] = {"interrupted", 1, true, false, false},
};

void
deploy_hide(const struct deploy *d, struct buf *text)
{
	masks_hide(d->masks, text);
}

/* A reason stands in one line of the log, of status, of the journal. */
int
deploy_ends(struct deploy *d, enum outcome outcome, const char *fmt, ...)
{
	auto_buf struct buf text = BUF_INIT(sizeof(d->reason) - 1);
	auto_free char *line = NULL;
	va_list ap;

	d->outcome = outcome;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	masks_hide(d->svc->masks, &text);
	deploy_hide(d, &text);
	line = str_one_line(buf_str(&text));
	snprintf(d->reason, sizeof(d->reason), "%s", line);
	return STEP_END;
}

bool
deploy_is_pushed(const struct deploy *d)
{
	return d->task->mode == DEPLOY_PUSH && d->task->vars == 0;
}

bool
deploy_only_looks(const struct deploy *d)
{
	return d->task->mode == DEPLOY_CHECK || d->task->mode == DEPLOY_PLAN;
}

void
deploy_judge(struct deploy *d)
{
	struct store_service *row = &d->svc->row;
	const struct ending *end = &endings[d->outcome];
	enum deploy_mode mode = d->task->mode;
	bool stored = mode == DEPLOY_RESUME || mode == DEPLOY_BACK || (mode == DEPLOY_PUSH && !deploy_is_pushed(d));
	bool well = d->outcome == OUTCOME_LIVE || d->outcome == OUTCOME_UNCHANGED;

	/* What was pushed is the tracked commit when it runs well, and what was tracked is judged as before when not.
	 */
	if (well && (deploy_is_pushed(d) || str_eq(d->subject, d->svc->pushed)))
		str_set(&row->tracked, d->subject);
	else if (mode == DEPLOY_PUSH && !well)
		return;
	/* A stored release says nothing about the newest commit, unless it is of that commit; nor does the one that
	 * runs and gets other variables: after a rollback it is not what the branch is at. */
	if (stored && !str_eq(d->subject, row->tracked))
		return;
	if (mode == DEPLOY_BACK && !well)
		return;
	/* It was good, and what ails it now did not come with the commit. */
	if (d->outcome == OUTCOME_UNHEALTHY && d->was_good && !d->changed)
		return;
	/* Nothing is judged any more, not even what was before: the branch may go back to it, with the files of this
	 * one lying there. */
	if (end->retry) {
		str_set(&row->judged, "");
		return;
	}
	if (!end->judged)
		return;
	str_set(&row->judged, d->subject);
	str_set(&row->verdict, end->status != 0 ? end->text : "");
	str_set(&row->refusal, end->dropped ? d->reason : "");
}

/* The put back has come to its end: the deploy ends as what it was put back for. */
static void
end_of_back(struct deploy *d)
{
	auto_free char *why = str_dup(d->reason);
	bool back = d->outcome == OUTCOME_LIVE || d->outcome == OUTCOME_UNCHANGED;
	bool waits = d->outcome == OUTCOME_INTERRUPTED;
	bool away = d->mode == DEPLOY_AWAY;

	if (!back && !waits)
		log_err("release %lld could not be put back: %s service=%s deploy=%lld", (long long)d->release, why,
		    d->svc->conf->name, (long long)d->id);
	d->told = false;
	if (!d->touched) {
		deploy_ends(d, d->failed_as == OUTCOME_UNHEALTHY ? OUTCOME_ROLLED_BACK : d->failed_as, "%s%s%s",
		    d->failed_why, back ? "" : "; the files of before could not be put back: ", back ? "" : why);
		return;
	}
	if (waits) {
		deploy_ends(d, d->failed_as == OUTCOME_UNHEALTHY ? OUTCOME_ROLLED_BACK : d->failed_as,
		    "%s; release %lld (%.8s) is being put back: %s", d->failed_why, (long long)d->release, d->commit,
		    why);
		return;
	}
	if (away) {
		deploy_ends(d, d->failed_as == OUTCOME_UNHEALTHY ? OUTCOME_ROLLED_BACK : d->failed_as,
		    back ? "%s; nothing of it is left" : "%s; what it made could not be removed: %s", d->failed_why,
		    why);
		return;
	}
	/* What ends with 0 when it is told to stop would pass for finished. */
	if (!back)
		d->svc->restore = true;
	deploy_ends(d, back && d->failed_as == OUTCOME_UNHEALTHY ? OUTCOME_ROLLED_BACK : d->failed_as,
	    back ? "%s; release %lld (%.8s) was put back%s" : "%s; release %lld (%.8s) could not be put back: %s",
	    d->failed_why, (long long)d->release, d->commit, back ? "" : why);
}

/* Nothing was put in its place, so this release is what lies there now: healing goes on with it. */
static void
stay_with_it(struct deploy *d)
{
	struct service *svc = d->svc;
	struct err err = ERR_INIT;

	/* Or it has been removed. */
	if (d->left != 0 || !d->touched || (d->mode == DEPLOY_AWAY && d->outcome == OUTCOME_LIVE))
		return;
	/* What was stopped for a release that could not take its place comes up again as it was. */
	if (!d->back && (d->outcome == OUTCOME_FAILED || d->outcome == OUTCOME_CANCELLED)) {
		svc->restore = true;
		return;
	}
	if (d->release == svc->row.release || (d->outcome != OUTCOME_UNHEALTHY && !d->back))
		return;
	if (service_set_release(svc, d->release, &err) < 0)
		log_err("%s service=%s deploy=%lld", err.msg, svc->conf->name, (long long)d->id);
}

static void
record_end(struct deploy *d)
{
	struct service *svc = d->svc;
	const struct ending *end = &endings[d->outcome];

	bool rejected = d->task->mode == DEPLOY_PUSH && end->status != 0;

	/* A push that is rejected says nothing of the commit that is tracked, nor is it tried again. */
	if (!rejected) {
		str_set(&svc->pending, d->outcome == OUTCOME_PENDING ? d->reason : "");
		str_set(&svc->trouble, end->retry ? d->reason : "");
		str_set(&svc->awaited, d->outcome == OUTCOME_WAITING ? d->missing.v[0] : "");
	}
	deploy_judge(d);
	/* The rollback came to nothing: what runs again is of the newest commit. */
	if (d->task->mode == DEPLOY_BACK && d->back && str_eq(d->commit, svc->row.tracked)) {
		str_set(&svc->row.verdict, "");
		str_set(&svc->row.refusal, "");
	}
	svc->row.applying = d->left;
	svc->yielded = d->yields;
	svc->resume_untouched = false;
	svc->resume_unmade = false;
	svc->resume_gently = d->outcome == OUTCOME_INTERRUPTED && d->left == svc->row.release;
	svc->resume_trigger = d->task->trigger;
	if (d->outcome == OUTCOME_LIVE && d->changed)
		oom_forget(&svc->oom);
	if (d->outcome == OUTCOME_LIVE || d->outcome == OUTCOME_UNCHANGED || d->outcome == OUTCOME_ROLLED_BACK) {
		str_set(&svc->broken, "");
		svc->heal = (struct heal_budget){0, 0};
	}
	service_save(svc, NULL);
	if (rejected)
		return;
	if (end->retry && !svc->held && d->task->mode != DEPLOY_BACK)
		service_retry_later(
		    svc, d->killed && d->mode == DEPLOY_RESUME ? SERVICE_RETRY_KILLED_MS : SERVICE_RETRY_MIN_MS);
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
	    d->subject, io_now_ms() - d->begun_ms);
}

static void
deploy_free(struct deploy *d)
{
	journal_end(d->journal);
	job_abandon(d->job);
	if (d->words_timer != NULL)
		event_free(d->words_timer);
	engine_cancel(d->req);
	keep_abandon(d->keep);
	publish_free(d->publish);
	core_pin_abandon(d->pin);
	deploy_watch_end(d);
	deploy_names_done(d);
	json_decref(d->violations);
	deploy_forget_model(d);
	switch_free(d->sw);
	strv_done(&d->inputs);
	strv_done(&d->answers);
	strv_done(&d->networks);
	strv_done(&d->missing);
	free(d->deaths);
	free(d);
}

/* What became of a rollback: one document on stdout, and none in the deploy's log. */
static void
tell_rollback(const struct deploy *d)
{
	const struct task *task = d->task;
	auto_json json_t *all = json_pack("{ss sI sI ss ss so so}", "service", d->svc->name, "deploy",
	    (json_int_t)d->id, "release", (json_int_t)task->release, "commit", d->subject, "outcome",
	    endings[d->outcome].text, "reason", client_text_json(d->reason), "violations",
	    d->violations != NULL ? json_incref(d->violations) : json_array());
	auto_free char *text = client_document(all);

	client_output(task->client, 1, text, strlen(text));
}

/* Old releases and the tags of their images have gone: the service is free for what comes next. */
static void
leave(void *ctx)
{
	struct deploy *d = ctx;
	struct task *task = d->task;
	const struct ending *end = &endings[d->outcome];
	auto_free char *text =
	    str_printf("%s%s%s", end->text, d->reason[0] != '\0' && !d->told ? ": " : "", d->told ? "" : d->reason);
	bool for_program = task->json && task->mode == DEPLOY_BACK;
	bool silent = for_program || (deploy_only_looks(d) && (end->status == 0 || d->told));

	if (for_program && task->client != NULL)
		tell_rollback(d);
	d->keep = NULL;
	task->deploy = NULL;
	deploy_free(d);
	task_end(task, end->status, silent ? NULL : text);
}

/* Only what nothing can go back to any more is dropped, and of images only the tags that we made. */
static void
drop_old(struct deploy *d)
{
	struct service *svc = d->svc;
	auto_strv struct strv images = {NULL, 0};
	struct err err = ERR_INIT;
	int keep = svc->conf->keep > 0 ? svc->conf->keep : RELEASES_KEPT;

	if (store_release_prune(svc->core->store, svc->conf->name, keep, svc->row.release, svc->row.applying, &err) <
		0 ||
	    keep_unneeded(svc->core->store, svc->conf->name, &images, &err) < 0)
		log_err("old releases: %s service=%s", err.msg, svc->conf->name);
	appvars_tidy(svc);
	if (images.n == 0 || !svc->core->engine_up || svc->core->quitting)
		leave(d);
	else
		d->keep = keep_drop(svc->core, svc->conf->name, &images, leave, d);
}

/* Who waits for a push reads the end before anything else of the service's goes on. */
static void
tell_pusher(const struct deploy *d)
{
	const struct ending *end = &endings[d->outcome];
	auto_free char *why = str_printf("%s%s%s", end->text, d->reason[0] != '\0' ? ": " : "", d->reason);

	if (deploy_is_pushed(d))
		push_ended(d->svc, &(struct push_end){.well = end->status == 0,
				       .unchanged = d->outcome == OUTCOME_UNCHANGED,
				       .waits = d->left != 0,
				       .why = why});
}

void
deploy_end(struct deploy *d)
{
	struct err err = ERR_INIT;

	if (deploy_only_looks(d)) {
		if (endings[d->outcome].status == 1)
			deploy_tell_programs(d, &(struct violations){0});
		leave(d);
		return;
	}
	stay_with_it(d);
	if (d->scaled && (d->outcome == OUTCOME_LIVE || d->outcome == OUTCOME_UNCHANGED))
		appscale_keep(d->svc);
	else
		deploy_unscale(d);
	if (d->back)
		end_of_back(d);
	log_end(d);
	record_end(d);
	metrics_deploy(d->svc, endings[d->outcome].text);
	if (d->id != 0 && store_deploy_end(d->svc->core->store, d->id, endings[d->outcome].text, d->reason, &err) < 0)
		log_err("%s service=%s", err.msg, d->svc->conf->name);
	d->ended = true;
	if (deploy_publishes(d))
		deploy_publish(d);
	else
		deploy_finish(d);
}

void
deploy_warn(struct deploy *d, const char *text)
{
	if (deploy_is_pushed(d)) {
		deploy_note(d, "%s\n", text);
		push_warned(d->svc, text);
	} else {
		task_sayf(d->task, "%s\n", text);
	}
}

void
deploy_finish(struct deploy *d)
{
	tell_pusher(d);
	deploy_note(d, "%s%s%s\n", endings[d->outcome].text, d->reason[0] != '\0' ? ": " : "", d->reason);
	journal_end(TAKE(d->journal));
	if (d->svc->row.applying == 0 && d->applied)
		service_pin_tidy(d->svc);
	drop_old(d);
}
