/* A look at the remote: one ls-remote; only when the branch has moved, a fetch and the keys of the new commit. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "core/job.h"
#include "core/service.h"

static void
look_end(struct task *task, const char *error)
{
	struct service *svc = task->svc;
	bool again = str_eq(error, svc->look_error);

	svc->looked_ms = io_wall_ms();
	/* The same complaint every five minutes helps nobody. */
	if (error[0] != '\0' && !again)
		log_warn("%s service=%s", error, svc->conf->name);
	else if (error[0] == '\0' && !again)
		log_info("the repository answers again service=%s", svc->conf->name);
	str_set(&svc->look_error, error);
	task_end(task, error[0] != '\0', error[0] != '\0' ? error : NULL);
}

static void
look_failed(struct task *task, const char *what, const struct job_result *r)
{
	char reason[ERR_MSG_MAX];
	auto_free char *text = str_printf("%s: %s", what, job_reason(r, reason, sizeof(reason)));

	text[strcspn(text, "\n")] = '\0';
	look_end(task, text);
}

static void
start_job(struct task *task, const char *kind, const struct strv *args, void (*done)(void *, const struct job_result *))
{
	task->job = job_start(task->svc->core,
	    &(struct job_spec){
		.kind = kind, .service = task->svc->conf->name, .args = args, .done = done, .ctx = task});
}

/* The commit that a job printed: one object name on a line of its own. False on anything else. */
static bool
read_oid(const struct job_result *r, char ret_oid[STORE_OID])
{
	size_t len = strcspn(r->out, "\n");
	char oid[STORE_OID];

	if (len >= sizeof(oid))
		return false;
	memcpy(oid, r->out, len);
	oid[len] = '\0';
	if (!str_is_oid(oid))
		return false;
	memcpy(ret_oid, oid, len + 1);
	return true;
}

static void
on_keys(void *ctx, const struct job_result *r)
{
	struct task *task = ctx;
	struct service *svc = task->svc;

	task->job = NULL;
	/* Until they are recorded, a key that was taken away still opens: the next look asks again. */
	svc->refetch = true;
	if (r->status != 0) {
		look_failed(task, "keys", r);
		return;
	}
	if (r->tail[0] != '\0')
		log_warn("keys: %s service=%s", r->tail, svc->conf->name);
	str_set(&svc->row.keys, r->out);
	service_load_keys(svc);
	if (service_save(svc, NULL) < 0) {
		look_end(task, "the new commit could not be recorded");
		return;
	}
	svc->refetch = false;
	log_info("%zu keys service=%s", svc->keys.n, svc->conf->name);
	look_end(task, "");
}

static void
on_fetched(void *ctx, const struct job_result *r)
{
	struct task *task = ctx;
	struct service *svc = task->svc;
	auto_strv struct strv args = {NULL, 0};
	char oid[STORE_OID];

	task->job = NULL;
	if (r->status != 0 || !read_oid(r, oid)) {
		look_failed(task, "fetch", r);
		return;
	}
	log_info("new commit service=%s branch=%s from=%.8s to=%.8s", svc->conf->name, svc->conf->branch,
	    svc->row.tracked[0] != '\0' ? svc->row.tracked : "-", oid);
	task_sayf(task, "%s: %.8s -> %.8s\n", svc->conf->branch,
	    svc->row.tracked[0] != '\0' ? svc->row.tracked : "(nothing)", oid);
	str_set(&svc->row.tracked, oid);
	svc->news = task->trigger;
	memcpy(svc->news_who, task->who, sizeof(svc->news_who));
	/* What failed before may do better with another commit. */
	service_retry_cancel(svc);
	strv_add(&args, oid);
	start_job(task, "keys", &args, on_keys);
}

static void
on_looked(void *ctx, const struct job_result *r)
{
	struct task *task = ctx;
	char oid[STORE_OID];

	task->job = NULL;
	if (r->status != 0 || !read_oid(r, oid)) {
		look_failed(task, "ls-remote", r);
		return;
	}
	if (str_eq(oid, task->svc->row.tracked) && !task->svc->refetch) {
		look_end(task, "");
		return;
	}
	start_job(task, "fetch", NULL, on_fetched);
}

void
look_start(struct task *task)
{
	start_job(task, "ls-remote", NULL, on_looked);
}
