/* The names of an app: those of a commit are judged and reserved before anything is done for it, and lead to it when it
 * runs well. Whatever fails leaves the names of before. */
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "core/app_names.h"
#include "core/cname.h"
#include "core/deploy_steps.h"
#include "core/lead.h"
#include "core/proxy.h"

enum {
	NAMES_LINGER_MS = 500, /* a proxy goes by what it has read a moment later */
	/* nginx's processes of before are waited for as long as they live, and this at most: one of them may have a
	 * visitor for hours. */
	NAMES_LEFT_MS = 2000,
};

/* What the job `stage` says of the file: its name alone in the first line, then what it holds; or why it does not
 * count. */
static int
read_cname(struct deploy *d, const struct job_result *r, struct cname *ret, struct err *err)
{
	static const char mark[] = "CNAME\n";
	const struct service *svc = d->svc;

	if (r->out_len == 0)
		return 0;
	if (app_is_branch(svc)) {
		task_sayf(d->task, "the file CNAME does not count on this branch: its names are those of the app %s\n",
		    app_main(svc));
		return 0;
	}
	if (!str_starts(r->out, mark))
		return err_set(err, EINVAL, "%.*s", (int)strcspn(r->out, "\n"), r->out);
	return cname_parse(r->out + strlen(mark), r->out_len - strlen(mark), ret, err);
}

/* What was approved once is not judged when it is put back, or finished: the containers come first. */
static bool
is_judged(const struct deploy *d)
{
	return d->mode != DEPLOY_RESUME && !d->back;
}

int
step_stage_done(struct deploy *d, const struct job_result *r, struct err *err)
{
	struct service *svc = d->svc;
	auto_cname struct cname cname = {0};
	int rc;

	if (svc->app == NULL)
		return STEP_NEXT;
	rc = read_cname(d, r, &cname, err);
	if (rc >= 0 && is_judged(d))
		rc = names_judge(svc, &cname, err);
	if (rc < 0)
		return is_judged(d) ? deploy_ends(d, OUTCOME_REFUSED, "%s", err->msg) : STEP_NEXT;
	strv_done(&d->cname);
	d->cname = cname.names;
	cname.names = (struct strv){NULL, 0};
	d->named = true;
	if (deploy_only_looks(d))
		return STEP_NEXT;
	strv_done(&svc->app->reserved);
	for (size_t i = 0; i < d->cname.n; i++)
		strv_add(&svc->app->reserved, d->cname.v[i]);
	return STEP_NEXT;
}

bool
deploy_renames(const struct deploy *d)
{
	auto_free char *cname = names_join(&d->cname);

	return d->svc->app != NULL && d->named && !str_eq(cname, d->svc->app->row.cname);
}

/* Another's since: by a new configuration, while the deploy was interrupted. */
static void
leave_out_others(struct deploy *d)
{
	auto_domains struct domains all = {0};
	struct strv left = {NULL, 0};

	names_all(d->svc->core, true, &all);
	for (size_t i = 0; i < d->cname.n; i++) {
		struct err err = ERR_INIT;

		if (domains_judge(&all, d->svc->app->name, d->cname.v[i], &err) == 0)
			strv_add(&left, d->cname.v[i]);
		else
			task_sayf(d->task, "%s: left out\n", err.msg);
	}
	strv_done(&d->cname);
	d->cname = left;
}

/* --- the step --- */

/* What the proxy has not taken in was not to be. */
static void
take_back(struct deploy *d)
{
	struct app *app = d->svc->app;

	if (d->names_before == NULL)
		return;
	str_set(&app->row.cname, d->names_before);
	app->routed = d->routed_before;
	free(TAKE(d->names_before));
	app_save(d->svc, NULL);
	lead_changed(d->svc->core, d->svc->conf->name);
}

void
deploy_names_end(struct deploy *d)
{
	lead_abandon(TAKE(d->names_wait));
	proxy_abandon(TAKE(d->names_left));
	if (d->names_timer != NULL)
		event_free(TAKE(d->names_timer));
	take_back(d);
}

void
deploy_names_done(struct deploy *d)
{
	struct app *app = d->svc->app;

	deploy_names_end(d);
	strv_done(&d->cname);
	strv_done(&d->urls_before);
	if (app == NULL)
		return;
	strv_done(&app->reserved);
	names_next(d->svc, NULL);
}

