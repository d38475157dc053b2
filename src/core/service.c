#include "core/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "compose/pins.h"
#include "core/app_names.h"
#include "core/appvars.h"
#include "core/client.h"
#include "core/ended.h"
#include "core/job.h"
#include "core/judge.h"
#include "core/masks.h"
#include "core/push.h"
#include "core/rules.h"
#include "core/runs.h"
#include "engine/engine.h"

/* Where the tracked commit may come from: a commit that nobody had to sign is not one of a service that now wants it.
 */
static char *
source_wanted(const struct conf_service *conf)
{
	return str_printf("%s%s", conf->source, conf->signed_only ? " signed" : "");
}

/* A repository that is not the one that `tracked` came from is a new start for the commit, and for nothing else; but
 * keys that came with a commit that nobody had to sign open nothing any more. */
static void
adopt_configuration(struct service *svc)
{
	const struct conf_service *conf = svc->conf;
	auto_free char *source = source_wanted(conf);

	/* Of what is pushed to us the first push says which branch it is. */
	if (str_eq(svc->row.source, source) && (conf->hosted || str_eq(svc->row.branch, conf->branch)))
		return;
	if (conf->signed_only && !str_ends(svc->row.source, " signed"))
		str_set(&svc->row.keys, "");
	if (svc->row.source[0] != '\0')
		log_info(
		    "the configuration names another repository, branch or rule: beginning anew service=%s branch=%s",
		    conf->name, conf->branch);
	str_set(&svc->row.source, source);
	str_set(&svc->row.branch, conf->branch);
	str_set(&svc->row.tracked, "");
}

/* By other rules another verdict. */
static void
adopt_rules(struct service *svc)
{
	struct store_service *row = &svc->row;
	char rules[RULES_TEXT];

	rules_text(svc->core->conf, svc->conf, svc->core->key, rules);
	if (rules_judge_again(row, rules)) {
		log_info("the rules or variables are others now: judging the commit %.8s again service=%s",
		    row->tracked, svc->conf->name);
		str_set(&row->judged, "");
		str_set(&row->verdict, "");
		str_set(&row->refusal, "");
	}
	str_set(&row->rules, rules);
}

/* How far the containers of an interrupted deploy had come. */
struct progress {
	bool touched; /* they had been stopped or made */
	bool made;    /* and all that was to be made was */
};

static bool
add_step(void *ctx, const char *step, int64_t begun_ms)
{
	struct progress *p = ctx;

	(void)begun_ms;
	p->touched = p->touched || str_eq(step, "stop") || str_eq(step, "switch") || str_eq(step, "up");
	p->made = str_eq(step, "watch") || str_eq(step, "names");
	return true;
}

/* There may be another number of containers than is written down: nobody has seen them run well, or they were being
 * brought back to it. */
static bool
is_half_scaled(const struct store_deploy *d, const struct progress *p)
{
	if (d->id == 0)
		return false;
	if (str_eq(d->why, SERVICE_WHY_RESTORED))
		return !str_eq(d->outcome, "live");
	return p->touched && (d->ended_ms == 0 || str_eq(d->outcome, "interrupted"));
}

/* An earlier pgod died in a deploy: one that had begun to apply is finished, any other had changed nothing. */
static int
find_interrupted(struct service *svc, struct err *err)
{
	auto_store_deploy struct store_deploy d = {0};
	struct progress p = {false, false};
	struct store *st = svc->core->store;
	int rc = store_deploy_last(st, svc->conf->name, &d, err);

	if (rc > 0)
		rc = store_deploy_steps(st, d.id, add_step, &p, err);
	if (rc < 0)
		return rc;
	if (d.id != 0)
		metrics_last_deploy(svc, d.ended_ms != 0 ? d.outcome : "interrupted", d.ended_ms);
	svc->resume_gently = svc->row.applying == svc->row.release && (!p.touched || p.made);
	svc->resume_untouched = !p.touched;
	svc->resume_unmade = !p.made;
	svc->unpublished =
	    svc->row.applying == 0 && svc->row.release != 0 && publish_is_intended(svc, svc->row.release);
	svc->restore = svc->app != NULL && svc->row.release != 0 && svc->row.applying == 0 && is_half_scaled(&d, &p);
	if (d.id != 0 && d.ended_ms == 0)
		log_info("deploy %lld was interrupted at step %s: %s service=%s", (long long)d.id, d.step,
		    svc->row.applying != 0 ? "it will be finished" : "nothing had been changed", svc->conf->name);
	return store_deploys_interrupted(st, svc->conf->name, "pgod ended while it ran", err);
}

/* A stored release that cannot be read any more is made anew from the repository; the other services know nothing of
 * it. */
static void
load_release(struct service *svc)
{
	struct err err = ERR_INIT;

	if (svc->row.release == 0 || service_set_release(svc, svc->row.release, &err) >= 0)
		return;
	log_err("release %lld cannot be read, the tracked commit is deployed anew: %s service=%s",
	    (long long)svc->row.release, err.msg, svc->conf->name);
	svc->row.release = 0;
	str_set(&svc->row.judged, "");
}

