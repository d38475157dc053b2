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

/* Is this line in row.finished? */
static bool
has_line(const struct service *svc, const char *line)
{
	const char *p = svc->row.finished;

	while (*p != '\0') {
		size_t len = strcspn(p, "\n");

		if (strlen(line) == len && strncmp(p, line, len) == 0)
			return true;
		p += len + (p[len] == '\n' ? 1 : 0);
	}
	return false;
}

/* "NAME@BOOT", the caller frees. */
static char *
until_reboot(const struct service *svc, const char *name)
{
	return str_printf("%s@%s", name, svc->core->boot);
}

static bool
is_known(const struct service *svc, const char *name)
{
	auto_free char *line = until_reboot(svc, name);

	return has_line(svc, name) || (svc->core->boot[0] != '\0' && has_line(svc, line));
}

static void
write_down(struct service *svc, const struct strv *lines)
{
	auto_free char *text = join(lines);

	if (str_eq(text, svc->row.finished))
		return;
	str_set(&svc->row.finished, text);
	service_save(svc, NULL);
}

static void
record(struct service *svc, const struct runs *runs)
{
	event_del(svc->ended_timer);
	write_down(svc, &runs->finished);
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

/* What is known of all that has finished; returns whether that is final. */
static bool
known_lines(const struct service *svc, const struct runs *runs, struct strv *ret)
{
	bool all = true;

	for (size_t i = 0; i < runs->finished.n; i++) {
		const char *name = runs->finished.v[i];
		bool alone = !strv_has(&runs->doubtful, name);

		if (has_line(svc, name))
			strv_add(ret, name);
		else if ((alone || is_known(svc, name)) && svc->core->boot[0] != '\0')
			strv_add_take(ret, until_reboot(svc, name));
		all = all && has_line(svc, name);
	}
	return all;
}

void
ended_look(struct service *svc, const struct runs *runs)
{
	static const struct timeval sure = {ENDED_SURE_MS / 1000, 0};
	auto_strv struct strv lines = {NULL, 0};

	if (!svc->core->engine_up || svc->row.release == 0 || str_eq(svc->row.finished, "*")) {
		event_del(svc->ended_timer);
		return;
	}
	if (known_lines(svc, runs, &lines))
		event_del(svc->ended_timer);
	else if (event_pending(svc->ended_timer, EV_TIMEOUT, NULL) == 0)
		event_add(svc->ended_timer, &sure);
	write_down(svc, &lines);
}

void
ended_on_engine_down(struct service *svc)
{
	event_del(svc->ended_timer);
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
		if (strv_has(&runs.doubtful, runs.finished.v[i]) && !is_known(svc, runs.finished.v[i]))
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
