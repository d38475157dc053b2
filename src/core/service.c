#include "core/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "core/client.h"
#include "core/job.h"
#include "core/runs.h"
#include "engine/engine.h"

static void on_poll(evutil_socket_t fd, short what, void *ctx);
static void on_heal(evutil_socket_t fd, short what, void *ctx);
static void on_retry(evutil_socket_t fd, short what, void *ctx);

static void
arm(struct event *timer, int64_t ms)
{
	struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	event_add(timer, &tv);
}

static void
set_text(char **text, const char *value)
{
	char *copy = str_dup(value);

	free(*text);
	*text = copy;
}

/* A repository that is not the one that `tracked` came from is a new start for the commit, and for nothing else. */
static void
adopt_configuration(struct service *svc)
{
	const struct conf_service *conf = svc->conf;

	if (str_eq(svc->row.source, conf->source) && str_eq(svc->row.branch, conf->branch))
		return;
	if (svc->row.source[0] != '\0')
		log_info("the configuration names another repository or branch: following it service=%s branch=%s", conf->name,
		    conf->branch);
	set_text(&svc->row.source, conf->source);
	set_text(&svc->row.branch, conf->branch);
	set_text(&svc->row.tracked, "");
}

/* An earlier pgod died in a deploy: one that had begun to apply is finished, any other had changed nothing. */
static int
find_interrupted(struct service *svc, struct err *err)
{
	auto_store_deploy struct store_deploy d = {0};
	int rc = store_deploy_last(svc->core->store, svc->conf->name, &d, err);

	if (rc <= 0 || d.ended_ms != 0)
		return rc;
	svc->resume = d.release;
	log_info("deploy %lld was interrupted at step %s: %s service=%s", (long long)d.id, d.step,
	    d.release != 0 ? "it will be finished" : "nothing had been changed", svc->conf->name);
	return store_deploy_end(svc->core->store, d.id, "interrupted", "pgod ended while it ran", err);
}

static int
load_record(struct service *svc, struct err *err)
{
	int rc = store_service_get(svc->core->store, svc->conf->name, &svc->row, err);

	if (rc < 0)
		return rc;
	adopt_configuration(svc);
	service_load_keys(svc);
	/* What was approved and waits: why is not recorded, so it is judged anew. */
	if (svc->row.refusal[0] == '\0' && !str_eq(svc->row.judged, svc->row.live))
		set_text(&svc->row.judged, "");
	if (svc->row.release != 0) {
		rc = service_set_release(svc, svc->row.release, err);
		if (rc < 0)
			return rc;
	}
	return find_interrupted(svc, err);
}

struct service *
service_new(struct core *core, const struct conf_service *conf, struct err *err)
{
	struct service *svc = calloc(1, sizeof(*svc));

	if (svc == NULL)
		abort();
	svc->core = core;
	svc->conf = conf;
	svc->live_path = str_printf("%s/%s", core->conf->dir, conf->name);
	svc->data_path = str_printf("%s/%s", core->conf->datadir, conf->name);
	svc->problem = str_dup("");
	svc->hold_note = str_dup("");
	svc->look_error = str_dup("");
	svc->awaited = str_dup("");
	svc->trouble = str_dup("");
	svc->pending = str_dup("");
	svc->broken = str_dup("");
	TAILQ_INIT(&svc->queue);
	svc->poll_timer = event_new(core->base, -1, 0, on_poll, svc);
	svc->heal_timer = event_new(core->base, -1, 0, on_heal, svc);
	svc->retry_timer = event_new(core->base, -1, 0, on_retry, svc);
	if (load_record(svc, err) < 0) {
		service_free(svc);
		return NULL;
	}
	return svc;
}

static void
task_free(struct task *task)
{
	strv_done(&task->args);
	free(task);
}

void
service_free(struct service *svc)
{
	struct task *task;

	while ((task = TAILQ_FIRST(&svc->queue)) != NULL) {
		TAILQ_REMOVE(&svc->queue, task, entry);
		task_free(task);
	}
	engine_cancel(svc->await_req);
	event_free(svc->poll_timer);
	event_free(svc->heal_timer);
	event_free(svc->retry_timer);
	store_service_done(&svc->row);
	store_release_done(&svc->release);
	model_services_done(&svc->facts);
	json_decref(svc->images);
	keys_done(&svc->keys);
	char *texts[] = {svc->live_path, svc->data_path, svc->problem, svc->hold_note, svc->look_error, svc->awaited, svc->trouble,
	    svc->pending, svc->broken};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	free(svc);
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
	auto_buf struct buf warnings = BUF_INIT(KEYS_WARNINGS_MAX);

	keys_done(&svc->keys);
	keys_parse(svc->row.keys, strlen(svc->row.keys), &svc->keys, &warnings);
	if (warnings.len > 0)
		log_warn("keys: %s service=%s", buf_str(&warnings), svc->conf->name);
}

