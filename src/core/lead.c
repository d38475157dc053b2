#include "core/lead.h"

#include <stdlib.h>

#include "base/auto.h"
#include "core/import.h"
#include "core/proxy.h"
#include "core/service.h"

enum { LEAD_MAX_MS = 75 * 1000 }; /* pgod gives the test and the reload of the host's proxy 30 s each */

struct lead_wait {
	TAILQ_ENTRY(lead_wait) entry;
	struct core *core;
	char *service;
	struct proxy_wait *host; /* NULL: it has answered, or there is none */
	char *host_error;	 /* "" */
	struct event *timer;	 /* the deadline; and the first look, from the event loop */
	bool begun;
	void (*done)(void *ctx, enum lead how, const char *why);
	void *ctx;
};

static void
wait_free(struct lead_wait *w)
{
	TAILQ_REMOVE(&w->core->leads, w, entry);
	proxy_abandon(w->host);
	event_free(w->timer);
	free(w->service);
	free(w->host_error);
	free(w);
}

static void
tell(struct lead_wait *w, enum lead how, const char *why)
{
	void (*done)(void *, enum lead, const char *) = w->done;
	void *ctx = w->ctx;
	auto_free char *text = str_dup(why);

	wait_free(w);
	done(ctx, how, text);
}

/* The first that has not got there; NULL: all have. */
static const struct service *
first_behind(const struct lead_wait *w, enum import_state *ret)
{
	const struct service *svc;

	TAILQ_FOREACH(svc, &w->core->services, entry)
	{
		*ret = str_eq(svc->conf->name, w->service) ? IMPORT_DONE : import_state(svc);
		if (*ret != IMPORT_DONE)
			return svc;
	}
	return NULL;
}

/* False: it goes on waiting. */
static bool
look_at(struct lead_wait *w)
{
	enum import_state state;
	const struct service *behind = first_behind(w, &state);

	if (w->host_error[0] != '\0')
		tell(w, LEAD_REFUSED, w->host_error);
	else if (behind != NULL && state == IMPORT_REFUSED)
		tell(w, LEAD_REFUSED, behind->import.trouble);
	else if (behind == NULL && w->host == NULL)
		tell(w, LEAD_DONE, "");
	else
		return false;
	return true;
}

/* What is told may begin another wait, or end one: from the front again. */
void
lead_look(struct core *core)
{
	struct lead_wait *w = TAILQ_FIRST(&core->leads);

	while (w != NULL)
		w = w->begun && look_at(w) ? TAILQ_FIRST(&core->leads) : TAILQ_NEXT(w, entry);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval deadline = {LEAD_MAX_MS / 1000, 0};
	struct lead_wait *w = ctx;
	enum import_state state;
	const struct service *behind;

	(void)fd;
	(void)what;
	if (!w->begun) {
		w->begun = true;
		event_add(w->timer, &deadline);
		look_at(w);
		return;
	}
	behind = first_behind(w, &state);
	if (behind != NULL) {
		auto_free char *why = str_printf("the proxy of the service %s has not taken it in within %d s",
		    behind->conf->name, LEAD_MAX_MS / 1000);

		tell(w, LEAD_LATE, why);
	} else {
		tell(w, LEAD_LATE, "the proxy on the host has not taken it in yet");
	}
}

static void
on_host(void *ctx, const char *error)
{
	struct lead_wait *w = ctx;

	w->host = NULL;
	str_set(&w->host_error, error);
	if (w->begun)
		look_at(w);
}

struct lead_wait *
lead_await(struct core *core, const char *service, void (*done)(void *ctx, enum lead how, const char *why), void *ctx)
{
	static const struct timeval at_once = {0, 0};
	struct lead_wait *w = calloc(1, sizeof(*w));

	if (w == NULL || (w->timer = evtimer_new(core->base, on_timer, w)) == NULL)
		abort();
	import_refresh(core);
	w->core = core;
	w->service = str_dup(service);
	w->host_error = str_dup("");
	w->done = done;
	w->ctx = ctx;
	TAILQ_INSERT_TAIL(&core->leads, w, entry);
	w->host = proxy_await(core, service, on_host, w);
	if (w->host == NULL && !import_is_used(core)) {
		wait_free(w);
		return NULL;
	}
	event_add(w->timer, &at_once);
	return w;
}

void
lead_abandon(struct lead_wait *w)
{
	if (w != NULL)
		wait_free(w);
}

void
lead_changed(struct core *core, const char *service)
{
	import_refresh(core);
	proxy_changed(core, service);
}
