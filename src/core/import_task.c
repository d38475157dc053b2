/* The file of the routes: looked at, checked, written, and the proxy told. Each step is a job; whatever fails, the file
 * ends up as the proxy took it in last. */
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "compose/mounts.h"
#include "compose/pins.h"
#include "core/import.h"
#include "core/job.h"
#include "core/reload.h"
#include "core/service.h"

enum { STATUS_NOT_EXECUTABLE = 126, STATUS_NO_PROGRAM = 127 };

struct importing {
	struct task *task;
	char *text; /* the routes; those of core may be others by the time that the proxy has them */
	size_t n;
	struct reload reload; /* target NULL: there is none, or it fits no compose service */
	char *inside;	      /* the file's path in the proxy's containers; NULL: they do not see it */
	bool itself;	      /* it is mounted itself, not the directory that it lies in */
	char *hopeless;	      /* why the proxy cannot be told, whatever becomes of the file; NULL */
	char *why;	      /* what failed, while what was there before is put back */
};

static void
end(struct importing *ing, const char *why, bool hopeless)
{
	struct task *task = ing->task;

	if (why != NULL && !str_eq(ing->text, task->svc->import.text)) {
		log_warn("routes: %s; they are others by now service=%s", why, task->svc->conf->name);
	} else if (why != NULL) {
		import_failed(task->svc, why, hopeless);
	} else {
		str_set(&task->svc->import.trouble, "");
		task->svc->import.attempts = 0;
		task->svc->import.refused = false;
	}
	reload_done(&ing->reload);
	free(ing->text);
	free(ing->inside);
	free(ing->hopeless);
	free(ing->why);
	free(ing);
	task_end(task, why == NULL ? 0 : 1, NULL);
}

static void
start_job(struct importing *ing, const char *kind, const struct strv *args, const char *in,
    void (*done)(void *, const struct job_result *))
{
	struct service *svc = ing->task->svc;

	ing->task->job = job_start(svc->core, &(struct job_spec){
						  .kind = kind,
						  .service = svc->conf->name,
						  .args = args,
						  .in = in,
						  .in_len = in == NULL ? 0 : strlen(in),
						  .done = done,
						  .ctx = ing,
					      });
}

/* Behind its log a program says in its last line what is wrong. The caller frees. */
static char *
last_words(const char *what, const struct job_result *r)
{
	char buf[ERR_MSG_MAX];
	const char *text = job_reason(r, buf, sizeof(buf));
	const char *line = strrchr(text, '\n');

	return str_printf("%s: %s", what, line == NULL ? text : line + 1);
}

static void
on_put_back(void *ctx, const struct job_result *r)
{
	struct importing *ing = ctx;

	ing->task->job = NULL;
	if (r->status != 0) {
		auto_free char *why = last_words("; nor could the file be put back", r);
		auto_free char *both = str_printf("%s%s", ing->why, why);

		end(ing, both, false);
		return;
	}
	end(ing, ing->why, false);
}

/* The proxy does not like what the file holds, or was to hold: it holds again what the proxy took in last. */
static void
put_back(struct importing *ing, char *take_why)
{
	struct import *im = &ing->task->svc->import;

	im->seen = false;
	im->refused = str_eq(ing->text, im->text);
	ing->why = take_why;
	/* The end of pgod is no word of the proxy's: the next one asks it. */
	if (im->good == NULL || str_eq(im->good, ing->text) || ing->task->svc->core->quitting)
		end(ing, ing->why, false);
	else
		start_job(ing, "routes", NULL, im->good, on_put_back);
}

static void
on_reloaded(void *ctx, const struct job_result *r)
{
	struct importing *ing = ctx;

	ing->task->job = NULL;
	if (r->status != 0) {
		put_back(ing, last_words("reload", r));
		return;
	}
	import_loaded(ing->task->svc, ing->text, ing->n);
	end(ing, NULL, false);
}

static void
tell_target(struct importing *ing, const struct strv *command, void (*done)(void *, const struct job_result *))
{
	auto_strv struct strv args = {NULL, 0};

	strv_add(&args, ing->reload.target);
	for (size_t i = 0; i < command->n; i++)
		strv_add(&args, command->v[i]);
	start_job(ing, "reload", &args, NULL, done);
}

/* The file holds the routes. */
static void
tell_proxy(struct importing *ing)
{
	struct service *svc = ing->task->svc;
	struct import *im = &svc->import;

	im->seen = str_eq(ing->text, im->text);
	if (ing->hopeless != NULL)
		end(ing, ing->hopeless, true);
	else if (ing->reload.target == NULL || (im->taken && str_eq(im->good, ing->text)) ||
		 !import_target_runs(svc, ing->reload.target))
		end(ing, NULL, false);
	else
		tell_target(ing, &ing->reload.command, on_reloaded);
}

