/* One thing at a time for a service: its queue, what runs, and what comes next. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "core/app.h"
#include "core/client.h"
#include "core/ended.h"
#include "core/lead.h"
#include "core/masks.h"
#include "core/push.h"
#include "core/runs.h"
#include "core/service.h"

static void (*const starters[TASK_KINDS])(struct task *) = {
    [TASK_LOOK] = look_start,
    [TASK_DEPLOY] = deploy_start,
    [TASK_HEAL] = heal_start,
    [TASK_STOP] = stop_start,
    [TASK_SETTLE] = settle_start,
    [TASK_ROUTES] = import_start,
    [TASK_NAMES] = rename_start,
    [TASK_END] = end_start,
    [TASK_VERB] = verb_start,
};

static void
task_free(struct task *task)
{
	strv_done(&task->args);
	free(task->why);
	free(task);
}

void
service_drop_queue(struct service *svc)
{
	struct task *task;

	while ((task = TAILQ_FIRST(&svc->queue)) != NULL) {
		TAILQ_REMOVE(&svc->queue, task, entry);
		task_free(task);
	}
}

bool
service_queue(struct service *svc, const struct task *like)
{
	struct task *task;
	size_t n = 0;

	TAILQ_FOREACH(task, &svc->queue, entry)
	{
		n++;
		if (like->client == NULL && task->kind == like->kind && task->client == NULL &&
		    like->mode != DEPLOY_PUSH)
			return true;
	}
	if (n >= TASKS_QUEUED_MAX)
		return false;
	task = calloc(1, sizeof(*task));
	if (task == NULL)
		abort();
	*task = *like;
	task->svc = svc;
	task->args = (struct strv){NULL, 0};
	for (size_t i = 0; i < like->args.n; i++)
		strv_add(&task->args, like->args.v[i]);
	TAILQ_INSERT_TAIL(&svc->queue, task, entry);
	if (like->why != NULL)
		task->why = str_dup(like->why);
	if (svc->running != NULL)
		task_sayf(task, "waiting: something else is being done for %s\n", svc->name);
	/* A deploy that is only being watched any more does not keep an operator waiting who takes the service down. */
	if (svc->running != NULL && svc->running->deploy != NULL)
		deploy_on_containers(svc->running->deploy);
	service_next(svc);
	return true;
}

bool
service_stop_waits(const struct service *svc)
{
	const struct task *task;

	TAILQ_FOREACH(task, &svc->queue, entry)
	{
		if (task->kind == TASK_VERB && (str_eq(task->verb, "stop") || str_eq(task->verb, "down")))
			return true;
	}
	return false;
}

static void
run_task(struct service *svc, struct task *task)
{
	TAILQ_REMOVE(&svc->queue, task, entry);
	svc->running = task;
	svc->waits = false;
	svc->core->busy++;
	starters[task->kind](task);
}

static void
act(struct service *svc, enum action action, const struct runs *runs)
{
	struct task task = {0};

	switch (action) {
	case ACTION_STOP:
		task = (struct task){.kind = TASK_STOP, .trigger = "hold"};
		break;
	case ACTION_SETTLE:
		task = (struct task){.kind = TASK_SETTLE, .trigger = "push"};
		break;
	case ACTION_ROUTES:
		task = (struct task){.kind = TASK_ROUTES, .trigger = "routes"};
		break;
	case ACTION_NAMES:
		task = (struct task){.kind = TASK_NAMES, .trigger = "names"};
		break;
	case ACTION_RESUME:
		task = (struct task){.kind = TASK_DEPLOY, .mode = DEPLOY_RESUME, .trigger = svc->resume_trigger};
		break;
	case ACTION_DEPLOY:
		task = (struct task){.kind = TASK_DEPLOY, .mode = DEPLOY_TRACK, .trigger = svc->news};
		memcpy(task.who, svc->news_who, sizeof(task.who));
		break;
	case ACTION_RESTORE:
	case ACTION_HEAL:
		service_plan_heal(svc, runs);
		return;
	default:
		return;
	}
	service_queue(svc, &task);
}

static struct task *
waiting(const struct service *svc, enum task_kind kind)
{
	struct task *task;

	TAILQ_FOREACH(task, &svc->queue, entry)
	{
		if (task->kind == kind)
			return task;
	}
	return NULL;
}

bool
service_cancel_waiting(struct service *svc, const char *who)
{
	auto_runs struct runs runs = RUNS_INIT;
	struct reconcile_facts facts;
	struct task *task;

	if (!svc->waits)
		return false;
	facts = service_facts(svc, &runs);
	/* Before it may wait a look, after which it would have been queued. */
	if (waiting(svc, TASK_DEPLOY) == NULL && reconcile_decide(&facts) == ACTION_DEPLOY)
		act(svc, ACTION_DEPLOY, &runs);
	task = waiting(svc, TASK_DEPLOY);
	/* What an earlier pgod, or an interrupted deploy, has left half-way has to be finished. */
	if (task == NULL || task->mode == DEPLOY_RESUME)
		return false;
	snprintf(task->cancelled, sizeof(task->cancelled), "%s", who);
	run_task(svc, task);
	return true;
}

