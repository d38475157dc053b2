#include "supervisor/stop.h"

#include <signal.h>
#include <stdlib.h>

#include "base/log.h"

enum { TICK_MS = 20 };

enum stop_phase { STOP_NOT, STOP_FINISH, STOP_TERM, STOP_KILL, STOP_LEAVE };

/* How long each phase waits for the children before the next one. Together below systemd's TimeoutStopSec. */
static const int wait_ms[] = {
    [STOP_NOT] = 0,
    [STOP_FINISH] = 30 * 1000, /* jobs that hold a lock finish what they do to their service */
    [STOP_TERM] = 10 * 1000,
    [STOP_KILL] = 5 * 1000, /* longer only when the kernel does not let go of a process */
    [STOP_LEAVE] = 0,
};

struct stop {
	struct event_base *base;
	struct stop_parts parts;
	enum stop_phase phase;
	int left_ms;
	struct event *tick;
};

static void
enter(struct stop *s, enum stop_phase phase)
{
	s->phase = phase;
	s->left_ms = wait_ms[phase];
	switch (phase) {
	case STOP_NOT:
		break;
	case STOP_FINISH:
		core_quit(s->parts.core);
		clients_signal(s->parts.clients, SIGTERM);
		web_signal(s->parts.web, SIGTERM);
		jobs_end(s->parts.jobs, false);
		break;
	case STOP_TERM:
		core_signal(s->parts.core, SIGTERM);
		clients_signal(s->parts.clients, SIGTERM);
		web_signal(s->parts.web, SIGTERM);
		jobs_end(s->parts.jobs, true);
		break;
	case STOP_KILL:
		core_signal(s->parts.core, SIGKILL);
		clients_signal(s->parts.clients, SIGKILL);
		web_signal(s->parts.web, SIGKILL);
		jobs_kill_all(s->parts.jobs);
		break;
	case STOP_LEAVE:
		log_err("leaving %zu processes behind that do not end", children_count(s->parts.children));
		event_base_loopbreak(s->base);
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct stop *s = arg;

	(void)fd;
	(void)what;
	s->left_ms -= TICK_MS;
	if (children_count(s->parts.children) == 0 && !core_runs(s->parts.core))
		event_base_loopbreak(s->base);
	else if (s->left_ms <= 0 && s->phase != STOP_LEAVE)
		enter(s, s->phase + 1);
}

struct stop *
stop_new(struct event_base *base, const struct stop_parts *parts)
{
	struct stop *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->base = base;
	s->parts = *parts;
	s->tick = event_new(base, -1, EV_PERSIST, on_tick, s);
	if (s->tick == NULL)
		abort();
	return s;
}

void
stop_next(struct stop *s)
{
	struct timeval tv = {0, TICK_MS * 1000};

	if (s->phase == STOP_NOT)
		event_add(s->tick, &tv);
	if (s->phase < STOP_KILL)
		enter(s, s->phase + 1);
}

bool
stop_begun(const struct stop *s)
{
	return s->phase != STOP_NOT;
}

void
stop_free(struct stop *s)
{
	if (s == NULL)
		return;
	event_free(s->tick);
	free(s);
}
