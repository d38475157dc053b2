/* The end of a push: its refs move when its commit is the tracked one, and else stay. It is decided by what is written
 * down, so that a core which finds an unsettled push does the same as the one that it began under. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "core/app.h"
#include "core/job.h"
#include "core/push.h"
#include "core/service.h"
#include "core/store_push.h"

enum { CHANGES_MAX = 64 * 1024 };

/* Nothing of the push stays in the store; the pusher, if he is still there, gets his answer. */
static void
forget(struct task *task, const char *no)
{
	struct service *svc = task->svc;
	struct err err = ERR_INIT;

	if (store_push_forget(svc->core->store, svc->conf->name, &err) < 0) {
		log_err("the end of the push could not be recorded: %s service=%s", err.msg, svc->conf->name);
		service_retry_later(svc, SERVICE_RETRY_MIN_MS);
	}
	push_settled(svc, no);
	task_end(task, 0, NULL);
}

/* It is done once more, later and later: what git, the disk or the account has, nobody may mend soon. Said once,
 * `status` and the next pusher are told as long as it lasts. */
static void
settle_later(struct task *task, const char *why)
{
	struct service *svc = task->svc;

	if (!str_eq(svc->settle_trouble, why))
		log_err("a push: %s; it is tried again, less and less often service=%s", why, svc->conf->name);
	str_set(&svc->settle_trouble, why);
	service_retry_later(svc, SERVICE_RETRY_MIN_MS);
	task_end(task, 1, NULL);
}

static bool
is_accepted(const struct service *svc)
{
	return svc->pushed[0] == '\0' || str_eq(svc->pushed, svc->row.tracked);
}

/* Somebody's killing is no verdict: once more, from the beginning, which is done in a moment. */
static bool
try_again(struct task *task, const struct job_result *r)
{
	if (!job_was_killed(r) || task->again || task->svc->core->quitting)
		return false;
	task->again = true;
	settle_start(task);
	return true;
}

/* Until they are recorded, a key that was taken away still opens: all of it is done once more. */
static void
keys_unread(struct task *task, const char *why)
{
	auto_free char *text = str_printf("the keys of the commit are not recorded: %s", why);

	push_accepted(task->svc);
	settle_later(task, text);
}

static void
on_keys(void *ctx, const struct job_result *r)
{
	struct task *task = ctx;
	struct service *svc = task->svc;
	char reason[ERR_MSG_MAX];
	struct err err = ERR_INIT;

	task->job = NULL;
	if (r->status != 0) {
		if (!try_again(task, r))
			keys_unread(task, job_reason(r, reason, sizeof(reason)));
		return;
	}
	str_set(&svc->row.keys, r->out);
	service_load_keys(svc);
	if (service_save(svc, &err) < 0)
		keys_unread(task, err.msg);
	else
		forget(task, NULL);
}

/* Whose keys are in the commit may look after the app, as of any service. */
static void
read_keys(struct task *task)
{
	auto_strv struct strv args = {NULL, 0};

	strv_add(&args, task->svc->row.tracked);
	task->job = job_start(task->svc->core,
	    &(struct job_spec){
		.kind = "keys", .service = task->svc->conf->name, .args = &args, .done = on_keys, .ctx = task});
}

/* The branch that was deployed first is the app's. */
static void
note_branch(struct service *svc, const char *ref)
{
	if (ref == NULL || svc->app == NULL || svc->app->row.branch[0] != '\0')
		return;
	str_set(&svc->app->row.branch, ref + strlen("refs/heads/"));
	str_set(&svc->row.branch, svc->app->row.branch);
	app_save(svc, NULL);
	service_save(svc, NULL);
}

static void
on_moved(void *ctx, const struct job_result *r)
{
	struct task *task = ctx;
	struct service *svc = task->svc;
	char reason[ERR_MSG_MAX - 64];
	auto_free char *no = NULL;

	task->job = NULL;
	if (r->status == 0 && is_accepted(svc) && svc->pushed[0] != '\0') {
		log_info("pushed service=%s commit=%.8s", svc->conf->name, svc->row.tracked);
		read_keys(task);
		return;
	}
	if (r->status == 0) {
		forget(task, is_accepted(svc) ? NULL : "it was not deployed");
		return;
	}
	if (try_again(task, r))
		return;
	no = str_printf("its refs could not be moved: %s", job_reason(r, reason, sizeof(reason)));
	if (r->status == JOB_STATUS_REFUSED || !is_accepted(svc)) {
		log_err("a push: %s service=%s", no, svc->conf->name);
		forget(task, no);
		return;
	}
	/* What runs is what was pushed, so the refs have to follow. */
	push_unsettled(svc, no);
	settle_later(task, no);
}

/* The account's repository has the refs: that of the main app, for one of a branch. */
static const char *
repository_of(const struct service *svc)
{
	return svc->app != NULL ? svc->app->row.main : svc->conf->name;
}

/* A tag is at the commit of the branch. */
static bool
is_repeated(const struct pushline_ref *refs, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (str_eq(refs[k].new, refs[i].new))
			return true;
	}
	return false;
}

static void
add_changes(const struct service *svc, const struct pushline_ref *refs, size_t n, struct buf *ret)
{
	bool accepted = is_accepted(svc);
	bool own = str_eq(repository_of(svc), svc->conf->name);

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(refs[i].new);

		/* What runs is what was pushed: then the refs follow, wherever somebody has moved them by hand. */
		if (accepted)
			buf_printf(
			    ret, "%s %s %s\n", svc->pushed[0] != '\0' ? "*" : refs[i].old, refs[i].new, refs[i].name);
		if (accepted && own && str_starts(refs[i].name, "refs/heads/"))
			buf_printf(ret, "* %s refs/pgo/tracked\n", refs[i].new);
		if (is_repeated(refs, i))
			continue;
		buf_printf(ret, "* %.*s refs/pgo/pushed/%s\n", (int)len,
		    "0000000000000000000000000000000000000000000000000000000000000000", refs[i].new);
	}
}

void
settle_start(struct task *task)
{
	struct service *svc = task->svc;
	auto_free struct pushline_ref *refs = calloc(PUSH_REFS_MAX, sizeof(*refs));
	auto_buf struct buf changes = BUF_INIT(CHANGES_MAX);
	struct err err = ERR_INIT;
	int n;

	if (refs == NULL)
		abort();
	n = store_push_refs(svc->core->store, svc->conf->name, refs, PUSH_REFS_MAX, &err);
	if (n < 0) {
		settle_later(task, err.msg);
		return;
	}
	for (int i = 0; is_accepted(svc) && i < n; i++) {
		if (str_starts(refs[i].name, "refs/heads/"))
			note_branch(svc, refs[i].name);
	}
	add_changes(svc, refs, (size_t)n, &changes);
	task->job = job_start(svc->core, &(struct job_spec){.kind = "accept",
					     .service = repository_of(svc),
					     .in = buf_str(&changes),
					     .in_len = changes.len,
					     .done = on_moved,
					     .ctx = task});
}