static bool
client_waits(const struct service *svc)
{
	const struct task *task;

	TAILQ_FOREACH(task, &svc->queue, entry)
	{
		if (task->client != NULL)
			return true;
	}
	return false;
}

/* pgod is stopping, or the app ends: what waits is not begun any more. */
static void
turn_away(struct service *svc, const char *why)
{
	struct task *task;

	while ((task = TAILQ_FIRST(&svc->queue)) != NULL) {
		TAILQ_REMOVE(&svc->queue, task, entry);
		task_sayf(task, "%s\n", why);
		if (task->client != NULL)
			client_exit(task->client, 500);
		task_free(task);
	}
}

/* Deploys of apps may have all places and wait for the proxy: it is told without one. */
static void
routes_first(struct service *svc)
{
	struct task *task = waiting(svc, TASK_ROUTES);
	auto_runs struct runs runs = RUNS_INIT;
	struct reconcile_facts facts;

	if (task != NULL) {
		run_task(svc, task);
		return;
	}
	facts = service_facts(svc, &runs);
	if (reconcile_decide(&facts) == ACTION_ROUTES)
		act(svc, ACTION_ROUTES, &runs);
}

void
service_next(struct service *svc)
{
	struct task *task = TAILQ_FIRST(&svc->queue);

	if (svc->running != NULL)
		return;
	if (svc->core->quitting) {
		turn_away(svc, "pgod is stopping: try again");
		push_stopping(svc);
		return;
	}
	if (svc->ending && (task == NULL || task->kind != TASK_END || svc->app->row.gone == APP_GONE)) {
		turn_away(svc, "the app is being destroyed");
		return;
	}
	if (task == NULL) {
		auto_runs struct runs runs = RUNS_INIT;
		struct reconcile_facts facts = service_facts(svc, &runs);

		ended_look(svc, &runs);

		if (facts.satisfied && !facts.restore && !facts.unhealthy && !runs.dying && facts.engine_up &&
		    svc->broken[0] != '\0') {
			log_info("runs again service=%s", svc->conf->name);
			str_set(&svc->broken, "");
		}
		act(svc, reconcile_decide(&facts), &runs);
		return;
	}
	/* An operator waits for his answer: he does not queue behind the polls of a hundred other services, nor behind
	 * one of his own that does. */
	if (!client_waits(svc) && svc->core->busy >= CORE_TASKS_MAX) {
		svc->waits = true;
		routes_first(svc);
		return;
	}
	run_task(svc, task);
}

/* What kept the proxy from taking in the routes, or a container from having its name, may be gone. */
static void
try_again(const struct task *task)
{
	bool looks = task->kind == TASK_DEPLOY && (task->mode == DEPLOY_CHECK || task->mode == DEPLOY_PLAN);

	if ((task->kind == TASK_DEPLOY && !looks) || task->kind == TASK_HEAL || task->kind == TASK_VERB) {
		import_try_again(task->svc);
		rename_try_again(task->svc);
	}
}

void
task_end(struct task *task, int status, const char *text)
{
	struct service *svc = task->svc;

	if (task->client != NULL) {
		if (text != NULL)
			task_sayf(task, "%s\n", text);
		client_exit(task->client, status);
	}
	svc->running = NULL;
	svc->core->busy--;
	try_again(task);
	task_free(task);
	service_next(svc);
	lead_look(svc->core);
	core_kick(svc->core);
	core_maybe_exit(svc->core);
}

void
task_say(struct task *task, int stream, const char *data, size_t len)
{
	auto_buf struct buf text = BUF_INIT(2 * len + 4096);

	buf_add(&text, data, len);
	masks_hide(task->svc->masks, &text);
	if (task->deploy != NULL)
		deploy_hide(task->deploy, &text);
	if (task->client != NULL)
		client_output(task->client, stream, buf_str(&text), text.len);
	if (task->deploy != NULL)
		deploy_say(task->deploy, buf_str(&text), text.len);
}

void
task_sayf(struct task *task, const char *fmt, ...)
{
	auto_buf struct buf text = BUF_INIT(64 * 1024);
	va_list ap;

	if (task->client == NULL && task->deploy == NULL)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	task_say(task, 2, buf_str(&text), text.len);
}

void
service_forget_client(struct service *svc, const struct client *client)
{
	struct task *task;

	if (svc->running != NULL && svc->running->client == client)
		svc->running->client = NULL;
	TAILQ_FOREACH(task, &svc->queue, entry)
	{
		if (task->client == client)
			task->client = NULL;
	}
}
