/* A look at the remote: one ls-remote; only when the branch has moved, a fetch, what the configuration asks of a commit
 * (its signature, its history), and the keys of the new commit. What is refused is remembered and not fetched again. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "core/job.h"
#include "core/look.h"
#include "core/op.h"
#include "core/service.h"
#include "core/share.h"

void
look_note(struct service *svc, const char *error, bool failing)
{
	bool again = str_eq(error, svc->look_error);

	svc->looked_ms = io_wall_ms();
	metrics_poll(svc, error[0] == '\0');
	svc->look_fails = failing ? svc->look_fails + 1 : 0;
	/* The same complaint every five minutes helps nobody. */
	if (error[0] != '\0' && !again)
		log_warn("%s service=%s", error, svc->conf->name);
	else if (error[0] == '\0' && !again)
		log_info("the repository answers again service=%s", svc->conf->name);
	str_set(&svc->look_error, error);
	service_poll_later(svc);
}

static void
look_end(struct task *task, const char *error, bool failing)
{
	struct service *svc = task->svc;

	look_note(svc, error, failing);
	if (svc->asking)
		share_failure(svc, error, failing);
	if (error[0] == '\0' && svc->row.rejected[0] != '\0')
		error = svc->row.rejected_why;
	if (error[0] == '\0')
		sync_tell(task);
	task_end(task, error[0] != '\0', error[0] != '\0' ? error : NULL);
}

/* "ls-remote: cannot read …; what to do about it": in one line; the caller frees. */
static char *
job_words(const char *what, const struct job_result *r)
{
	char reason[ERR_MSG_MAX];
	auto_free char *text = str_printf("%s: %s", what, job_reason(r, reason, sizeof(reason)));

	return str_one_line(text);
}

static void
look_failed(struct task *task, const char *what, const struct job_result *r)
{
	auto_free char *text = job_words(what, r);

	/* A remote that has no such branch yet answers, and that somebody killed the job says nothing about it: it is
	 * asked as often as ever. */
	look_end(task, text, r->status != JOB_STATUS_NO_BRANCH && r->status != JOB_STATUS_EMPTY && r->status <= 128);
}

static void
start_job(struct task *task, const char *kind, const struct strv *args, void (*done)(void *, const struct job_result *))
{
	task->job = job_start(task->svc->core,
	    &(struct job_spec){
		.kind = kind, .service = task->svc->conf->name, .args = args, .done = done, .ctx = task});
}

bool
look_read_oid(const struct job_result *r, char ret_oid[STORE_OID])
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
	str_set(&svc->row.keys, r->out);
	service_load_keys(svc);
	if (service_save(svc, NULL) < 0) {
		look_end(task, "the new commit could not be recorded", false);
		return;
	}
	svc->refetch = false;
	log_info("%zu keys, %zu lines refused service=%s", svc->keys.n, svc->keys.refused, svc->conf->name);
	look_end(task, "", false);
}

static void
read_keys(struct task *task)
{
	auto_strv struct strv args = {NULL, 0};

	strv_add(&args, task->svc->row.tracked);
	start_job(task, "keys", &args, on_keys);
}

/* From here on the commit is the service's: what it wants is deployed, its keys open. */
static void
follow(struct task *task, const char *oid)
{
	struct service *svc = task->svc;
	bool same = str_eq(svc->row.tracked, oid);

	log_info("new commit service=%s branch=%s from=%.8s to=%.8s", svc->conf->name, svc->conf->branch,
	    svc->row.tracked[0] != '\0' ? svc->row.tracked : "-", oid);
	task_sayf(task, "%s: %.8s -> %.8s\n", svc->conf->branch,
	    svc->row.tracked[0] != '\0' ? svc->row.tracked : "(nothing)", oid);
	str_set(&svc->row.tracked, oid);
	svc->news = task->trigger;
	memcpy(svc->news_who, task->who, sizeof(svc->news_who));
	str_set(&svc->row.rejected, "");
	str_set(&svc->row.rejected_why, "");
	/* What failed before may do better with another commit; or, once, with a repository that is whole again. */
	if (!same)
		service_retry_cancel(svc);
	else if (svc->retry_ms <= SERVICE_RETRY_MIN_MS)
		event_del(svc->retry_timer);
	read_keys(task);
}

