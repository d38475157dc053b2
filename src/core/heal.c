/* Tasks that are one compose command: bringing up what is missing, stopping for a hold, an operator's stop, start,
 * restart, down. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/log.h"
#include "compose/model.h"
#include "core/ended.h"
#include "core/job.h"
#include "core/op.h"
#include "core/pin.h"
#include "core/service.h"

static void
on_piece(void *ctx, int stream, const char *data, size_t len)
{
	task_say(ctx, stream, data, len);
}

static void
start_job(struct task *task, const char *kind, const struct strv *args, const struct buf *in,
    void (*done)(void *, const struct job_result *))
{
	task->job = job_start(task->svc->core, &(struct job_spec){
						   .kind = kind,
						   .service = task->svc->conf->name,
						   .args = args,
						   .in = in != NULL ? in->data : NULL,
						   .in_len = in != NULL ? in->len : 0,
						   .piece = on_piece,
						   .done = done,
						   .ctx = task,
					       });
}

/* Healing stands in the history as well: what was wrong, and whether that mended it. */
static void
begin_row(struct task *task)
{
	struct service *svc = task->svc;
	struct err err = ERR_INIT;

	if (store_deploy_begin(svc->core->store, svc->conf->name,
		&(struct store_begin){.trigger = task->trigger,
		    .commit = svc->release.commit,
		    .why = task->why,
		    .release = svc->row.release},
		&task->heal, &err) < 0)
		log_err("%s service=%s", err.msg, svc->conf->name);
}

static void
heal_end(struct task *task, int status, const char *reason)
{
	struct service *svc = task->svc;
	struct err err = ERR_INIT;

	if (status != 0)
		log_err("cannot bring it up: %s service=%s", reason, svc->conf->name);
	if (task->heal != 0 &&
	    store_deploy_end(svc->core->store, task->heal, status == 0 ? "live" : "failed", reason, &err) < 0)
		log_err("%s service=%s", err.msg, svc->conf->name);
	task_end(task, status, NULL);
}

static void
on_healed(void *ctx, const struct job_result *r)
{
	struct task *task = ctx;
	char reason[ERR_MSG_MAX] = "";

	task->job = NULL;
	/* What has ended with 0 does not look missing: everything is brought up once more, until the budget is spent.
	 */
	if (r->status != 0 && task->whole)
		task->svc->restore = true;
	if (r->status != 0)
		job_reason(r, reason, sizeof(reason));
	if (r->status == 0)
		ended_revived(task->svc);
	heal_end(task, r->status, reason);
}

/* A job that starts containers, while it waits for what they mount. */
struct start {
	struct task *task;
	const char *kind;
	struct strv args;
	char *in; /* NULL: none */
	void (*done)(void *, const struct job_result *);
};

static void
on_pinned(void *ctx, const char *error)
{
	struct start *s = ctx;
	struct buf in = {.data = s->in, .len = s->in != NULL ? strlen(s->in) : 0};

	if (error[0] != '\0')
		s->done(s->task, &(struct job_result){.status = -1, .error = error, .out = "", .tail = ""});
	else
		start_job(s->task, s->kind, &s->args, s->in != NULL ? &in : NULL, s->done);
	strv_done(&s->args);
	free(s->in);
	free(s);
}

static void
pin(struct start *s)
{
	struct service *svc = s->task->svc;

	core_pin(svc->core, svc->conf->name, &svc->pins, PIN_KEEP, on_pinned, s);
}

/* Without the newest routes a proxy is of more use than not at all. */
static void
on_routes(void *ctx, const struct job_result *r)
{
	struct start *s = ctx;
	char reason[ERR_MSG_MAX];

	s->task->job = NULL;
	if (r->status == 0)
		import_written(s->task->svc, r->out);
	else
		log_err("routes: %s service=%s", job_reason(r, reason, sizeof(reason)), s->task->svc->conf->name);
	pin(s);
}

/* What was verified when the release was applied is what starts again; after a reboot it is pinned anew. A proxy finds
 * its routes, whatever became of the file. */
