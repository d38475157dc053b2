#include "core/peek.h"

#include "base/auto.h"
#include "base/log.h"
#include "core/deploy_steps.h"
#include "core/look.h"

/* What is put back, or was good before, is seen through. So is every second release in a row: commits that come faster
 * than containers get healthy would otherwise keep all of them from going live. Where a commit has to be verified
 * before it counts, what the branch merely says is no reason to end anything. */
static bool
may_yield(const struct deploy *d)
{
	return d->timer != NULL && !d->svc->conf->hosted && !d->back && !d->was_good && !d->svc->yielded &&
	       !look_is_picky(d->svc);
}

static void
on_peeked(void *ctx, const struct job_result *r)
{
	struct service *svc = ctx;
	char oid[STORE_OID];

	svc->peek = NULL;
	/* A remote that fails now is complained of by the next look. */
	if (r->status != 0 || !look_read_oid(r, oid) || str_eq(oid, svc->row.tracked) || svc->running == NULL ||
	    svc->running->deploy == NULL)
		return;
	log_info("a newer commit while the one before is watched service=%s from=%.8s to=%.8s", svc->conf->name,
	    svc->row.tracked, oid);
	str_set(&svc->newer, oid);
	deploy_on_containers(svc->running->deploy);
	service_queue(svc, &(struct task){.kind = TASK_LOOK, .trigger = "poll"});
}

void
peek_now(struct service *svc)
{
	if (svc->peek != NULL || svc->running == NULL || svc->running->deploy == NULL ||
	    !may_yield(svc->running->deploy))
		return;
	svc->peek = job_start(svc->core,
	    &(struct job_spec){.kind = "ls-remote", .service = svc->conf->name, .done = on_peeked, .ctx = svc});
}

static void
arm(struct deploy *d)
{
	struct timeval tv = {(time_t)(d->peek_ms / 1000), (suseconds_t)(d->peek_ms % 1000 * 1000)};

	event_add(d->peek_timer, &tv);
	d->peek_ms *= 2;
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct deploy *d = ctx;

	(void)fd;
	(void)what;
	arm(d);
	peek_now(d->svc);
}

void
peek_begin(struct deploy *d)
{
	str_set(&d->svc->newer, "");
	d->peek_ms = PEEK_FIRST_MS;
	d->peek_timer = event_new(d->svc->core->base, -1, 0, on_timer, d);
	if (d->peek_timer == NULL)
		abort();
	arm(d);
}

void
peek_end(struct deploy *d)
{
	if (d->peek_timer != NULL)
		event_free(TAKE(d->peek_timer));
}

bool
peek_yields(struct deploy *d)
{
	bool now = d->svc->newer[0] != '\0' && may_yield(d);

	d->yields = d->yields || now; /* remembered; what is put back then is seen through */
	return now;
}