/* A refusal stands in the history, although nothing was begun. */
static void
write_history(struct task *task)
{
	struct service *svc = task->svc;
	struct store *st = svc->core->store;
	struct err err = ERR_INIT;
	int64_t id = 0;
	int rc = store_deploy_begin(st, svc->conf->name,
	    &(struct store_begin){.trigger = task->trigger, .who = task->who, .commit = svc->row.rejected}, &id, &err);

	if (rc >= 0)
		rc = store_deploy_step(st, id, "verify", false, &err);
	if (rc >= 0)
		rc = store_deploy_end(st, id, "refused", svc->row.rejected_why, &err);
	if (rc < 0)
		log_err("%s service=%s", err.msg, svc->conf->name);
	metrics_deploy(svc, "refused");
}

/* What runs stays, and so does the commit that is followed; the same refusal twice is told once. */
static void
reject(struct task *task, const char *oid, const char *why)
{
	struct service *svc = task->svc;
	bool known = str_eq(svc->row.rejected, oid) && str_eq(svc->row.rejected_why, why);

	svc->verify_again = false;
	str_set(&svc->row.rejected, oid);
	str_set(&svc->row.rejected_why, why);
	if (service_save(svc, NULL) < 0) {
		look_end(task, "the refusal of the new commit could not be recorded", false);
		return;
	}
	if (!known) {
		log_warn("not followed: %s service=%s", why, svc->conf->name);
		write_history(task);
	}
	if (svc->refetch && svc->row.tracked[0] != '\0') {
		read_keys(task);
		return;
	}
	svc->refetch = false;
	look_end(task, "", false);
}

static void
on_verified(void *ctx, const struct job_result *r)
{
	struct task *task = ctx;
	struct service *svc = task->svc;
	auto_free char *oid = str_dup(svc->fetched);

	task->job = NULL;
	if (r->status == JOB_STATUS_REFUSED) {
		auto_free char *why = job_words("verify", r);

		reject(task, oid, why);
		return;
	}
	if (r->status != 0) {
		look_failed(task, "verify", r);
		return;
	}
	if (r->out_len > 0)
		log_info("commit %.8s %.*s service=%s", oid, (int)strcspn(r->out, "\n"), r->out, svc->conf->name);
	follow(task, oid);
}

bool
look_is_picky(const struct service *svc)
{
	return svc->conf->signed_only || svc->conf->rewind_refused;
}

/* What is deployed from this repository and branch; "" when nothing is: then nothing can be left behind. */
static const char *
deployed_commit(const struct service *svc)
{
	return svc->row.tracked[0] != '\0' && svc->row.release != 0 ? svc->release.commit : "";
}

/* The commit is in the service's repository. */
static void
got(struct task *task, const char *oid)
{
	struct service *svc = task->svc;
	auto_strv struct strv args = {NULL, 0};

	str_set(&svc->fetched, oid);
	if (svc->asking)
		share_answer(svc, oid);
	if (!look_is_picky(svc)) {
		follow(task, oid);
		return;
	}
	strv_add(&args, oid);
	if (deployed_commit(svc)[0] != '\0')
		strv_add(&args, deployed_commit(svc));
	start_job(task, "verify", &args, on_verified);
}

static void
on_fetched(void *ctx, const struct job_result *r)
{
	struct task *task = ctx;
	char oid[STORE_OID];

	task->job = NULL;
	if (r->status != 0 || !look_read_oid(r, oid)) {
		look_failed(task, "fetch", r);
		return;
	}
	if (r->tail[0] != '\0') {
		auto_free char *text = job_words("fetch", r);

		log_warn("%s service=%s", text, task->svc->conf->name);
	}
	got(task, oid);
}

/* With what the live tree is, and what can be gone back to: should the local repository have been lost, they are
 * fetched as well. */
static void
start_fetch(struct task *task)
{
	const struct service *svc = task->svc;
	auto_strv struct strv args = {NULL, 0};
	struct err err = ERR_INIT;

	if (svc->row.live[0] != '\0') {
		strv_add(&args, svc->row.live);
		if (store_release_commits(svc->core->store, svc->conf->name, &args, &err) < 0)
			log_err("%s service=%s", err.msg, svc->conf->name);
	}
	start_job(task, "fetch", &args, on_fetched);
}