static void
start_pinned(struct task *task, const char *kind, const struct strv *args, const char *in,
    void (*done)(void *, const struct job_result *))
{
	struct start *s = calloc(1, sizeof(*s));
	const char *routes = import_hand_out(task->svc);

	if (s == NULL)
		abort();
	*s = (struct start){.task = task, .kind = kind, .in = in != NULL ? str_dup(in) : NULL, .done = done};
	for (size_t i = 0; i < args->n; i++)
		strv_add(&s->args, args->v[i]);
	if (routes == NULL)
		pin(s);
	else
		task->job = job_start(task->svc->core, &(struct job_spec){
							   .kind = "routes",
							   .service = task->svc->conf->name,
							   .in = routes,
							   .in_len = strlen(routes),
							   .done = on_routes,
							   .ctx = s,
						       });
}

/* From the approved model of the last release and the images on this machine: neither git nor a registry is needed. */
void
heal_start(struct task *task)
{
	struct service *svc = task->svc;
	auto_buf struct buf model = BUF_INIT(2 * MODEL_MAX);
	auto_strv struct strv args = {NULL, 0};
	struct err err = ERR_INIT;

	if (task->whole)
		svc->restore = false;
	begin_row(task);
	svc->metrics.heals++;
	if (appscale_model(svc, svc->row.release, svc->row.vars, &model, &err) < 0) {
		heal_end(task, 1, err.msg);
		return;
	}
	/* Without names everything is to come back, but for what an operator stopped. */
	if (task->whole && svc->row.stopped[0] != '\0')
		service_not_stopped(svc, &svc->facts, &task->args);
	/* Only what is missing: compose would start again what has finished. */
	if (task->args.n > 0)
		strv_add(&args, "--no-deps");
	if (task->recreate)
		strv_add(&args, "--force-recreate");
	for (size_t i = 0; i < task->args.n; i++)
		strv_add(&args, task->args.v[i]);
	start_pinned(task, "up", &args, buf_str(&model), on_healed);
}

static void
on_stopped(void *ctx, const struct job_result *r)
{
	struct task *task = ctx;
	char reason[ERR_MSG_MAX];

	task->job = NULL;
	if (r->status != 0) {
		log_err("cannot stop it: %s service=%s", job_reason(r, reason, sizeof(reason)), task->svc->conf->name);
		service_retry_later(task->svc, SERVICE_RETRY_MIN_MS);
	} else {
		log_info("stopped because it is held service=%s", task->svc->conf->name);
	}
	task_end(task, r->status, NULL);
}

void
stop_start(struct task *task)
{
	start_job(task, "stop", NULL, NULL, on_stopped);
}

static void
on_verb(void *ctx, const struct job_result *r)
{
	struct task *task = ctx;

	task->job = NULL;
	log_info("%s by an operator ended service=%s status=%d", task->verb, task->svc->conf->name, r->status);
	/* 500: not compose's verdict, but pgod could not ask it. */
	task_end(task, r->status < 0 ? 500 : r->status, r->error[0] != '\0' ? r->error : NULL);
}

/* The operands of a verb that names compose services: what follows the options. */
static void
named_services(const struct task *task, struct strv *ret)
{
	for (size_t i = 0; i < task->args.n; i++) {
		if (task->args.v[i][0] != '-')
			strv_add(ret, task->args.v[i]);
	}
}

/* The operator's will is written down before the containers change, so that nothing is healed that he stops. */
void
verb_start(struct task *task)
{
	bool down = str_eq(task->verb, "stop") || str_eq(task->verb, "down");
	auto_strv struct strv names = {NULL, 0};
	struct service *svc = task->svc;
	struct err err = ERR_INIT;

	named_services(task, &names);
	/* Compose would fail, and healing bring up what was not to be started. What was not stopped may have been made
	 * a moment ago, unseen yet. */
	if (!down && svc->row.stopped[0] != '\0' && svc->core->engine_up && !op_has_containers(svc, &names)) {
		task_end(task, 1, "there is no container that could be started: `up` makes them anew");
		return;
	}
	if (service_set_stopped(svc, down, &names, &err) < 0) {
		task_end(task, 500, err.msg);
		return;
	}
	if (!down)
		service_judge_again(svc);
	if (down)
		start_job(task, task->verb, &task->args, NULL, on_verb);
	else
		start_pinned(task, task->verb, &task->args, NULL, on_verb);
}
