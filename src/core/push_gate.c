/* What git's hooks ask: may it begin at all, and then the work. */
#include <stdio.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "core/app.h"
#include "core/push_branch.h"
#include "core/push_state.h"
#include "core/receive.h"

static void
say(void *to, const char *line)
{
	receive_say(to, line);
}

static void
answer(void *to, const char *no)
{
	struct receive *r = to;

	r->push = NULL;
	receive_answer(r, no);
}

static const struct pusher pusher = {say, answer};

char *
push_holder(const struct service *svc)
{
	const struct push *p = svc->push;
	const struct task *task = svc->running;
	int64_t deploy = 0;
	char since[IO_UTC_TEXT];
	bool deploys = deploy_journal(svc, &deploy) != NULL;

	if (p == NULL && (task == NULL || task->kind != TASK_DEPLOY))
		return NULL;
	if (p == NULL)
		return str_printf("%s is being deployed%s%s: `logs -f deploy` follows it, `cancel` ends it", svc->name,
		    task->who[0] != '\0' ? " for " : "", task->who);
	io_utc_text(p->begun_ms, since);
	if (p->deletes && p->works)
		return str_printf(
		    "%s is being destroyed since %s UTC, for %s deletes its branch", svc->name, since, p->who);
	if (!deploys)
		return str_printf("%s is being pushed to by %s since %s UTC", svc->name, p->who, since);
	return str_printf("%s is being deployed: deploy %lld, pushed by %s, since %s UTC: `logs -f deploy` follows it, "
			  "`cancel` ends it",
	    svc->name, (long long)deploy, p->who, since);
}

char *
push_refusal(const struct service *svc, bool deletes)
{
	const char *name = svc->name;
	/* What has not come to its end is gone on with. */
	bool ends_on = deletes && svc->ending && svc->running == NULL;
	char *holds;

	if (svc->core->quitting)
		return str_dup("pgod is stopping: push again in a moment");
	if (svc->ending && !ends_on)
		return str_printf("%s is being destroyed: push again when that is done", name);
	if (!svc->ready && !ends_on)
		return str_printf("%s: %s", name,
		    svc->problem[0] != '\0' ? svc->problem : "pgod is still starting: push again in a moment");
	if (svc->app != NULL && svc->app->row.locked[0] != '\0')
		return str_printf(
		    "%s is locked: %s: an operator's `apps unlock` ends that", name, svc->app->row.locked);
	if (svc->held)
		return str_printf("%s is held down%s%s: push again when the hold has gone (`release`)", name,
		    svc->hold_note[0] != '\0' ? ": " : "", svc->hold_note);
	if (!deletes && service_stopped(svc, NULL))
		return str_printf(
		    "%s was stopped, and what is pushed would stay down with it: bring it up (`up`), then push again",
		    name);
	if (!svc->core->engine_up)
		return str_printf("the engine does not answer: %s: push again when it does", svc->core->engine_reason);
	holds = push_holder(svc);
	if (holds != NULL)
		return holds;
	if (svc->unsettled && svc->settle_trouble[0] != '\0')
		return str_printf(
		    "%s: what was pushed before is not finished: %s: it is tried again by itself, and `status` tells "
		    "when: push again then",
		    name, svc->settle_trouble);
	/* What was interrupted comes first, and decides about the push that it was of. */
	if (svc->row.applying != 0 || svc->unsettled)
		return str_printf(
		    "%s: a deploy that was interrupted is being finished: push again when it has ended (`logs -f deploy`)",
		    name);
	return NULL;
}

/* Why the branch is not what the pusher has seen: somebody else's push was accepted while this one was on its way. Git
 * would notice when all has been done. NULL: it is; the caller frees. */
static char *
why_stale(const struct service *svc, const struct receive *r)
{
	const char *now = svc->row.tracked;

	if (r->change == NULL || now[0] == '\0' || str_eq(r->change->old, now))
		return NULL;
	return str_printf("%s is at %.8s by now: fetch, and push again", r->branch, now);
}

void
push_take(struct receive *r, struct service *svc)
{
	auto_free char *why = push_refusal(svc, r->deletes);

	if (why == NULL)
		why = why_stale(svc, r);
	if (why != NULL) {
		receive_refuse(r, why);
		return;
	}
	svc->push = push_new(svc, &pusher, r, r->who);
	svc->push->deletes = r->deletes;
	r->push = svc->push;
	receive_answer(r, NULL);
}

/* --- the app of a branch --- */

