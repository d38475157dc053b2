#include "core/ended.h"

#include <string.h>

#include "base/auto.h"
#include "core/runs.h"
#include "core/service.h"

/* One name a line, as row.finished has them. */
static char *
join(const struct strv *names)
{
	auto_buf struct buf text = BUF_INIT(64 * 1024);

	for (size_t i = 0; i < names->n; i++)
		buf_printf(&text, "%s%s", i > 0 ? "\n" : "", names->v[i]);
	return buf_take(&text);
}

static void
record(struct service *svc, const struct runs *runs)
{
	auto_free char *text = join(&runs->finished);

	event_del(svc->ended_timer);
	if (str_eq(text, svc->row.finished))
		return;
	str_set(&svc->row.finished, text);
	service_save(svc, NULL);
}

void
ended_record(struct service *svc)
{
	auto_runs struct runs runs = RUNS_INIT;

	service_runs(svc, &runs);
	record(svc, &runs);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct service *svc = ctx;

	(void)fd;
	(void)what;
	/* Whatever runs for the service looks again when it ends. */
	if (svc->core->engine_up && svc->running == NULL)
		ended_record(svc);
}

void
ended_make_timer(struct service *svc)
{
	svc->ended_timer = event_new(svc->core->base, -1, 0, on_timer, svc);
}

void
ended_look(struct service *svc, const struct runs *runs)
{
	static const struct timeval sure = {ENDED_SURE_MS / 1000, 0};
	auto_free char *text = join(&runs->finished);

	if (!svc->core->engine_up || svc->row.release == 0 || str_eq(text, svc->row.finished))
		event_del(svc->ended_timer);
	else if (event_pending(svc->ended_timer, EV_TIMEOUT, NULL) == 0)
		event_add(svc->ended_timer, &sure);
}

void
ended_on_engine_down(struct service *svc)
{
	event_del(svc->ended_timer);
}

static bool
is_known(const struct service *svc, const char *name)
{
	const char *p = svc->row.finished;

	while (*p != '\0') {
		size_t len = strcspn(p, "\n");

		if (strlen(name) == len && strncmp(p, name, len) == 0)
			return true;
		p += len + (p[len] == '\n' ? 1 : 0);
	}
	return false;
}

void
ended_on_engine_up(struct service *svc)
{
	auto_runs struct runs runs = RUNS_INIT;

	strv_done(&svc->revive);
	service_runs(svc, &runs);
	if (str_eq(svc->row.finished, "*")) {
		record(svc, &runs);
		return;
	}
	for (size_t i = 0; i < runs.finished.n; i++) {
		if (!is_known(svc, runs.finished.v[i]))
			strv_add(&svc->revive, runs.finished.v[i]);
	}
}

void
ended_add(const struct service *svc, struct runs *runs)
{
	for (size_t i = 0; i < svc->revive.n; i++) {
		const char *name = svc->revive.v[i];

		if (!strv_has(&runs->finished, name) || strv_has(&runs->missing, name))
			continue;
		strv_add(&runs->missing, name);
		runs->engine_restarts = false;
		runs_add_why(&runs->why, name, "ended along with the engine");
	}
}

void
ended_revived(struct service *svc)
{
	strv_done(&svc->revive);
}