int
service_set_release(struct service *svc, int64_t id, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(JOB_OUT_MAX + MODEL_MAX);
	auto_json json_t *model = NULL;
	auto_store_release struct store_release release = {0};
	auto_model_services struct model_services facts = {NULL, 0};
	int rc = store_release_get(svc->core->store, id, &release, err);

	if (rc == 0)
		rc = err_set(err, ENOENT, "release %lld has no record", (long long)id);
	if (rc >= 0)
		rc = store_model_read(svc->core->store, svc->conf->name, id, &text, err);
	if (rc < 0)
		return rc;
	model = model_parse(buf_str(&text), text.len, err);
	if (model == NULL)
		return -err->num;
	rc = model_service_facts(model, &facts, err);
	if (rc < 0)
		return rc;
	store_release_done(&svc->release);
	model_services_done(&svc->facts);
	json_decref(svc->images);
	svc->images = json_loads(release.images, 0, NULL);
	svc->release = release;
	svc->facts = facts;
	release = (struct store_release){0};
	facts = (struct model_services){NULL, 0};
	svc->row.release = id;
	return 0;
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

bool
service_stopped(const struct service *svc, const char *compose_service)
{
	auto_strv struct strv list = {NULL, 0};

	stopped_list(svc, &list);
	return strv_has(&list, "*") || (compose_service != NULL && strv_has(&list, compose_service));
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

int
service_set_stopped(struct service *svc, bool stop, const struct strv *names, struct err *err)
{
	auto_strv struct strv list = {NULL, 0};
	auto_buf struct buf text = BUF_INIT(64 * 1024);

	stopped_list(svc, &list);
	if (names->n == 0) {
		set_text(&svc->row.stopped, stop ? "*" : "");
		return service_save(svc, err);
	}
	if (!stop)
		spell_out(svc, &list);
	for (size_t i = 0; stop && i < names->n; i++) {
		if (!strv_has(&list, names->v[i]) && !strv_has(&list, "*"))
			strv_add(&list, names->v[i]);
	}
	for (size_t i = 0; i < list.n; i++) {
		if (stop || !strv_has(names, list.v[i]))
			buf_printf(&text, "%s%s", text.len > 0 ? "\n" : "", list.v[i]);
	}
	set_text(&svc->row.stopped, buf_str(&text));
	return service_save(svc, err);
}

/* --- the queue ------------------------------------------------------------------------------------------------------- */

static void (*const starters[TASK_KINDS])(struct task *) = {
	[TASK_LOOK] = look_start,
	[TASK_DEPLOY] = deploy_start,
	[TASK_HEAL] = heal_start,
	[TASK_STOP] = stop_start,
	[TASK_VERB] = verb_start,
};

bool
service_queue(struct service *svc, const struct task *like)
{
	struct task *task;
	size_t n = 0;

	TAILQ_FOREACH(task, &svc->queue, entry) {
		n++;
		if (like->client == NULL && task->kind == like->kind && task->client == NULL)
			return true;
	}
	if (n >= TASKS_QUEUED_MAX)
		return false;
	task = calloc(1, sizeof(*task));
	if (task == NULL)
		abort();
	*task = *like;
	task->svc = svc;
	task->args = (struct strv){NULL, 0};
	for (size_t i = 0; i < like->args.n; i++)
		strv_add(&task->args, like->args.v[i]);
	TAILQ_INSERT_TAIL(&svc->queue, task, entry);
	if (svc->running != NULL)
		task_sayf(task, "waiting: something else is being done for %s\n", svc->conf->name);
	service_next(svc);
	return true;
}

static void
run_task(struct service *svc, struct task *task)
{
	TAILQ_REMOVE(&svc->queue, task, entry);
	svc->running = task;
	svc->waits = false;
	svc->core->busy++;
	starters[task->kind](task);
}

static bool
is_stopped(const void *ctx, const char *name)
{
	return service_stopped(ctx, name);
}

/* Everything the decision needs to know, gathered at one moment. */
static struct reconcile_facts
gather(struct service *svc, struct runs *runs)
{
	const struct core *core = svc->core;

	runs_look(core->engine, svc->conf->name, &svc->facts, is_stopped, svc, runs);
	return (struct reconcile_facts){
		.ready = svc->ready,
		.quitting = core->quitting,
		.engine_up = core->engine_up,
		.held = svc->held,
		.stopped = service_stopped(svc, NULL),
		.resume = svc->resume != 0,
		.new_commit = svc->row.tracked[0] != '\0' && !str_eq(svc->row.tracked, svc->row.judged),
		.retry_wait = event_pending(svc->retry_timer, EV_TIMEOUT, NULL) != 0 || svc->await_req != NULL,
		.released = svc->row.release != 0,
		.running = runs->running > 0,
		.satisfied = runs->missing.n == 0,
		.restore = svc->restore,
		.broken = svc->broken[0] != '\0',
		.heal_wait = event_pending(svc->heal_timer, EV_TIMEOUT, NULL) != 0,
	};
}

/* What is missing is brought up after a moment that depends on how it was lost; what lost its budget is given up, aloud. */
static void
plan_heal(struct service *svc, const struct runs *runs)
{
	int64_t wait = heal_delay_ms(&svc->heal, io_now_ms());

	if (wait < 0) {
		set_text(&svc->broken, buf_str(&runs->why));
		log_err("broken: gave up after %d attempts to bring it up: %s service=%s", svc->heal.attempts, svc->broken,
		    svc->conf->name);
		return;
	}
	if (runs->engine_restarts && wait < HEAL_RESTART_MS)
		wait = HEAL_RESTART_MS;
	if (wait < HEAL_SOON_MS)
		wait = HEAL_SOON_MS;
	arm(svc->heal_timer, wait);
}

static void
act(struct service *svc, enum action action, const struct runs *runs)
{
	struct task task = {0};

	switch (action) {
	case ACTION_STOP:
		task = (struct task){.kind = TASK_STOP, .trigger = "hold"};
		break;
	case ACTION_RESUME:
		task = (struct task){.kind = TASK_DEPLOY, .mode = DEPLOY_RESUME, .trigger = "boot"};
		break;
	case ACTION_DEPLOY:
		task = (struct task){.kind = TASK_DEPLOY, .mode = DEPLOY_TRACK, .trigger = "poll"};
		break;
	case ACTION_RESTORE:
		task = (struct task){.kind = TASK_HEAL, .trigger = "release"};
		break;
	case ACTION_HEAL:
		plan_heal(svc, runs);
		return;
	default:
		return;
	}
	service_queue(svc, &task);
}

void
service_next(struct service *svc)
{
	struct task *task = TAILQ_FIRST(&svc->queue);

	if (svc->running != NULL)
		return;
	if (task == NULL) {
		auto_runs struct runs runs = RUNS_INIT;
		struct reconcile_facts facts = gather(svc, &runs);

		if (facts.satisfied && runs.dying == false && facts.engine_up && svc->broken[0] != '\0') {
			log_info("runs again service=%s", svc->conf->name);
			set_text(&svc->broken, "");
		}
		act(svc, reconcile_decide(&facts), &runs);
		return;
	}
	/* An operator waits for his answer: he does not queue behind the polls of a hundred other services. */
	if (task->client == NULL && svc->core->busy >= CORE_TASKS_MAX) {
		svc->waits = true;
		return;
	}
	run_task(svc, task);
}

void
task_end(struct task *task, int status, const char *text)
{
	struct service *svc = task->svc;

	if (task->client != NULL) {
		if (text != NULL)
			task_sayf(task, "%s\n", text);
		client_exit(task->client, status);
	}
	svc->running = NULL;
	svc->core->busy--;
	task_free(task);
	service_next(svc);
	core_kick(svc->core);
	core_maybe_exit(svc->core);
}

void
task_say(struct task *task, int stream, const char *data, size_t len)
{
	if (task->client != NULL)
		client_output(task->client, stream, data, len);
}

void
task_sayf(struct task *task, const char *fmt, ...)
{
	auto_buf struct buf text = BUF_INIT(64 * 1024);
	va_list ap;

	if (task->client == NULL)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	client_output(task->client, 2, buf_str(&text), text.len);
}

void
service_forget_client(struct service *svc, const struct client *client)
{
	struct task *task;

	if (svc->running != NULL && svc->running->client == client)
		svc->running->client = NULL;
	TAILQ_FOREACH(task, &svc->queue, entry) {
		if (task->client == client)
			task->client = NULL;
	}
}

/* --- news and timers ------------------------------------------------------------------------------------------------- */

/* d + uniform[0, d/2): no two services, and no two servers, ask in step. */
static int64_t
jitter(int64_t ms)
{
	uint32_t r = 0;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) < 0)
		r = (uint32_t)io_now_ms();
	return ms + (int64_t)(r % (uint64_t)(ms / 2 + 1));
}

