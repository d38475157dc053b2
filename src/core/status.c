/* The answer to `status`: deployed, healthy and in sync are three things, each with its reason. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "core/client.h"
#include "core/op.h"
#include "core/proxy.h"
#include "core/runs.h"
#include "core/service.h"
#include "core/status.h"
#include "core/urls.h"
#include "engine/engine.h"

enum { KEYS_SHOWN_MAX = 8 }; /* refused lines of ssh/ in the text */

void
status_fact(struct buf *out, const char *label, const char *text)
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

static const char *const is_text[] = {[STATUS_NO] = "no", [STATUS_YES] = "yes", [STATUS_UNKNOWN] = "unknown"};

static struct answer
deployed(const struct service *svc)
{
	char when[IO_UTC_TEXT];

	if (svc->row.release == 0)
		return (struct answer){STATUS_NO, str_dup("")};
	io_utc_text(svc->release.made_ms, when);
	return (struct answer){STATUS_YES, str_printf("release %lld, commit %.8s, made %s UTC",
					       (long long)svc->row.release, svc->release.commit, when)};
}

static struct answer
healthy(const struct service *svc, const struct runs *runs)
{
	if (!svc->core->engine_up)
		return (struct answer){
		    STATUS_UNKNOWN, str_printf("the engine does not answer: %s", svc->core->engine_reason)};
	if (svc->row.release == 0)
		return (struct answer){STATUS_NO, str_dup("nothing is deployed")};
	if (svc->held || service_stopped(svc, NULL) || svc->restore)
		return (struct answer){STATUS_NO, str_printf("%s, %zu of %zu containers run",
						      svc->held	     ? "held down"
						      : svc->restore ? "coming up again"
								     : "stopped by an operator",
						      runs->running, runs->containers)};
	if (runs->missing.n > 0 || runs->dying)
		return (struct answer){STATUS_NO,
		    str_printf("%s%s", buf_str(&runs->why), svc->broken[0] != '\0' ? " (gave up bringing it up)" : "")};
	return (struct answer){STATUS_YES, str_printf("%zu of %zu containers run", runs->running, runs->containers)};
}

/* "refused", "rolled back", ...: what became of the newest commit; "refused" for what older records do not tell. */
static const char *
verdict(const struct store_service *row)
{
	return row->verdict[0] != '\0' ? row->verdict : "refused";
}

/* "; tried again in 28 s", or nothing. The caller frees. */
static char *
next_try(const struct service *svc)
{
	struct timeval at;
	int64_t ms;

	if (svc->retry_ms == 0 || !event_pending(svc->retry_timer, EV_TIMEOUT, &at))
		return str_dup("");
	ms = (int64_t)at.tv_sec * 1000 - io_wall_ms();
	return str_printf("; tried again in %lld s", (long long)(ms > 0 ? ms / 1000 : 0));
}

static struct answer
in_sync(const struct service *svc)
{
	const struct store_service *row = &svc->row;
	auto_free char *again = next_try(svc);

	if (svc->unsettled && svc->settle_trouble[0] != '\0')
		return (struct answer){
		    STATUS_NO, str_printf("a push is deployed, but not finished: %s%s", svc->settle_trouble, again)};
	if (row->rejected[0] != '\0')
		return (struct answer){
		    STATUS_NO, str_printf("commit %.8s is not followed: %s", row->rejected, row->rejected_why)};
	/* Of an app that nobody has pushed to there is nothing that it could lag behind. */
	if (row->tracked[0] == '\0' && svc->conf->hosted)
		return (struct answer){STATUS_UNKNOWN, str_dup("nothing that was pushed has been accepted yet")};
	if (row->tracked[0] == '\0')
		return (struct answer){STATUS_NO, str_dup("nothing has been fetched yet")};
	if (row->refusal[0] != '\0' && str_eq(row->judged, row->tracked))
		return (struct answer){
		    STATUS_NO, str_printf("commit %.8s is %s: %s", row->tracked, verdict(row), row->refusal)};
	if (svc->trouble[0] != '\0')
		return (struct answer){STATUS_NO, str_printf("commit %.8s: %s%s", row->tracked, svc->trouble, again)};
	if (svc->pending[0] != '\0')
		return (struct answer){
		    STATUS_NO, str_printf("commit %.8s is approved and waits: %s", row->tracked, svc->pending)};
	/* The files of before may be back although the containers are not. */
	if (!str_eq(row->live, row->tracked) && str_eq(row->judged, row->tracked) && str_eq(row->verdict, "unhealthy"))
		return (struct answer){
		    STATUS_NO, str_printf("commit %.8s is unhealthy, and is not tried again by itself", row->tracked)};
	if (!str_eq(row->live, row->tracked))
		return (struct answer){
		    STATUS_NO, str_printf("commit %.8s is not yet deployed%s", row->tracked,
				   svc->waits ? ": it waits for its turn, other services are being deployed" : "")};
	if (svc->breach[0] != '\0')
		return (struct answer){STATUS_NO,
		    str_printf("release %lld goes on as it was approved, although the rules of today refuse it: %s",
			(long long)row->release, svc->breach)};
	if (svc->look_error[0] != '\0')
		return (struct answer){
		    STATUS_UNKNOWN, str_printf("commit %.8s of %s is what was there last; the last look failed",
					row->tracked, service_branch(svc))};
	return (struct answer){STATUS_YES, str_printf("commit %.8s of %s", row->tracked, service_branch(svc))};
}

