/* Operations that judge and deploy commits: they only ask for a task, which answers. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "core/client.h"
#include "core/op.h"
#include "core/service.h"

/* Is there a commit at all? Else the client is told why not. */
static bool
has_commit(struct client *c)
{
	const struct service *svc = c->svc;

	if (svc->row.tracked[0] != '\0')
		return true;
	if (svc->conf->hosted) {
		client_answer(c, 2, 1, "nothing that was pushed has been accepted yet\n");
		return false;
	}
	client_answer(
	    c, 2, 1, "nothing has been fetched yet%s%s\n", svc->look_error[0] != '\0' ? ": " : "", svc->look_error);
	return false;
}

/* A commit that is not deployed yet may have other compose services. */
static bool
may_name(struct client *c, const struct op *op, const struct strv *names)
{
	return !str_eq(c->svc->row.tracked, c->svc->row.live) || op_names_known(c, op, names);
}

static bool
is_digest(const char *s)
{
	return strlen(s) == PLAN_DIGEST_HEX - 1 && s[strspn(s, "0123456789abcdef")] == '\0';
}

static bool
op_is_quiet(const struct strv *args)
{
	return op_has(args, "-q") || op_has(args, "--quiet");
}

void
op_up(struct client *c, const struct op *op, const struct strv *args)
{
	const char *plan = op_value(args, "--plan");
	struct strv names = op_operands(args);
	struct task task = {.kind = TASK_DEPLOY, .mode = DEPLOY_UP, .args = names, .quiet = op_is_quiet(args)};

	if (plan != NULL && !is_digest(plan)) {
		client_answer(c, 2, 1, "up: --plan takes the %d digits that plan shows\n", PLAN_DIGEST_HEX - 1);
		return;
	}
	if (plan != NULL && names.n > 0) {
		client_answer(c, 2, 1, "up: a plan is of the whole service: name no compose service with it\n");
		return;
	}
	if (!has_commit(c) || !may_name(c, op, &names))
		return;
	/* It begins as a plan, and becomes an up when that is the one which was reviewed. */
	if (plan != NULL) {
		task.mode = DEPLOY_PLAN;
		snprintf(task.plan, sizeof(task.plan), "%s", plan);
	}
	op_queue(c, task);
}

void
op_pull(struct client *c, const struct op *op, const struct strv *args)
{
	struct strv names = op_operands(args);

	if (has_commit(c) && may_name(c, op, &names))
		op_queue(c,
		    (struct task){.kind = TASK_DEPLOY, .mode = DEPLOY_PULL, .args = names, .quiet = op_is_quiet(args)});
}

void
op_load(struct client *c, const struct op *op, const struct strv *args)
{
	(void)op;
	if (has_commit(c))
		op_queue(c, (struct task){.kind = TASK_DEPLOY, .mode = DEPLOY_CHECK, .json = op_has(args, "--json")});
}

void
op_plan(struct client *c, const struct op *op, const struct strv *args)
{
	(void)op;
	if (has_commit(c))
		op_queue(c, (struct task){.kind = TASK_DEPLOY, .mode = DEPLOY_PLAN, .json = op_has(args, "--json")});
}

struct wanted {
	int64_t id;	 /* 0: any good one */
	int64_t current; /* but this */
	int64_t found;
	struct buf *others; /* "3 (1a2b3c4d), 2 (...)" */
};

static bool
look_at_release(void *ctx, const struct store_release *r)
{
	struct wanted *w = ctx;

	if (r->id == w->id)
		w->found = r->id;
	if (r->id != w->current && r->good_ms != 0)
		buf_printf(w->others, "%s%lld (%.8s)", w->others->len > 0 ? ", " : "", (long long)r->id, r->commit);
	return true;
}

