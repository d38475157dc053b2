/* What makes a service do something by itself: pgod's and the engine's news, and its timers. */
#include <sys/random.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "core/ended.h"
#include "core/peek.h"
#include "core/poll.h"
#include "core/runs.h"
#include "core/service.h"
#include "engine/engine.h"

static void
arm(struct event *timer, int64_t ms)
{
	struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	event_add(timer, &tv);
}

struct reconcile_facts
service_facts(const struct service *svc, struct runs *runs)
{
	const struct core *core = svc->core;

	service_runs(svc, runs);
	return (struct reconcile_facts){
	    .ready = svc->ready,
	    .quitting = core->quitting,
	    .engine_up = core->engine_up,
	    .held = svc->held,
	    .stopped = service_stopped(svc, NULL),
	    .resume = svc->row.applying != 0 || (svc->unpublished && !svc->unsettled),
	    .unsettled = svc->unsettled,
	    .new_commit = svc->row.tracked[0] != '\0' && !str_eq(svc->row.tracked, svc->row.judged),
	    .retry_wait = event_pending(svc->retry_timer, EV_TIMEOUT, NULL) != 0 || svc->await_req != NULL,
	    .released = svc->row.release != 0,
	    .running = runs->running > 0,
	    .satisfied = runs->missing.n == 0,
	    .unhealthy = runs->unhealthy.n > 0,
	    .restore = svc->restore,
	    .broken = svc->broken[0] != '\0',
	    .routes = import_is_due(svc),
	    .nameless = rename_is_due(svc),
	    .heal_wait = event_pending(svc->heal_timer, EV_TIMEOUT, NULL) != 0,
	};
}

static void
give_up(struct service *svc, const struct runs *runs)
{
	str_set(&svc->broken, buf_str(&runs->why));
	log_err("broken: gave up after %d attempts to bring it up: %s service=%s", svc->heal.attempts, svc->broken,
	    svc->conf->name);
}

void
service_plan_heal(struct service *svc, const struct runs *runs)
{
	int64_t wait = heal_delay_ms(&svc->heal, io_now_ms());

	if (wait < 0) {
		give_up(svc, runs);
		return;
	}
	if (runs->engine_restarts && wait < HEAL_RESTART_MS)
		wait = HEAL_RESTART_MS;
	if (wait < HEAL_SOON_MS)
		wait = HEAL_SOON_MS;
	arm(svc->heal_timer, wait);
}

void
service_poll_later(struct service *svc)
{
	uint32_t r = 0;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) < 0)
		r = (uint32_t)io_now_ms();
	arm(svc->poll_timer, poll_jitter_ms(poll_delay_ms(svc->core->conf->poll_ms, svc->look_fails), r));
}

static void
on_poll(evutil_socket_t fd, short what, void *ctx)
{
	struct service *svc = ctx;

	(void)fd;
	(void)what;
	service_poll_later(svc);
	if (svc->core->quitting)
		return;
	/* Of a remote that takes longer than the interval one look after the other would stand in the queue, and never
	 * be anything else's turn. */
	if (svc->running == NULL || svc->running->kind != TASK_LOOK)
		service_queue(svc, &(struct task){.kind = TASK_LOOK, .trigger = "poll"});
	peek_now(svc);
}

static void
on_heal(evutil_socket_t fd, short what, void *ctx)
{
	static char everything[] = SERVICE_WHY_RESTORED;
	struct service *svc = ctx;
	auto_runs struct runs runs = RUNS_INIT;
	struct reconcile_facts facts = service_facts(svc, &runs);
	enum action action = reconcile_decide(&facts);

	(void)fd;
	(void)what;
	/* It may have come back meanwhile, or be at work: whatever ends that decides again. */
	if (svc->running != NULL || !TAILQ_EMPTY(&svc->queue) || (action != ACTION_HEAL && action != ACTION_RESTORE))
		return;
	if (heal_is_spent(&svc->heal, io_now_ms())) {
		give_up(svc, &runs);
		return;
	}
	heal_spend(&svc->heal, io_now_ms());
	if (action == ACTION_RESTORE) {
		log_info("bringing everything up service=%s attempt=%d", svc->conf->name, svc->heal.attempts);
		service_queue(svc, &(struct task){.kind = TASK_HEAL,
				       .trigger = "heal",
				       .whole = true,
				       .why = runs.why.len > 0 ? runs.why.data : everything});
		return;
	}
	log_warn("does not run as it should, bringing it up: %s service=%s attempt=%d", buf_str(&runs.why),
	    svc->conf->name, svc->heal.attempts);
	/* What is there and unhealthy is made anew, once nothing is missing any more. */
	service_queue(svc, &(struct task){.kind = TASK_HEAL,
			       .trigger = "heal",
			       .recreate = runs.missing.n == 0,
			       .args = runs.missing.n > 0 ? runs.missing : runs.unhealthy,
			       .why = runs.why.data});
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
	str_set(&svc->awaited, "");
	service_next(svc);
}