static char *
answer_text(const struct answer *a)
{
	return str_printf("%s%s%s", is_text[a->is], a->text[0] != '\0' ? ": " : "", a->text);
}

/* Where there is a proxy on the host: does it lead the service's sites to where they should lead? */
static struct answer
sites(const struct service *svc)
{
	auto_buf struct buf text = BUF_INIT(ERR_MSG_MAX * 2);
	bool ok = false;

	if (!proxy_tells(svc->core, svc->conf->name, &ok, &text))
		return (struct answer){STATUS_NO, NULL};
	return (struct answer){ok ? STATUS_YES : STATUS_NO, buf_take(&text)};
}

/* Of a service that imports the routes: are they what its proxy goes by? */
static struct answer
routes(const struct service *svc)
{
	bool is = false;
	char *text = import_status(svc, &is);

	return (struct answer){is ? STATUS_YES : STATUS_NO, text};
}

char *
status_in_sync(const struct service *svc, bool *ret_is)
{
	struct answer a = in_sync(svc);

	*ret_is = a.is == STATUS_YES;
	return a.text;
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
	status_fact(out, "last look", text);
}

/* A reason that stands two lines above is not told again. */
static void
last_deploy(const struct service *svc, const char *told, struct buf *out)
{
	auto_store_deploy struct store_deploy d = {0};
	auto_free char *text = NULL;
	struct err err = ERR_INIT;
	int rc = store_deploy_last(svc->core->store, svc->conf->name, &d, &err);
	bool tells = rc > 0 && d.reason[0] != '\0' && strstr(told, d.reason) == NULL;

	if (rc < 0)
		text = str_dup(err.msg);
	else if (rc == 0)
		text = str_dup("none");
	else if (d.ended_ms == 0)
		text = str_printf("%lld (%s) of %.8s: at step %s", (long long)d.id, d.trigger, d.commit, d.step);
	else
		text = str_printf("%lld (%s) of %.8s: %s%s%s, took %.1f s", (long long)d.id, d.trigger, d.commit,
		    d.outcome, tells ? ": " : "", tells ? d.reason : "", (double)(d.ended_ms - d.begun_ms) / 1000);
	status_fact(out, "last deploy", text);
}

/* The lines that are no key, so that whoever wonders why his does not open finds out. */
static void
key_lines(const struct service *svc, struct buf *out)
{
	const struct keys *keys = &svc->keys;
	auto_free char *text = str_printf("%zu, %zu lines refused", keys->n, keys->refused);

	if (keys->refused == 0)
		return;
	status_fact(out, "keys", text);
	for (size_t i = 0; i < keys->problems.n && i < KEYS_SHOWN_MAX; i++)
		status_fact(out, "", keys->problems.v[i]);
}

static void
print(const struct service *svc, const struct status *s, struct buf *out)
{
	auto_strv struct strv urls = {NULL, 0};
	const struct {
		const char *label;
		const struct answer *answer;
	} answers[] = {{"deployed", &s->deployed}, {"healthy", &s->healthy}, {"in sync", &s->in_sync}};
	const char *branch = service_branch(svc);
	auto_free char *source =
	    str_printf("%s%s%s", service_source(svc), branch[0] != '\0' ? ", branch " : "", branch);
	auto_free char *memory = oom_text(&svc->oom);
	auto_free char *routes_line = s->routes.text != NULL ? answer_text(&s->routes) : NULL;
	auto_free char *sites_line = s->sites.text != NULL ? answer_text(&s->sites) : NULL;

	status_fact(out, "service", svc->name);
	status_fact(out, "state", s->state);
	status_fact(out, "source", source);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		auto_free char *text = answer_text(answers[i].answer);

		status_fact(out, answers[i].label, text);
	}
	if (!svc->conf->hosted)
		last_look(svc, out);
	last_deploy(svc, s->in_sync.text, out);
	if (memory != NULL)
		status_fact(out, "memory", memory);
	if (routes_line != NULL)
		status_fact(out, "routes", routes_line);
	if (svc->held)
		status_fact(out, "hold", svc->hold_note[0] != '\0' ? svc->hold_note : "yes");
	if (svc->row.stopped[0] != '\0')
		status_fact(
		    out, "stopped", str_eq(svc->row.stopped, "*") ? "everything, by an operator" : svc->row.stopped);
	if (sites_line != NULL)
		status_fact(out, "sites", sites_line);
	urls_of(svc, &urls);
	for (size_t i = 0; i < urls.n; i++)
		status_fact(out, i == 0 ? "urls" : "", urls.v[i]);
	if (svc->problem[0] != '\0')
		status_fact(out, "problem", svc->problem);
	key_lines(svc, out);
}