/* Which release to go back to; 0 after the client was told that there is none. */
static int64_t
release_of(struct client *c, int64_t id)
{
	const struct service *svc = c->svc;
	struct store *store = svc->core->store;
	auto_buf struct buf others = BUF_INIT(1024);
	struct wanted w = {.id = id, .current = svc->row.release, .others = &others};
	struct err err = ERR_INIT;
	int rc = store_release_each(store, svc->conf->name, look_at_release, &w, &err);

	if (rc >= 0 && id == 0)
		rc = store_release_last_good(store, svc->conf->name, svc->row.release, &w.found, &err);
	if (rc < 0) {
		client_answer(c, 2, 500, "%s\n", err.msg);
		return 0;
	}
	if (w.found != 0)
		return w.found;
	if (id == 0)
		client_answer(c, 2, 1, "there is no earlier release that ran well\n");
	else
		client_answer(c, 2, 1, "release %lld is not kept here%s%s\n", (long long)id,
		    others.len > 0 ? "; there is " : "", buf_str(&others));
	return 0;
}

void
op_rollback(struct client *c, const struct op *op, const struct strv *args)
{
	struct strv operands = op_operands(args);
	int64_t id = 0;

	if (operands.n > 0 && !str_to_int(operands.v[0], 1, INT64_MAX, &id)) {
		client_answer(
		    c, 2, 1, "%s: %s is no number of a release; history shows them\n", op->name, operands.v[0]);
		return;
	}
	id = release_of(c, id);
	if (id != 0) {
		auto_free char *asked = str_printf("rollback to release %lld", (long long)id);

		op_queue(c, (struct task){.kind = TASK_DEPLOY,
				.mode = DEPLOY_BACK,
				.release = id,
				.why = asked,
				.json = op_has(args, "--json")});
	}
}

void
op_cancel(struct client *c, const struct op *op, const struct strv *args)
{
	struct err err = ERR_INIT;
	bool cancelled = deploy_cancel(c->svc, c->who, &err) > 0;

	(void)op;
	if (op_has(args, "--json")) {
		auto_json json_t *all = json_pack("{ss sb so}", "service", c->svc->name, "cancelled", (int)cancelled,
		    "reason", cancelled ? json_null() : client_text_json(err.msg));

		client_answer_json(c, cancelled ? 0 : 1, all);
	} else if (cancelled) {
		client_answer(c, 1, 0, "cancelled\n");
	} else {
		client_answer(c, 2, 1, "%s\n", err.msg);
	}
}

bool
op_has_no_remote(struct client *c)
{
	if (c->svc->conf->hosted)
		client_answer(c, 2, 1, "%s is pushed to this host: there is no remote to ask\n", c->svc->name);
	return c->svc->conf->hosted;
}

void
op_look(struct client *c, struct task task)
{
	if (!op_has_no_remote(c))
		op_queue(c, task);
}

void
op_sync(struct client *c, const struct op *op, const struct strv *args)
{
	(void)op;
	op_look(c, (struct task){.kind = TASK_LOOK, .tells = true, .json = op_has(args, "--json")});
}

/* What a new commit is in for. */
static const char *
what_follows(const struct service *svc)
{
	if (svc->held)
		return "it is judged now, and applied when the hold goes";
	if (service_stopped(svc, NULL))
		return "it is judged now; the service is stopped, and `up` applies it";
	return "it is deployed now: `logs -f deploy` follows it";
}

static void
sync_tell_programs(struct task *task, bool is_new, bool in_sync, const char *text)
{
	const struct service *svc = task->svc;
	auto_json json_t *all = json_pack("{ss so so sb sb so}", "service", svc->name, "branch",
	    client_text_json(svc->row.branch), "commit", client_text_json(svc->row.tracked), "new", (int)is_new,
	    "in_sync", (int)in_sync, "reason", client_text_json(text));
	auto_free char *document = client_document(all);

	task_say(task, 1, document, strlen(document));
}

void
sync_tell(struct task *task)
{
	const struct service *svc = task->svc;
	bool is_new = !str_eq(svc->row.tracked, svc->row.judged) && svc->row.tracked[0] != '\0';
	auto_free char *text = NULL;
	auto_free char *line = NULL;
	bool is = false;

	if (!task->tells)
		return;
	text = is_new ? str_printf("commit %.8s of %s: %s", svc->row.tracked, svc->row.branch, what_follows(svc))
		      : status_in_sync(svc, &is);
	if (task->json) {
		sync_tell_programs(task, is_new, is, text);
		return;
	}
	line = str_printf("%s%s\n", is_new ? "" : is ? "in sync: yes: " : "in sync: no: ", text);
	task_say(task, 1, line, strlen(line));
}
