/* The answer to `status`: deployed, healthy and in sync are three things, each with its reason. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/io.h"
#include "core/client.h"
#include "core/op.h"
#include "core/runs.h"
#include "core/service.h"
#include "engine/engine.h"

static void
utc(int64_t ms, char *ret, size_t size)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(ret, size, "%Y-%m-%d %H:%M:%S UTC", &tm);
}

/* "label       text": one line a fact. Reasons may hold what others wrote. */
static void
fact(struct buf *out, const char *label, const char *text)
{
	buf_printf(out, "%-12s", label);
	buf_vis(out, text, strlen(text), false);
	buf_str_add(out, "\n");
}

static const char *
state_text(const struct service *svc, const struct runs *runs)
{
	if (!svc->ready)
		return svc->problem[0] != '\0' ? "not managed" : "starting";
	if (svc->running != NULL && svc->running->kind == TASK_DEPLOY)
		return "deploying";
	if (svc->held)
		return "held";
	if (service_stopped(svc, NULL))
		return "stopped";
	if (svc->broken[0] != '\0')
		return "broken";
	if (svc->row.release == 0)
		return svc->row.refusal[0] != '\0' ? svc->row.verdict : "not deployed";
	if (!svc->core->engine_up)
		return "unknown";
	if (runs->missing.n > 0 || runs->dying)
		return "failing";
	return "live";
}

static void
deployed(const struct service *svc, struct buf *out)
{
	char when[64];
	auto_free char *text = NULL;

	if (svc->row.release == 0) {
		fact(out, "deployed", "no");
		return;
	}
	utc(svc->release.made_ms, when, sizeof(when));
	text = str_printf(
	    "yes: release %lld, commit %.8s, made %s", (long long)svc->row.release, svc->release.commit, when);
	fact(out, "deployed", text);
}

static void
healthy(const struct service *svc, const struct runs *runs, struct buf *out)
{
	auto_free char *text = NULL;

	if (!svc->core->engine_up)
		text = str_printf("unknown: the engine does not answer: %s", svc->core->engine_reason);
	else if (svc->row.release == 0)
		text = str_dup("no: nothing is deployed");
	else if (runs->missing.n > 0 || runs->dying)
		text = str_printf(
		    "no: %s%s", buf_str(&runs->why), svc->broken[0] != '\0' ? " (gave up bringing it up)" : "");
	else
		text = str_printf("yes: %zu of %zu containers run", runs->running, runs->containers);
	fact(out, "healthy", text);
}

static void
in_sync(const struct service *svc, struct buf *out)
{
	const struct store_service *row = &svc->row;
	auto_free char *text = NULL;

	if (row->tracked[0] == '\0')
		text = str_dup("no: nothing has been fetched yet");
	else if (row->refusal[0] != '\0' && str_eq(row->judged, row->tracked))
		text = str_printf("no: commit %.8s %s %s: %s", row->tracked,
		    str_eq(row->verdict, "refused") ? "is" : "was", row->verdict, row->refusal);
	else if (svc->trouble[0] != '\0')
		text = str_printf("no: commit %.8s: %s", row->tracked, svc->trouble);
	else if (svc->pending[0] != '\0')
		text = str_printf("no: commit %.8s is approved and waits: %s", row->tracked, svc->pending);
	else if (!str_eq(row->live, row->tracked))
		text = str_printf("no: commit %.8s is not yet deployed", row->tracked);
	else
		text = str_printf("yes: commit %.8s of %s", row->tracked, row->branch);
	fact(out, "in sync", text);
}

static void
last_look(const struct service *svc, struct buf *out)
{
	auto_free char *text = NULL;

	if (svc->looked_ms == 0)
		text = str_dup("none yet");
	else
		text = str_printf("%lld s ago: %s", (long long)((io_wall_ms() - svc->looked_ms) / 1000),
		    svc->look_error[0] != '\0' ? svc->look_error : "ok");
	fact(out, "last look", text);
}

static void
last_deploy(const struct service *svc, struct buf *out)
{
	auto_store_deploy struct store_deploy d = {0};
	auto_free char *text = NULL;
	struct err err = ERR_INIT;
	int rc = store_deploy_last(svc->core->store, svc->conf->name, &d, &err);

	if (rc < 0)
		text = str_dup(err.msg);
	else if (rc == 0)
		text = str_dup("none");
	else if (d.ended_ms == 0)
		text = str_printf("%lld (%s) of %.8s: at step %s", (long long)d.id, d.trigger, d.commit, d.step);
	else
		text = str_printf("%lld (%s) of %.8s: %s%s%s, took %.1f s", (long long)d.id, d.trigger, d.commit,
		    d.outcome, d.reason[0] != '\0' ? ": " : "", d.reason, (double)(d.ended_ms - d.begun_ms) / 1000);
	fact(out, "last deploy", text);
}

void
status_run(struct client *c, const struct op *op, const struct strv *args)
{
	const struct service *svc = c->svc;
	auto_runs struct runs runs = RUNS_INIT;
	auto_buf struct buf out = BUF_INIT(64 * 1024);
	auto_free char *source = str_printf("%s, branch %s", svc->conf->repository, svc->conf->branch);

	(void)op;
	(void)args;
	service_runs(svc, &runs);
	fact(&out, "service", svc->conf->name);
	fact(&out, "state", state_text(svc, &runs));
	fact(&out, "source", source);
	deployed(svc, &out);
	healthy(svc, &runs, &out);
	in_sync(svc, &out);
	last_look(svc, &out);
	last_deploy(svc, &out);
	if (svc->held)
		fact(&out, "hold", svc->hold_note[0] != '\0' ? svc->hold_note : "yes");
	if (svc->row.stopped[0] != '\0')
		fact(&out, "stopped", str_eq(svc->row.stopped, "*") ? "everything, by an operator" : svc->row.stopped);
	if (svc->problem[0] != '\0')
		fact(&out, "problem", svc->problem);
	client_answer(c, 1, 0, "%s", buf_str(&out));
}