/* --- JSON --- */

json_t *
answer_json(const struct answer *a)
{
	return json_pack("{so so}", "is", a->is == STATUS_UNKNOWN ? json_null() : json_boolean(a->is == STATUS_YES),
	    "reason", client_text_json(a->text));
}

static json_t *
last_deploy_json(const struct service *svc)
{
	auto_store_deploy struct store_deploy d = {0};
	struct err err = ERR_INIT;

	if (store_deploy_last(svc->core->store, svc->conf->name, &d, &err) <= 0)
		return json_null();
	return json_pack("{sI ss so so so so}", "id", (json_int_t)d.id, "trigger", d.trigger, "commit",
	    client_text_json(d.commit), "step", client_text_json(d.step), "outcome", client_text_json(d.outcome),
	    "reason", client_text_json(d.reason));
}

static json_t *
key_problems_json(const struct keys *keys)
{
	json_t *list = json_array();

	for (size_t i = 0; i < keys->problems.n; i++) {
		if (json_array_append_new(list, client_text_json(keys->problems.v[i])) != 0)
			abort();
	}
	return list;
}

static json_t *
status_json(const struct service *svc, const struct status *s)
{
	const struct store_service *row = &svc->row;
	auto_free char *memory = oom_text(&svc->oom);
	json_t *all = json_pack("{so ss so so so so so so sb so so so so}", "service", client_text_json(svc->name),
	    "state", s->state, "repository", client_text_json(svc->conf->repository), "branch",
	    client_text_json(service_branch(svc)), "deployed", answer_json(&s->deployed), "healthy",
	    answer_json(&s->healthy), "in_sync", answer_json(&s->in_sync), "hold",
	    svc->held ? client_text_json(svc->hold_note) : json_null(), "held", (int)svc->held, "stopped",
	    client_text_json(row->stopped), "problem", client_text_json(svc->problem), "looked_ms",
	    json_integer(svc->looked_ms), "last_deploy", last_deploy_json(svc));

	if (all == NULL)
		abort();
	json_object_set_new(all, "release", json_integer(row->release));
	json_object_set_new(all, "commit", client_text_json(row->live));
	json_object_set_new(all, "tracked", client_text_json(row->tracked));
	json_object_set_new(all, "rejected", client_text_json(row->rejected));
	json_object_set_new(all, "memory", client_text_json(memory));
	json_object_set_new(all, "routes", s->routes.text != NULL ? answer_json(&s->routes) : json_null());
	json_object_set_new(all, "breach", client_text_json(svc->breach));
	json_object_set_new(all, "keys", json_integer((json_int_t)svc->keys.n));
	json_object_set_new(all, "keys_refused", json_integer((json_int_t)svc->keys.refused));
	json_object_set_new(all, "key_problems", key_problems_json(&svc->keys));
	json_object_set_new(all, "sites", s->sites.text != NULL ? answer_json(&s->sites) : json_null());
	json_object_set_new(all, "urls", urls_json(svc));
	json_object_set_new(all, "look_error", client_text_json(svc->look_error));
	return all;
}

void
status_look(const struct service *svc, struct status *ret)
{
	auto_runs struct runs runs = RUNS_INIT;

	service_runs(svc, &runs);
	*ret = (struct status){.state = state_text(svc, &runs),
	    .deployed = deployed(svc),
	    .healthy = healthy(svc, &runs),
	    .in_sync = in_sync(svc),
	    .routes = routes(svc),
	    .sites = sites(svc),
	    .running = runs.running,
	    .containers = runs.containers};
}

void
status_summarise(const struct service *svc, struct status_summary *ret)
{
	auto_status struct status s;

	status_look(svc, &s);
	*ret = (struct status_summary){.state = s.state,
	    .deployed = s.deployed.is,
	    .healthy = s.healthy.is,
	    .in_sync = s.in_sync.is,
	    .running = s.running,
	    .containers = s.containers};
}

void
status_done(struct status *s)
{
	free(s->deployed.text);
	free(s->healthy.text);
	free(s->in_sync.text);
	free(s->routes.text);
	free(s->sites.text);
}

void
status_run(struct client *c, const struct op *op, const struct strv *args)
{
	auto_status struct status s;

	(void)op;
	status_look(c->svc, &s);
	if (op_has(args, "--json")) {
		auto_json json_t *all = status_json(c->svc, &s);

		client_answer_json(c, 0, all);
	} else {
		auto_buf struct buf out = BUF_INIT(256 * 1024);

		print(c->svc, &s, &out);
		client_output(c, 1, buf_str(&out), out.len);
		client_exit(c, 0);
	}
}
