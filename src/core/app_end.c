/* Apps end: containers and networks go, volumes stay, directories are put aside. That it ends is written down first; a
 * pgod that starts later goes on with it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "core/app.h"
#include "core/client.h"
#include "core/job.h"
#include "core/keep.h"
#include "core/lead.h"
#include "core/push.h"
#include "core/service.h"
#include "core/uploaded.h"

enum { GONE_LOOK_MS = 20 };

/* An app of a branch gets its commits from the repository of its main app. */
static const struct service *
branch_of(const struct service *svc)
{
	const struct service *other;

	TAILQ_FOREACH(other, &svc->core->services, entry)
	{
		if (other != svc && other->app != NULL && str_eq(other->app->row.main, svc->conf->name))
			return other;
	}
	return NULL;
}

char *
app_why_kept(const struct service *svc)
{
	const struct service *branch = branch_of(svc);

	if (!svc->app->made)
		return str_printf("%s stands in pgo.toml: it goes when its [[services]] entry does", svc->app->name);
	if (branch != NULL)
		return str_printf("%s is of a branch of it: destroy that first", branch->app->name);
	if (svc->ending && svc->running != NULL)
		return str_printf("%s is being destroyed", svc->app->name);
	return NULL;
}

bool
app_destroy(struct service *svc, const char *trigger, const char *who, struct client *client)
{
	struct task task = {.kind = TASK_END, .trigger = trigger, .client = client};

	snprintf(task.who, sizeof(task.who), "%s", who);
	return service_queue(svc, &task);
}

static int
mark(struct service *svc, enum app_gone gone, struct err *err)
{
	svc->app->row.gone = gone;
	svc->ending = gone != APP_THERE;
	return app_save(svc, err);
}

/* It goes on being an app, with what is left: a heal brings up what should run. An end that nobody hears of is not
 * taken back, but gone on with when the engine comes, or core begins anew. */
static void
fail(struct task *task, const char *what, const char *reason)
{
	struct service *svc = task->svc;
	auto_free char *why = str_printf("%s: %s", what, reason);
	auto_free char *text = str_printf("Error: %s", why);

	log_err("%s service=%s", why, svc->conf->name);
	if ((task->client != NULL || push_deletes(svc)) && svc->app->row.gone == APP_ENDS) {
		mark(svc, APP_THERE, NULL);
		svc->ready = svc->problem[0] == '\0';
	}
	push_destroyed(svc, why);
	task_end(task, 1, text);
}

static void
retire(struct task *task)
{
	struct service *svc = task->svc;

	svc->retiring = task;
	channel_send(svc->core->pgod, msg_new("retire", "ss", "service", svc->conf->name), NULL, 0);
}

/* The branch stays where it cannot be removed: that is no reason to keep the app, unless it is what was to go. */
static void
on_branch_gone(void *ctx, const struct job_result *r)
{
	struct task *task = ctx;
	char reason[ERR_MSG_MAX];

	task->job = NULL;
	if (r->status != 0 && (str_eq(task->trigger, "push") || task->svc->core->quitting)) {
		fail(task, "its containers are gone, but its branch could not be deleted: delete it again",
		    job_reason(r, reason, sizeof(reason)));
		return;
	}
	if (r->status != 0)
		log_warn("the branch of the app stays: %s service=%s", job_reason(r, reason, sizeof(reason)),
		    task->svc->conf->name);
	retire(task);
}

/* Of a branch, in the repository of its main app: pushed again it would be up to date for git. */
static void
remove_branch(struct task *task)
{
	struct service *svc = task->svc;
	const struct store_app *row = &svc->app->row;
	auto_free char *change = str_printf("* %040d refs/heads/%s\n", 0, row->branch);

	task->job = job_start(svc->core, &(struct job_spec){.kind = "accept",
					     .service = row->main,
					     .in = change,
					     .in_len = strlen(change),
					     .done = on_branch_gone,
					     .ctx = task});
}

static void
on_untagged(void *ctx)
{
	struct task *task = ctx;
	struct service *svc = task->svc;

	/* From here on only what pgod has of it is left, and its branch. */
	mark(svc, APP_DOWN, NULL);
	if (!app_is_branch(svc) || core_service(svc->core, svc->app->row.main) == NULL)
		retire(task);
	else
		remove_branch(task);
}

static void
untag(struct task *task)
{
	const struct service *svc = task->svc;
	auto_strv struct strv images = {NULL, 0};
	struct err err = ERR_INIT;

	if (store_images_kept(svc->core->store, svc->conf->name, &images, &err) < 0)
		log_err("%s service=%s", err.msg, svc->conf->name);
	if (images.n > 0)
		keep_drop(svc->core, svc->conf->name, &images, on_untagged, task);
	else
		on_untagged(task);
}

static void
on_down(void *ctx, const struct job_result *r)
{
	struct task *task = ctx;
	char reason[ERR_MSG_MAX];

	task->job = NULL;
	if (r->status != 0)
		fail(task, "cannot take its containers down", job_reason(r, reason, sizeof(reason)));
	else
		untag(task);
}