/* A deploy may be tried again; one that awaits a network only when that is there: asking the engine is cheap. */
static void
on_retry(evutil_socket_t fd, short what, void *ctx)
{
	struct service *svc = ctx;

	(void)fd;
	(void)what;
	/* A held service waits for no network: it is a stop that failed. */
	if (svc->held || svc->awaited[0] == '\0' || svc->row.tracked[0] == '\0')
		service_next(svc);
	else if (svc->await_req == NULL)
		svc->await_req = engine_network(svc->core->engine, svc->awaited, on_awaited, svc);
}

void
service_retry_later(struct service *svc, int64_t first_ms)
{
	if (svc->awaited[0] != '\0') {
		arm(svc->retry_timer, SERVICE_NETWORK_MS);
		return;
	}
	svc->retry_ms = svc->retry_ms == 0 ? first_ms : svc->retry_ms * 2;
	if (svc->retry_ms > SERVICE_RETRY_MAX_MS)
		svc->retry_ms = SERVICE_RETRY_MAX_MS;
	arm(svc->retry_timer, svc->retry_ms);
}

void
service_retry_cancel(struct service *svc)
{
	event_del(svc->retry_timer);
	engine_cancel(TAKE(svc->await_req));
	str_set(&svc->awaited, "");
	svc->retry_ms = 0;
}

void
service_judge_again(struct service *svc)
{
	if (svc->pending[0] == '\0')
		return;
	str_set(&svc->pending, "");
	str_set(&svc->row.judged, "");
}

void
service_on_ready(struct service *svc, const char *problem)
{
	str_set(&svc->problem, problem);
	svc->ready = problem[0] == '\0' && !svc->ending;
	if (problem[0] != '\0') {
		log_err("not managed: %s service=%s", problem, svc->conf->name);
		return;
	}
	if (!svc->conf->hosted)
		arm(svc->poll_timer, 0);
	service_next(svc);
}

void
service_on_hold(struct service *svc, bool held, const char *note)
{
	if (held != svc->held)
		log_info("%s%s%s service=%s", held ? "held: it stays down" : "no longer held",
		    note[0] != '\0' ? ": " : "", note, svc->conf->name);
	if (svc->held && !held) {
		svc->restore = true;
		service_judge_again(svc);
	}
	/* The hold does not wait for the next attempt of a deploy that failed. */
	if (held && !svc->held)
		service_retry_cancel(svc);
	svc->held = held;
	str_set(&svc->hold_note, note);
	if (svc->running != NULL && svc->running->deploy != NULL)
		deploy_on_containers(svc->running->deploy);
	service_next(svc);
}

/* Nobody signs a commit that is followed already: only what was refused is looked at again. */
void
service_on_signers(struct service *svc)
{
	svc->verify_again = true;
	if (svc->ready && !svc->core->quitting && svc->row.rejected[0] != '\0')
		service_queue(svc, &(struct task){.kind = TASK_LOOK, .trigger = "poll"});
}

void
service_on_containers(struct service *svc)
{
	oneoff_sweep(svc);
	if (svc->running != NULL && svc->running->deploy != NULL)
		deploy_on_containers(svc->running->deploy);
	else
		service_next(svc);
}

void
service_on_engine_up(struct service *svc)
{
	/* What an earlier core has begun to end. */
	if (svc->ending && svc->running == NULL)
		service_queue(svc, &(struct task){.kind = TASK_END, .trigger = "boot"});
	ended_on_engine_up(svc);
	import_try_again(svc);
	rename_try_again(svc);
	oneoff_sweep_again(svc);
	/* What failed because the engine was away may be tried at once. */
	if (svc->awaited[0] == '\0' && event_pending(svc->retry_timer, EV_TIMEOUT, NULL)) {
		event_del(svc->retry_timer);
		svc->retry_ms = 0;
	}
	service_on_containers(svc);
}

void
service_make_timers(struct service *svc)
{
	struct event_base *base = svc->core->base;

	svc->poll_timer = event_new(base, -1, 0, on_poll, svc);
	svc->heal_timer = event_new(base, -1, 0, on_heal, svc);
	svc->retry_timer = event_new(base, -1, 0, on_retry, svc);
	ended_make_timer(svc);
}