static void
on_poll(evutil_socket_t fd, short what, void *ctx)
{
	struct service *svc = ctx;

	(void)fd;
	(void)what;
	arm(svc->poll_timer, jitter(svc->core->conf->poll_ms));
	if (!svc->core->quitting)
		service_queue(svc, &(struct task){.kind = TASK_LOOK, .trigger = "poll"});
}

static void
on_heal(evutil_socket_t fd, short what, void *ctx)
{
	struct service *svc = ctx;
	auto_runs struct runs runs = RUNS_INIT;
	struct reconcile_facts facts = gather(svc, &runs);
	struct task task = {.kind = TASK_HEAL, .trigger = "heal", .args = runs.missing};

	(void)fd;
	(void)what;
	/* It may have come back meanwhile, or be at work: whatever ends that decides again. */
	if (svc->running != NULL || !TAILQ_EMPTY(&svc->queue) || reconcile_decide(&facts) != ACTION_HEAL)
		return;
	heal_spend(&svc->heal, io_now_ms());
	log_warn("does not run as it should, bringing it up: %s service=%s attempt=%d", buf_str(&runs.why), svc->conf->name,
	    svc->heal.attempts);
	service_queue(svc, &task);
}

static void
on_awaited(void *ctx, const struct engine_reply *reply)
{
	struct service *svc = ctx;

	svc->await_req = NULL;
	if (reply->err->num != 0 || reply->missing) {
		arm(svc->retry_timer, SERVICE_NETWORK_MS);
		return;
	}
	set_text(&svc->awaited, "");
	service_next(svc);
}