static void
on_placed(void *ctx, const struct job_result *r)
{
	struct importing *ing = ctx;

	ing->task->job = NULL;
	if (r->status != 0) {
		put_back(ing, last_words("the file cannot be written", r));
		return;
	}
	ing->task->svc->import.refused = false;
	str_set(&ing->task->svc->import.handed, ing->text);
	import_written(ing->task->svc, r->out);
	tell_proxy(ing);
}

static void
place(struct importing *ing)
{
	start_job(ing, "routes", NULL, ing->text, on_placed);
}

static void
on_checked(void *ctx, const struct job_result *r)
{
	struct importing *ing = ctx;

	ing->task->job = NULL;
	if (r->status == 0 || r->status == STATUS_NOT_EXECUTABLE || r->status == STATUS_NO_PROGRAM)
		place(ing);
	else
		put_back(ing, last_words("the proxy refuses them", r));
}

/* How the proxy's containers see what is about to become the file (src/job/routes.c). */
static char *
candidate_inside(const struct importing *ing)
{
	const char *base = strrchr(ing->inside, '/') + 1;

	return str_printf("%.*s.%s.pgo", (int)(base - ing->inside), ing->inside, base);
}

/* A proxy that runs, sees the candidate and can check it. It does not take an empty file for a configuration. */
static bool
can_check(const struct importing *ing, struct strv *ret_command)
{
	struct service *svc = ing->task->svc;
	auto_free char *candidate = NULL;

	if (ing->hopeless != NULL || ing->reload.target == NULL || ing->inside == NULL || ing->n == 0)
		return false;
	/* Without anything to put back, or that it took in already, there is no choice. */
	if (svc->import.good == NULL || str_eq(svc->import.good, ing->text) ||
	    !import_target_runs(svc, ing->reload.target))
		return false;
	candidate = candidate_inside(ing);
	return reload_check_command(&ing->reload, candidate, ret_command);
}

static void
on_tried(void *ctx, const struct job_result *r)
{
	struct importing *ing = ctx;
	struct service *svc = ing->task->svc;
	auto_strv struct strv check = {NULL, 0};

	ing->task->job = NULL;
	if (r->status != 0) {
		auto_free char *why = last_words("the file cannot be written", r);

		end(ing, why, r->status == JOB_STATUS_REFUSED);
		return;
	}
	if (str_eq(r->out, "same\n")) {
		tell_proxy(ing);
		return;
	}
	if (str_starts(r->out, "other\n") && strlen(r->out) == r->out_len)
		import_remember(svc, r->out + strlen("other\n"));
	if (can_check(ing, &check))
		tell_target(ing, &check, on_checked);
	else
		place(ing);
}

/* Where the proxy's containers see the file, as the current release mounts it. */
static void
find_inside(struct importing *ing)
{
	struct service *svc = ing->task->svc;
	auto_buf struct buf text = BUF_INIT(JOB_OUT_MAX + MODEL_MAX);
	auto_free char *file = str_printf("%s/%s", svc->live_path, svc->conf->import);
	auto_json json_t *approved = NULL;
	auto_json json_t *model = NULL;
	struct err err = ERR_INIT;

	if (store_model_read(svc->core->store, svc->conf->name, svc->row.release, &text, &err) >= 0)
		approved = model_parse(buf_str(&text), text.len, &err);
	if (approved == NULL)
		return;
	model = model_unpin(approved);
	ing->inside = model_path_in(model, ing->reload.target, file, &ing->itself);
	if (ing->itself)
		ing->hopeless = str_printf(
		    "the file itself is mounted in %s, which sees no new one until it is started anew (`restart`): mount "
		    "the directory that it lies in",
		    ing->reload.target);
}

void
import_start(struct task *task)
{
	struct service *svc = task->svc;
	struct importing *ing = calloc(1, sizeof(*ing));
	struct err err = ERR_INIT;

	if (ing == NULL)
		abort();
	ing->task = task;
	ing->text = str_dup(svc->import.text);
	ing->n = svc->import.n;
	if (svc->conf->reload != NULL && import_reload(svc, &ing->reload, &err) < 0)
		ing->hopeless = str_dup(err.msg);
	else if (svc->conf->reload != NULL)
		find_inside(ing);
	start_job(ing, "routes-try", NULL, ing->text, on_tried);
}
