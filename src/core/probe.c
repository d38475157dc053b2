#include "core/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/auto.h"
#include "base/io.h"
#include "compose/app.h"
#include "compose/web.h"
#include "core/deploy.h"
#include "core/job.h"
#include "core/proxy_targets.h"
#include "core/service.h"

enum {
	MARGIN_MS = 500, /* it has failed before who waits for it gives up: then there is a reason */
	LEAST_MS = 100,
	WHY_MAX = ERR_MSG_MAX / 2,
};

struct probe {
	TAILQ_ENTRY(probe) entry;
	struct probes *all;
	char id[CONTAINER_ID_LEN + 1];
	char ip[CONTAINER_ADDRESS_MAX]; /* that is asked; "" while the engine tells none */
	unsigned deaths;		/* another start is another answer */
	int64_t since_ms;		/* seen to run */
	struct job *job;
	enum probe_state state;
	char why[WHY_MAX];
};

struct probes {
	struct service *svc;
	char *service; /* the compose service; NULL: all of a worker */
	int port;
	char *path;
	int64_t within_ms;
	void (*changed)(void *ctx);
	void *ctx;
	struct event *timer; /* for what has to stay up */
	TAILQ_HEAD(, probe) list;
};

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct probes *p = ctx;

	(void)fd;
	(void)what;
	p->changed(p->ctx);
}

static void
on_network(void *ctx)
{
	const struct core *core = ctx;
	struct service *svc;

	TAILQ_FOREACH(svc, &core->services, entry)
	{
		if (svc->running != NULL && svc->running->deploy != NULL)
			deploy_on_containers(svc->running->deploy);
	}
}

struct probes *
probes_new(struct service *svc, const json_t *model, int64_t within_ms, void (*changed)(void *ctx), void *ctx)
{
	const char *service = NULL;
	struct probes *p;
	int port = 0;

	if (svc->app == NULL || (!model_web(model, &service, &port) && !app_is_made(model)))
		return NULL;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		abort();
	p->svc = svc;
	p->service = service != NULL ? str_dup(service) : NULL;
	p->port = port;
	p->path = app_check_path(model);
	p->within_ms = within_ms > MARGIN_MS + LEAST_MS ? within_ms - MARGIN_MS : LEAST_MS;
	p->changed = changed;
	p->ctx = ctx;
	p->timer = evtimer_new(svc->core->base, on_timer, p);
	if (p->timer == NULL)
		abort();
	TAILQ_INIT(&p->list);
	if (svc->core->networks == NULL)
		svc->core->networks = networks_new(on_network, svc->core);
	return p;
}

static void
end_job(struct probe *pr)
{
	struct job *job = TAKE(pr->job);

	if (job == NULL)
		return;
	job_signal(job, "TERM");
	job_abandon(job);
}

static void
drop(struct probe *pr)
{
	end_job(pr);
	TAILQ_REMOVE(&pr->all->list, pr, entry);
	free(pr);
}

void
probes_free(struct probes *p)
{
	if (p == NULL)
		return;
	while (!TAILQ_EMPTY(&p->list))
		drop(TAILQ_FIRST(&p->list));
	event_free(p->timer);
	free(p->service);
	free(p->path);
	free(p);
}

/* --- its port; of a worker, or of what is out of reach, only the time --- */

static void
on_done(void *ctx, const struct job_result *r)
{
	struct probe *pr = ctx;

	pr->job = NULL;
	pr->state = r->status == 0 ? PROBE_READY : PROBE_FAILED;
	if (r->status != 0)
		job_reason(r, pr->why, sizeof(pr->why));
	pr->all->changed(pr->all->ctx);
}

static void
ask(struct probe *pr)
{
	const struct probes *p = pr->all;
	auto_strv struct strv args = {NULL, 0};

	strv_add(&args, pr->ip);
	strv_add_take(&args, str_printf("%d", p->port));
	strv_add_take(&args, str_printf("%lld", (long long)p->within_ms));
	if (p->path[0] != '\0')
		strv_add(&args, p->path);
	snprintf(pr->why, sizeof(pr->why), "its port %d does not answer yet", p->port);
	pr->job = job_start(p->svc->core,
	    &(struct job_spec){
		.kind = "probe", .service = p->svc->conf->name, .args = &args, .done = on_done, .ctx = pr});
}

static void
look_at_time(struct probe *pr)
{
	const struct probes *p = pr->all;
	int64_t left_ms = pr->since_ms + p->svc->conf->settle_ms - io_now_ms();
	struct timeval tv = {(time_t)(left_ms / 1000), (suseconds_t)(left_ms % 1000 * 1000)};

	if (left_ms <= 0) {
		pr->state = PROBE_READY;
		return;
	}
	snprintf(pr->why, sizeof(pr->why), "it has not stayed up for long enough yet");
	event_add(p->timer, &tv);
}

/* The address may be another one than a moment ago: a network was left and joined again. */
static void
look_at_port(struct probe *pr, const struct container *c)
{
	struct core *core = pr->all->svc->core;
	char ip[CONTAINER_ADDRESS_MAX] = "";

	switch (target_address(core, core->networks, c, ip)) {
	case TARGET_ASKED:
		snprintf(pr->why, sizeof(pr->why), "the engine is asked for its network");
		return;
	case TARGET_NONE:
		/* It is told a moment later; where nobody gets from here, as on an overlay, nothing can be tried. */
		snprintf(pr->why, sizeof(pr->why), "its address is not known yet");
		if (c->addresses[0] != '\0')
			look_at_time(pr);
		return;
	case TARGET_FOUND:
		break;
	}
	if (pr->job != NULL && str_eq(ip, pr->ip))
		return;
	end_job(pr);
	memcpy(pr->ip, ip, sizeof(pr->ip));
	ask(pr);
}

/* --- looking --- */

static struct probe *
find(struct probes *p, const struct container *c)
{
	struct probe *pr;

	TAILQ_FOREACH(pr, &p->list, entry)
	{
		if (str_eq(pr->id, c->id))
			break;
	}
	if (pr != NULL && pr->deaths != c->deaths) {
		drop(pr);
		pr = NULL;
	}
	if (pr != NULL)
		return pr;
	pr = calloc(1, sizeof(*pr));
	if (pr == NULL)
		abort();
	*pr = (struct probe){.all = p, .deaths = c->deaths, .since_ms = io_now_ms(), .state = PROBE_WAITS};
	memcpy(pr->id, c->id, sizeof(pr->id));
	TAILQ_INSERT_TAIL(&p->list, pr, entry);
	return pr;
}

enum probe_state
probes_look(struct probes *p, const struct container *c, const char **ret_why)
{
	struct probe *pr;

	if (p == NULL || c->oneoff || c->state != CONTAINER_RUNNING || c->health != HEALTH_NONE ||
	    (p->service != NULL && !str_eq(c->service, p->service)))
		return PROBE_NOT_ASKED;
	pr = find(p, c);
	if (pr->state == PROBE_WAITS && p->service != NULL)
		look_at_port(pr, c);
	else if (pr->state == PROBE_WAITS)
		look_at_time(pr);
	if (pr->state != PROBE_READY)
		*ret_why = pr->why;
	return pr->state;
}
