/* What the containers of an app that does not come to run well have said last: whoever pushed it cannot look into them
 * when they are gone. */
#include "base/auto.h"
#include "core/deploy_steps.h"

#define LINES_TOLD "20"

enum { WORDS_MS = 10 * 1000 }; /* an engine that does not answer holds up no deploy */

static void
on_piece(void *ctx, int stream, const char *data, size_t len)
{
	struct deploy *d = ctx;

	(void)stream;
	if (!d->words_begun)
		task_sayf(d->task, "the last lines of its output:\n");
	d->words_begun = true;
	task_say(d->task, 2, data, len);
}

static void
on_done(void *ctx, const struct job_result *r)
{
	struct deploy *d = ctx;
	struct err err = ERR_INIT;
	int rc;

	(void)r;
	d->job = NULL;
	event_free(TAKE(d->words_timer));
	rc = d->cancelled[0] != '\0' ? deploy_was_cancelled(d) : d->words_then(d, &err);
	deploy_continue(d, rc, &err);
}

static void
on_late(evutil_socket_t fd, short what, void *ctx)
{
	const struct deploy *d = ctx;

	(void)fd;
	(void)what;
	job_signal(d->job, "TERM");
}

int
deploy_last_words(struct deploy *d, const struct strv *services, int number,
    int (*then)(struct deploy *d, struct err *err), struct err *err)
{
	static const struct timeval tv = {WORDS_MS / 1000, 0};
	auto_strv struct strv args = {NULL, 0};

	if (d->svc->app == NULL || d->back || services->n == 0)
		return then(d, err);
	if (number > 0) {
		strv_add(&args, "--index");
		strv_add_take(&args, str_printf("%d", number));
	}
	strv_add(&args, "--tail");
	strv_add(&args, LINES_TOLD);
	for (size_t i = 0; i < services->n; i++)
		strv_add(&args, services->v[i]);
	d->words_begun = false;
	d->words_then = then;
	d->words_timer = evtimer_new(d->svc->core->base, on_late, d);
	if (d->words_timer == NULL || event_add(d->words_timer, &tv) < 0)
		abort();
	d->job = job_start(d->svc->core, &(struct job_spec){.kind = "logs",
					     .service = d->svc->conf->name,
					     .args = &args,
					     .piece = on_piece,
					     .done = on_done,
					     .ctx = d});
	return STEP_WAIT;
}