/* A deploy may be tried again; one that awaits a network only when that is there: asking the engine is cheap. */
static void
on_retry(evutil_socket_t fd, short what, void *ctx)
{
	struct service *svc = ctx;

	(void)fd;
	(void)what;
	if (svc->awaited[0] == '\0' || svc->row.tracked[0] == '\0')
		service_next(svc);
	else if (svc->await_req == NULL)
		svc->await_req = engine_network(svc->core->engine, svc->awaited, on_awaited, svc);
}

void
service_retry_later(struct service *svc)
{
	if (svc->awaited[0] != '\0') {
		arm(svc->retry_timer, SERVICE_NETWORK_MS);
		return;
	}
	svc->retry_ms = svc->retry_ms == 0 ? SERVICE_RETRY_MIN_MS : svc->retry_ms * 2;
	if (svc->retry_ms > SERVICE_RETRY_MAX_MS)
		svc->retry_ms = SERVICE_RETRY_MAX_MS;
	arm(svc->retry_timer, svc->retry_ms);
}

void
service_judge_again(struct service *svc)
{
	if (svc->pending[0] == '\0')
		return;
	set_text(&svc->pending, "");
	set_text(&svc->row.judged, "");
}

void
service_on_ready(struct service *svc, const char *problem)
{
	set_text(&svc->problem, problem);
	svc->ready = problem[0] == '\0';
	if (!svc->ready) {
		log_err("not managed: %s service=%s", problem, svc->conf->name);
		return;
	}
	arm(svc->poll_timer, 0);
	service_next(svc);
}

void
service_on_hold(struct service *svc, bool held, const char *note)
{
	if (held != svc->held)
		log_info("%s%s%s service=%s", held ? "held: it stays down" : "no longer held", note[0] != '\0' ? ": " : "", note,
		    svc->conf->name);
	if (svc->held && !held) {
		svc->restore = true;
		service_judge_again(svc);
	}
	svc->held = held;
	set_text(&svc->hold_note, note);
	service_next(svc);
}

void
service_on_containers(struct service *svc)
{
	if (svc->running != NULL && svc->running->deploy != NULL)
		deploy_on_containers(svc->running->deploy);
	else
		service_next(svc);
}

void
service_on_engine_up(struct service *svc)
{
	/* What failed because the engine was away may be tried at once. */
	if (svc->awaited[0] == '\0' && event_pending(svc->retry_timer, EV_TIMEOUT, NULL)) {
		event_del(svc->retry_timer);
		svc->retry_ms = 0;
	}
	service_next(svc);
}