static int
load_record(struct service *svc, struct err *err)
{
	int rc = store_service_get(svc->core->store, svc->conf->name, &svc->row, err);

	if (rc < 0)
		return rc;
	adopt_configuration(svc);
	adopt_rules(svc);
	service_load_keys(svc);
	/* What was approved and waits: why is not recorded, so it is judged anew. */
	if (svc->row.refusal[0] == '\0' && !str_eq(svc->row.judged, svc->row.live))
		str_set(&svc->row.judged, "");
	load_release(svc);
	appvars_mask(svc);
	if (push_load(svc, err) < 0)
		return -err->num;
	return find_interrupted(svc, err);
}

struct masks *
service_conf_masks(const struct service *svc)
{
	struct masks *masks = masks_new(&svc->conf->masks);

	if (svc->conf->hosted && svc->core->conf->push != NULL)
		masks_add(&masks, &svc->core->conf->push->masks);
	return masks;
}

struct service *
service_new(struct core *core, const struct conf_service *conf, struct err *err)
{
	struct service *svc = calloc(1, sizeof(*svc));

	if (svc == NULL)
		abort();
	svc->core = core;
	svc->conf = conf;
	svc->name = conf->name;
	svc->resume_trigger = "boot";
	svc->news = "poll";
	svc->masks = service_conf_masks(svc);
	svc->live_path = str_printf("%s/%s", core->conf->dir, conf->name);
	svc->data_path = str_printf("%s/%s", core->conf->datadir, conf->name);
	svc->problem = str_dup("");
	svc->hold_note = str_dup("");
	svc->look_error = str_dup("");
	svc->settle_trouble = str_dup("");
	svc->awaited = str_dup("");
	svc->trouble = str_dup("");
	svc->pending = str_dup("");
	svc->broken = str_dup("");
	svc->breach = str_dup("");
	svc->fetched = str_dup("");
	svc->newer = str_dup("");
	svc->heard = str_dup("");
	svc->verify_again = true;
	TAILQ_INIT(&svc->queue);
	service_make_timers(svc);
	import_init(svc);
	if (conf->hosted)
		svc->app = app_open(core, conf, err);
	if (svc->app != NULL)
		svc->name = svc->app->plain;
	svc->ending = svc->app != NULL && svc->app->row.gone != APP_THERE;
	if ((conf->hosted && svc->app == NULL) || load_record(svc, err) < 0) {
		service_free(svc);
		return NULL;
	}
	if (svc->app != NULL)
		names_init(svc);
	return svc;
}

void
service_free(struct service *svc)
{
	service_drop_queue(svc);
	push_drop(svc);
	engine_cancel(svc->await_req);
	job_abandon(svc->peek);
	event_free(svc->poll_timer);
	event_free(svc->heal_timer);
	event_free(svc->retry_timer);
	event_free(svc->ended_timer);
	masks_free(svc->masks);
	app_free(svc->app);
	strv_done(&svc->revive);
	strv_done(&svc->renamed);
	oom_forget(&svc->oom);
	oneoff_done(&svc->oneoffs);
	import_done(svc);
	store_service_done(&svc->row);
	store_release_done(&svc->release);
	model_services_done(&svc->facts);
	model_names_done(&svc->names);
	pin_set_done(&svc->pins);
	json_decref(svc->images);
	keys_done(&svc->keys);
	char *texts[] = {svc->live_path, svc->data_path, svc->problem, svc->hold_note, svc->look_error,
	    svc->settle_trouble, svc->awaited, svc->trouble, svc->pending, svc->broken, svc->breach, svc->fetched,
	    svc->newer, svc->heard};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	free(svc);
}

const char *
service_branch(const struct service *svc)
{
	return svc->app != NULL ? svc->app->row.branch : svc->conf->branch;
}

const char *
service_source(const struct service *svc)
{
	return svc->conf->hosted ? "pushed to this host" : svc->conf->repository;
}

int
service_save(struct service *svc, struct err *err)
{
	struct err local = ERR_INIT;
	int rc = store_service_put(svc->core->store, svc->conf->name, &svc->row, &local);

	if (rc < 0) {
		log_err("cannot write the record: %s service=%s", local.msg, svc->conf->name);
		if (err != NULL)
			*err = local;
	}
	return rc;
}

void
service_load_keys(struct service *svc)
{
	keys_done(&svc->keys);
	keys_parse(svc->row.keys, strlen(svc->row.keys), &svc->keys);
	for (size_t i = 0; i < svc->keys.problems.n; i++)
		log_warn("keys: %s service=%s", svc->keys.problems.v[i], svc->conf->name);
	if (svc->keys.refused > svc->keys.problems.n)
		log_warn("keys: %zu more lines are ignored service=%s", svc->keys.refused - svc->keys.problems.n,
		    svc->conf->name);
}