static void
tell_new(struct deploy *d, const struct strv *before)
{
	auto_strv struct strv urls = {NULL, 0};

	app_urls(d->svc, &urls);
	for (size_t i = 0; i < urls.n; i++) {
		if (!strv_has(before, urls.v[i]))
			task_sayf(d->task, "Adding %s\n", urls.v[i]);
	}
	if (names_routed(d->svc) && !names_led(d->svc))
		task_sayf(d->task,
		    "nobody is led to it from the web: pgo.toml has neither [proxy] nor, for a proxy in a container, "
		    "proxy_network in [push] and a service with import\n");
}

static int
done(struct deploy *d)
{
	tell_new(d, &d->urls_before);
	free(TAKE(d->names_before));
	return deploy_good(d);
}

static int
not_taken(struct deploy *d, const char *error)
{
	const char *why = deploy_why_interrupted(d);
	bool news = d->names_before != NULL && (!d->routed_before || !str_eq(d->names_before, d->svc->app->row.cname));

	if (why != NULL || !d->svc->core->engine_up) {
		take_back(d);
		d->left = d->release;
		return deploy_ends(d, OUTCOME_INTERRUPTED, "%s", why != NULL ? why : error);
	}
	if (news && !d->back) {
		take_back(d);
		return deploy_ends(d, OUTCOME_UNHEALTHY, "names: the proxy does not take them in: %s", error);
	}
	/* It leads to nowhere at the moment, and would not lead to what ran before either. */
	task_sayf(d->task, "the proxy is not led to it yet: %s\n", error);
	return done(d);
}

static int64_t
written_ms(const struct deploy *d)
{
	int64_t ms = 0;
	bool ok;

	return proxy_state(d->svc->core, &ok, &ms) ? ms : 0;
}

static void
lingered(struct deploy *d)
{
	struct err err = ERR_INIT;

	event_free(TAKE(d->names_timer));
	deploy_continue(d, done(d), &err);
}

static void
on_lingered(evutil_socket_t fd, short what, void *ctx)
{
	struct deploy *d = ctx;

	(void)fd;
	(void)what;
	proxy_abandon(TAKE(d->names_left));
	lingered(d);
}

static void
on_left(void *ctx, const char *error)
{
	struct deploy *d = ctx;

	(void)error;
	d->names_left = NULL;
	lingered(d);
}

/* What it has read may not be all that it goes by yet. */
static int
linger(struct deploy *d)
{
	struct core *core = d->svc->core;
	int ms = NAMES_LINGER_MS;
	struct timeval tv;

	if (proxy_is_leaving(core)) {
		ms = NAMES_LEFT_MS;
		d->names_left = proxy_await_left(core, on_left, d);
	}
	tv = (struct timeval){ms / 1000, ms % 1000 * 1000};
	d->names_timer = evtimer_new(core->base, on_lingered, d);
	if (d->names_timer == NULL || event_add(d->names_timer, &tv) < 0)
		abort();
	return STEP_WAIT;
}

/* Who has not said so in time may have other things to do. */
static void
on_led(void *ctx, enum lead how, const char *why)
{
	struct deploy *d = ctx;
	struct err err = ERR_INIT;
	int rc;

	d->names_wait = NULL;
	if (how == LEAD_LATE)
		task_sayf(d->task, "%s\n", why);
	if (how == LEAD_REFUSED)
		rc = not_taken(d, why);
	else
		rc = written_ms(d) == d->written_before_ms ? done(d) : linger(d);
	if (rc != STEP_WAIT)
		deploy_continue(d, rc, &err);
}

/* It runs well: now its names are this commit's, and the proxy has them before anybody is told that it is live. */
int
step_names(struct deploy *d, struct err *err)
{
	struct service *svc = d->svc;
	struct app *app = svc->app;

	strv_done(&d->urls_before);
	app_urls(svc, &d->urls_before);
	str_set(&d->names_before, app->row.cname);
	d->routed_before = app->routed;
	if (d->named) {
		leave_out_others(d);
		free(app->row.cname);
		app->row.cname = names_join(&d->cname);
	}
	app->routed = true;
	if (!str_eq(d->names_before, app->row.cname) && app_save(svc, err) < 0) {
		take_back(d);
		return -err->num;
	}
	d->written_before_ms = written_ms(d);
	d->names_wait = lead_await(svc->core, svc->conf->name, on_led, d);
	return d->names_wait == NULL ? done(d) : STEP_WAIT;
}