bool
push_is_own_branch(const struct service *svc, const char *branch)
{
	const struct conf_push *conf = svc->core->conf->push;

	if (svc->app->row.branch[0] != '\0')
		return str_eq(svc->app->row.branch, branch);
	return conf != NULL && strv_has(&conf->branches, branch);
}

static void
on_made(void *ctx, struct service *svc, const char *error)
{
	struct receive *r = ctx;

	if (svc != NULL)
		push_take(r, svc);
	else
		receive_refuse(r, error);
}

static void
make_branch_app(struct receive *r, const char *name)
{
	const struct service *main = r->svc;

	if (!main->core->conf->push->create) {
		auto_free char *why = str_printf(
		    "branch %s would be an app, %s, and pushes make none here (create in [push]): when an operator "
		    "has made it with `apps create %s`, push to that one",
		    r->branch, name, name);

		receive_refuse(r, why);
		return;
	}
	app_create(main->core,
	    &(struct app_spec){.name = name,
		.main = main->conf->name,
		.branch = r->branch,
		.maker = main->app->row.maker[0] != '\0' ? main->app->row.maker : r->who},
	    on_made, r);
}

static void
ask_for_branch(struct receive *r)
{
	const struct service *main = r->svc;
	char name[APPNAME_MAX + 1];
	char service[APPNAME_MAX + 1];
	struct err err = ERR_INIT;
	struct service *svc;

	if (push_branch_app(main->app->name, r->branch, name, &err) < 0) {
		receive_refuse(r, err.msg);
		return;
	}
	appname_service(name, service);
	svc = core_named(main->core, service);
	if (svc == NULL) {
		make_branch_app(r, name);
	} else if (svc->app != NULL && str_eq(svc->app->row.main, main->conf->name) &&
		   str_eq(svc->app->row.branch, r->branch)) {
		push_take(r, svc);
	} else {
		auto_free char *why =
		    str_printf("branch %s would be the app %s, and there is another one of this name: give the branch "
			       "another name",
			r->branch, name);

		receive_refuse(r, why);
	}
}

void
push_asked(struct receive *r)
{
	if (r->deletes)
		push_ask_to_delete(r);
	else if (r->svc->app->row.locked[0] != '\0' || r->branch == NULL || push_is_own_branch(r->svc, r->branch))
		push_take(r, r->svc);
	else
		ask_for_branch(r);
}

static bool
is_app_of(const struct service *svc, const struct receive *r)
{
	if (svc == r->svc)
		return push_is_own_branch(svc, r->branch);
	return str_eq(svc->app->row.branch, r->branch);
}

void
push_deploy(struct receive *r)
{
	const struct pushline_ref *branch = r->change;
	struct push *p = r->push;
	struct task task = {.kind = TASK_DEPLOY, .mode = DEPLOY_PUSH, .trigger = "push"};
	struct service *svc;
	auto_free char *why = NULL;
	struct err err = ERR_INIT;

	/* Another process has asked before, and may have asked for another branch. */
	if (p == NULL || p->deletes != r->deletes || (branch != NULL && !is_app_of(p->svc, r))) {
		receive_refuse(r, "this is not what git asked for before");
		return;
	}
	why = why_stale(p->svc, r);
	if (why != NULL) {
		push_give_up(p, why);
		return;
	}
	if (p->deletes) {
		push_delete(p, r->branch);
		return;
	}
	if (push_write_down(p, r->refs, r->nrefs, &err) < 0) {
		push_give_up(p, err.msg);
		return;
	}
	p->works = true;
	svc = p->svc;
	if (branch == NULL) {
		service_next(svc);
		return;
	}
	snprintf(task.commit, sizeof(task.commit), "%s", branch->new);
	snprintf(task.who, sizeof(task.who), "%s", p->who);
	push_text_head(&p->text, "Deploying %s: %s at %.8s", svc->name, r->branch, branch->new);
	if (svc->running != NULL)
		push_text_detail(&p->text, "waiting: something else is being done for it");
	if (!service_queue(svc, &task))
		push_ended(svc, &(struct push_end){.why = "too much waits for this app already"});
	else if (svc->push != NULL && svc->waits)
		push_text_detail(&svc->push->text, "waiting: other services are being deployed");
}

void
push_forget(struct receive *r)
{
	struct push *p = r->push;

	app_create_forget(r->core, r);
	if (p == NULL)
		return;
	r->push = NULL;
	p->to = NULL;
	if (!p->works)
		push_discard(p->svc);
	else if (p->deletes)
		log_info("the pusher has gone, the app is destroyed all the same service=%s", p->svc->conf->name);
	else
		log_info("the pusher has gone, the deploy goes on service=%s deploy=%lld", p->svc->conf->name,
		    (long long)p->deploy);
}