int
service_set_release(struct service *svc, int64_t id, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(JOB_OUT_MAX + MODEL_MAX);
	auto_json json_t *model = NULL;
	auto_store_release struct store_release release = {0};
	auto_model_services struct model_services facts = {NULL, 0};
	auto_model_names struct model_names names = {0};
	auto_pin_set struct pin_set pins = {0};
	int rc = store_release_get(svc->core->store, id, &release, err);

	if (rc == 0)
		rc = err_set(err, ENOENT, "release %lld has no record", (long long)id);
	if (rc >= 0)
		rc = appscale_model(svc, id, release.vars, &text, err);
	if (rc < 0)
		return rc;
	model = model_parse(buf_str(&text), text.len, err);
	if (model == NULL)
		return -err->num;
	rc = model_service_facts(model, &facts, err);
	if (rc >= 0)
		rc = model_names(model, svc->conf->name, &names, err);
	if (rc >= 0)
		rc = model_pins(model, &pins, err);
	if (rc < 0)
		return rc;
	store_release_done(&svc->release);
	model_services_done(&svc->facts);
	model_names_done(&svc->names);
	pin_set_done(&svc->pins);
	json_decref(svc->images);
	svc->images = json_loads(release.images, 0, NULL);
	svc->release = release;
	svc->facts = facts;
	svc->names = names;
	release = (struct store_release){0};
	facts = (struct model_services){NULL, 0};
	names = (struct model_names){0};
	svc->pins = pins;
	pins = (struct pin_set){0};
	svc->row.release = id;
	svc->row.vars = svc->release.vars;
	if (svc->app != NULL)
		names_released(svc, model);
	if (svc->core->loaded)
		judge_current(svc);
	return 0;
}

void
service_clear_release(struct service *svc)
{
	store_release_done(&svc->release);
	model_services_done(&svc->facts);
	model_names_done(&svc->names);
	pin_set_done(&svc->pins);
	json_decref(TAKE(svc->images));
	svc->facts = (struct model_services){NULL, 0};
	svc->names = (struct model_names){0};
	svc->pins = (struct pin_set){0};
	str_set(&svc->breach, "");
	svc->row.release = 0;
}

const char *
service_image_name(const struct service *svc, const char *compose_service)
{
	return json_string_value(json_object_get(json_object_get(svc->images, compose_service), "name"));
}

/* row.stopped as a list. */
static void
stopped_list(const struct service *svc, struct strv *ret)
{
	const char *p = svc->row.stopped;

	while (*p != '\0') {
		size_t len = strcspn(p, "\n");

		if (len > 0)
			strv_add_take(ret, str_printf("%.*s", (int)len, p));
		p += len + (p[len] == '\n' ? 1 : 0);
	}
}

static bool
all_named(const struct model_services *facts, const struct strv *names)
{
	for (size_t i = 0; i < facts->n; i++) {
		if (!strv_has(names, facts->v[i].name))
			return false;
	}
	return facts->n > 0;
}

bool
service_stopped(const struct service *svc, const char *compose_service)
{
	auto_strv struct strv list = {NULL, 0};

	stopped_list(svc, &list);
	if (strv_has(&list, "*") || (compose_service != NULL && strv_has(&list, compose_service)))
		return true;
	return compose_service == NULL && all_named(&svc->facts, &list);
}

void
service_not_stopped(const struct service *svc, const struct model_services *facts, struct strv *ret)
{
	for (size_t i = 0; i < facts->n; i++) {
		if (!service_stopped(svc, facts->v[i].name))
			strv_add(ret, facts->v[i].name);
	}
}

static bool
is_stopped(const void *ctx, const char *compose_service)
{
	return service_stopped(ctx, compose_service);
}

void
service_runs(const struct service *svc, struct runs *ret)
{
	runs_look(svc->core->engine, svc->conf->name, &svc->facts, is_stopped, svc, ret);
	ended_add(svc, ret);
}

/* The whole service stopped and one of it started: all others stay stopped. */
static void
spell_out(const struct service *svc, struct strv *list)
{
	if (!strv_has(list, "*"))
		return;
	strv_done(list);
	for (size_t i = 0; i < svc->facts.n; i++)
		strv_add(list, svc->facts.v[i].name);
}

static bool
is_known(const struct service *svc, const char *compose_service)
{
	for (size_t i = 0; i < svc->facts.n; i++) {
		if (str_eq(svc->facts.v[i].name, compose_service))
			return true;
	}
	return false;
}

int
service_set_stopped(struct service *svc, bool stop, const struct strv *names, struct err *err)
{
	auto_strv struct strv list = {NULL, 0};
	auto_buf struct buf text = BUF_INIT(64 * 1024);

	stopped_list(svc, &list);
	if (names->n == 0) {
		str_set(&svc->row.stopped, stop ? "*" : "");
		return service_save(svc, err);
	}
	if (!stop)
		spell_out(svc, &list);
	/* A name that compose will complain about is not remembered. */
	for (size_t i = 0; stop && i < names->n; i++) {
		if (is_known(svc, names->v[i]) && !strv_has(&list, names->v[i]) && !strv_has(&list, "*"))
			strv_add(&list, names->v[i]);
	}
	for (size_t i = 0; i < list.n; i++) {
		if (stop || !strv_has(names, list.v[i]))
			buf_printf(&text, "%s%s", text.len > 0 ? "\n" : "", list.v[i]);
	}
	str_set(&svc->row.stopped, buf_str(&text));
	return service_save(svc, err);
}