/* Whatever went wrong with the other one's repository: there is the remote. */
static void
on_imported(void *ctx, const struct job_result *r)
{
	struct task *task = ctx;
	char oid[STORE_OID];
	char reason[ERR_MSG_MAX];

	task->job = NULL;
	if (r->status == 0 && look_read_oid(r, oid)) {
		got(task, oid);
		return;
	}
	log_info(
	    "fetching it from the remote: %s service=%s", job_reason(r, reason, sizeof(reason)), task->svc->conf->name);
	start_fetch(task);
}

/* Core makes the pipe between the two accounts; not a byte of the commit comes by here. */
static bool
start_import(struct task *task, const struct service *lender, const char *oid)
{
	struct service *svc = task->svc;
	auto_strv struct strv wanted = {NULL, 0};
	auto_strv struct strv args = {NULL, 0};
	auto_close int from = -1;
	auto_close int to = -1;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	from = fds[0];
	to = fds[1];
	strv_add(&wanted, oid);
	strv_add(&args, oid);
	if (svc->row.tracked[0] != '\0')
		strv_add(&args, svc->row.tracked);
	job_start(svc->core,
	    &(struct job_spec){.kind = "export", .service = lender->conf->name, .args = &args, .out_fd = to});
	task->job = job_start(svc->core, &(struct job_spec){.kind = "import",
					     .service = svc->conf->name,
					     .args = &wanted,
					     .in_fd = from,
					     .done = on_imported,
					     .ctx = task});
	return true;
}

/* The branch is what was refused before: only an operator, a new start of pgod or damage makes us look at it again. */
static bool
is_refused(const struct service *svc, const char *oid)
{
	return look_is_picky(svc) && str_eq(oid, svc->row.rejected) && !svc->verify_again && !svc->refetch;
}

bool
look_wants(const struct service *svc, const char *oid)
{
	if (str_eq(oid, svc->row.tracked))
		return svc->refetch || svc->row.rejected[0] != '\0';
	return !is_refused(svc, oid);
}

/* A refused commit went away without another one to follow. */
static void
forget_rejected(struct service *svc)
{
	if (svc->row.rejected[0] == '\0')
		return;
	str_set(&svc->row.rejected, "");
	str_set(&svc->row.rejected_why, "");
	service_save(svc, NULL);
}

static bool
is_poll(const struct task *task)
{
	return str_eq(task->trigger, "poll");
}

/* The branch is at oid, as the remote has told this service or another one. */
static void
on_answer(struct task *task, const char *oid)
{
	struct service *svc = task->svc;
	bool known = str_eq(oid, svc->row.tracked) && !svc->refetch;
	const struct service *lender = svc->refetch ? NULL : share_lender(svc, oid);

	if (known)
		forget_rejected(svc);
	if (known || (is_poll(task) && is_refused(svc, oid))) {
		if (svc->asking)
			share_answer(svc, oid);
		look_end(task, "", false);
		return;
	}
	if (lender == NULL || !start_import(task, lender, oid))
		start_fetch(task);
}

static void
on_looked(void *ctx, const struct job_result *r)
{
	struct task *task = ctx;
	char oid[STORE_OID];

	task->job = NULL;
	/* What another one heard before is old now. */
	task->svc->heard_ms = 0;
	if (r->status != 0 || !look_read_oid(r, oid))
		look_failed(task, "ls-remote", r);
	else
		on_answer(task, oid);
}

/* What another service heard a moment ago need not be asked again. */
static bool
has_heard(const struct service *svc)
{
	return svc->heard_ms != 0 && io_now_ms() - svc->heard_ms < svc->core->conf->poll_ms / 2;
}

void
look_start(struct task *task)
{
	struct service *svc = task->svc;

	if (is_poll(task) && has_heard(svc)) {
		auto_free char *oid = str_dup(svc->heard);

		if (oid[0] != '\0')
			on_answer(task, oid);
		else
			task_end(task, 0, NULL);
		return;
	}
	if (is_poll(task) && share_is_asked(svc)) {
		svc->waiting = true;
		task_end(task, 0, NULL);
		return;
	}
	svc->asking = true;
	start_job(task, "ls-remote", NULL, on_looked);
}