void
end_start(struct task *task)
{
	struct service *svc = task->svc;
	struct err err = ERR_INIT;
	int applied = store_deploy_applied(svc->core->store, svc->conf->name, &err);

	if (applied < 0 || mark(svc, svc->app->row.gone == APP_DOWN ? APP_DOWN : APP_ENDS, &err) < 0) {
		fail(task, "cannot write it down", err.msg);
		return;
	}
	svc->ready = false;
	lead_changed(svc->core, svc->conf->name);
	log_info("ends%s%s, its volumes are kept service=%s", task->who[0] != '\0' ? " by " : "", task->who,
	    svc->conf->name);
	/* What was never deployed has no containers of ours: a project of that name is somebody else's. */
	if (svc->app->row.gone == APP_DOWN || (svc->row.release == 0 && applied == 0))
		untag(task);
	else
		task->job = job_start(svc->core,
		    &(struct job_spec){.kind = "down", .service = svc->conf->name, .done = on_down, .ctx = task});
}

/* Who asks something of it hears that there is nothing left to ask. */
static void
turn_clients_away(struct service *svc)
{
	auto_free char *text = str_printf("Error: the app %s has been destroyed", svc->app->name);
	struct client *c;

	TAILQ_FOREACH(c, &svc->core->clients, entry)
	{
		if (c->svc == svc)
			client_turn_away(c, text);
	}
}

/* Nothing is being done for it any more, and nobody does anything with it: what others had going is ended first. */
static void
on_gone(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval soon = {0, GONE_LOOK_MS * 1000};
	struct service *svc = ctx;
	struct core *core = svc->core;
	const struct conf_service *conf = svc->conf;

	(void)fd;
	(void)what;
	if (job_end_all(core, conf->name)) {
		event_base_once(core->base, -1, EV_TIMEOUT, on_gone, svc, &soon);
		return;
	}
	turn_clients_away(svc);
	TAILQ_REMOVE(&core->services, svc, entry);
	service_free(svc);
	conf_remove_app(core->conf, conf);
	lead_changed(core, NULL);
}

void
app_forget(struct core *core, const char *service)
{
	auto_store_app struct store_app row = {0};
	char plain[APPNAME_MAX + 1];
	const struct service *named;
	struct err err = ERR_INIT;
	int rc = store_app_get(core->store, service, &row, &err);

	row.gone = APP_GONE;
	if (rc > 0)
		rc = store_app_put(core->store, service, &row, &err);
	if (rc >= 0)
		rc = store_app_forget_names(core->store, service, &err);
	if (rc < 0)
		log_err("%s service=%s", err.msg, service);
	appname_service(row.called != NULL && row.called[0] != '\0' ? row.called : service, plain);
	named = core_named(core, plain);
	if (named == NULL || str_eq(named->conf->name, service))
		uploaded_forget(core, plain);
}

/* What is gone for good, and where the rest is. */
static void
tell_destroyed(struct task *task)
{
	const struct service *svc = task->svc;
	const struct conf *conf = svc->core->conf;
	auto_free char *files = str_printf("%s/.removed/%s-*", conf->dir, svc->conf->name);
	auto_free char *data = str_printf("%s/.removed/%s-*", conf->datadir, svc->conf->name);
	auto_free char *text = NULL;

	if (task->client != NULL && task->client->json) {
		auto_json json_t *all = json_pack("{ss ss ss ss}", "destroyed", svc->app->name, "service",
		    svc->conf->name, "files", files, "data", data);

		text = client_document(all);
	} else {
		text = str_printf(
		    "%s is destroyed: its containers and releases are gone; its volumes stay, its files and its "
		    "repository are put away in %s, data in %s\n",
		    svc->app->name, files, data);
	}
	task_say(task, 1, text, strlen(text));
}

bool
app_on_retired(struct core *core, const char *service, const char *error)
{
	static const struct timeval now = {0, 0};
	struct service *svc = core_service(core, service);
	auto_free char *text = NULL;
	struct task *task;
	struct err err = ERR_INIT;

	if (svc == NULL || svc->retiring == NULL)
		return false;
	task = TAKE(svc->retiring);
	if (error[0] != '\0') {
		log_err("cannot put the directories aside: %s service=%s", error, service);
		text = str_printf(
		    "Error: its containers are gone, but its directories are not: %s: destroy it again when that is mended",
		    error);
		/* Its branch is gone, and that is what git has asked for. */
		push_warned(svc, text + strlen("Error: "));
		push_destroyed(svc, NULL);
		task_end(task, 1, text);
		return true;
	}
	svc->app->row.gone = APP_GONE;
	app_forget(core, service);
	/* Before its journal goes, which would begin anew with this line. */
	log_info("destroyed; its files are in .removed service=%s", service);
	if (store_service_forget(core->store, service, &err) < 0)
		log_err("%s service=%s", err.msg, service);
	event_base_once(core->base, -1, EV_TIMEOUT, on_gone, svc, &now);
	tell_destroyed(task);
	task_end(task, 0, NULL);
	return true;
}
