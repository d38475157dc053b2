#include "core/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "conf/routes.h"
#include "core/app_names.h"
#include "core/reload.h"
#include "core/service.h"
#include "engine/engine.h"

static void
on_retry(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	service_next(ctx);
}

void
import_init(struct service *svc)
{
	struct import *im = &svc->import;
	struct err err = ERR_INIT;

	im->trouble = str_dup("");
	if (svc->conf->import == NULL)
		return;
	im->timer = event_new(svc->core->base, -1, 0, on_retry, svc);
	if (store_routes_get(svc->core->store, svc->conf->name, &im->good, &im->taken, &err) < 0)
		log_err("%s service=%s", err.msg, svc->conf->name);
}

void
import_done(struct service *svc)
{
	struct import *im = &svc->import;

	if (im->timer != NULL)
		event_free(im->timer);
	free(im->text);
	free(im->handed);
	free(im->good);
	free(im->trouble);
}

/* --- what the file is to hold --- */

struct writing {
	struct buf *text;
	size_t n;
	const char *scheme; /* of the names of apps, as an address of Caddy's begins */
};

/* An app is found by its name on the proxy's network. While its containers take turns a request waits for a moment. */
static void
add_app(void *ctx, const struct service *svc, const char *host)
{
	const struct app *app = svc->app;
	const struct app_web *web = app->next.service != NULL ? &app->next : &app->web;
	struct writing *w = ctx;

	if (web->alias == NULL)
		return;
	buf_printf(w->text,
	    "%s%s {\n\treverse_proxy %s:%d {\n\t\tlb_try_duration 5s\n\t\tlb_try_interval 100ms\n\t}\n}\n", w->scheme,
	    host, web->alias, web->port);
	w->n++;
}

static size_t
write_routes(struct core *core, struct buf *ret)
{
	const struct conf_push *push = core->conf->push;
	auto_routes struct routes routes = {0};
	struct writing w = {.text = ret, .scheme = push != NULL && str_eq(push->scheme, "https") ? "" : "http://"};

	routes_of(core->conf, &routes);
	routes_caddyfile(&routes, ret);
	w.n = routes.n;
	names_each_led(core, add_app, &w);
	return w.n;
}

static void
take_text(struct service *svc, const char *text, size_t n)
{
	struct import *im = &svc->import;

	if (im->text != NULL && str_eq(im->text, text))
		return;
	str_set(&im->text, text);
	im->n = n;
	im->loaded = im->taken && str_eq(im->good, text);
	im->seen = false;
	im->refused = false;
	str_set(&im->trouble, "");
	import_try_again(svc);
	if (svc->core->engine != NULL)
		service_next(svc);
}

void
import_refresh(struct core *core)
{
	auto_buf struct buf text = BUF_INIT(ROUTES_TEXT_MAX);
	struct service *svc;
	size_t n;

	if (!core->loaded || !import_is_used(core))
		return;
	n = write_routes(core, &text);
	if (text.full) {
		log_err("there are more routes than %d bytes hold: no proxy in a container is told of them",
		    ROUTES_TEXT_MAX);
		return;
	}
	TAILQ_FOREACH(svc, &core->services, entry)
	{
		if (svc->conf->import != NULL)
			take_text(svc, buf_str(&text), n);
	}
}

bool
import_is_used(const struct core *core)
{
	for (size_t i = 0; i < core->conf->nservices; i++) {
		if (core->conf->services[i].import != NULL)
			return true;
	}
	return false;
}

const char *
import_hand_out(struct service *svc)
{
	struct import *im = &svc->import;
	const char *text = im->refused && im->good != NULL ? im->good : im->text;

	if (text != NULL)
		str_set(&im->handed, text);
	return text == NULL ? NULL : im->handed;
}

static void
record(const struct service *svc, const char *text, bool loaded)
{
	struct err err = ERR_INIT;

	if (store_routes_put(svc->core->store, svc->conf->name, text, loaded, &err) < 0)
		log_err("%s service=%s", err.msg, svc->conf->name);
}

/* A file that was another one, or none, may be another one to the proxy as well, whatever it took in once. */
void
import_written(struct service *svc, const char *answer)
{
	struct import *im = &svc->import;

	im->seen = str_eq(im->handed, im->text);
	if (str_eq(answer, "same\n") || !im->taken)
		return;
	im->taken = false;
	im->loaded = false;
	record(svc, im->good, false);
}

void
import_remember(struct service *svc, const char *before)
{
	if (svc->import.good != NULL)
		return;
	svc->import.good = str_dup(before);
	record(svc, before, false);
}

void
import_look_again(struct service *svc)
{
	svc->import.seen = false;
}

void
import_try_again(struct service *svc)
{
	svc->import.attempts = 0;
	if (svc->import.timer != NULL)
		event_del(svc->import.timer);
}

struct count {
	const char *service;
	size_t n;
};

static bool
count_one(void *ctx, const struct container *c)
{
	struct count *count = ctx;

	if (!c->oneoff && str_eq(c->service, count->service) && c->state == CONTAINER_RUNNING &&
	    c->health != HEALTH_STARTING)
		count->n++;
	return true;
}

bool
import_target_runs(const struct service *svc, const char *compose_service)
{
	struct count count = {.service = compose_service};

	if (svc->core->engine_up)
		engine_containers(svc->core->engine, svc->conf->name, count_one, &count);
	return count.n > 0;
}

int
import_reload(const struct service *svc, struct reload *ret, struct err *err)
{
	auto_strv struct strv names = {NULL, 0};

	for (size_t i = 0; i < svc->facts.n; i++)
		strv_add(&names, svc->facts.v[i].name);
	return reload_read(svc->conf->reload, svc->conf->name, &names, ret, err);
}

/* What cannot be read is told by trying. */
static bool
must_tell(const struct service *svc)
{
	auto_reload struct reload reload = {0};

	if (svc->conf->reload == NULL || svc->import.loaded)
		return false;
	return import_reload(svc, &reload, NULL) < 0 || import_target_runs(svc, reload.target);
}

bool
import_is_due(const struct service *svc)
{
	const struct import *im = &svc->import;

	if (im->text == NULL || im->attempts >= IMPORT_ATTEMPTS_MAX || event_pending(im->timer, EV_TIMEOUT, NULL))
		return false;
	return !im->seen || must_tell(svc);
}

void
import_loaded(struct service *svc, const char *text, size_t n)
{
	struct import *im = &svc->import;

	record(svc, text, true);
	str_set(&im->good, text);
	im->taken = true;
	im->loaded = str_eq(text, im->text);
	log_info("the proxy has taken in %zu route%s service=%s", n, n == 1 ? "" : "s", svc->conf->name);
}

enum import_state
import_state(const struct service *svc)
{
	const struct import *im = &svc->import;
	bool can = svc->ready && svc->row.release != 0 && svc->core->engine_up && !svc->held;

	if (im->text == NULL || (im->seen && im->loaded))
		return IMPORT_DONE;
	if (im->trouble[0] != '\0')
		return IMPORT_REFUSED;
	if (svc->running != NULL && svc->running->kind == TASK_ROUTES)
		return IMPORT_WORKING;
	return can && import_is_due(svc) ? IMPORT_WORKING : IMPORT_DONE;
}

void
import_failed(struct service *svc, const char *why, bool hopeless)
{
	struct import *im = &svc->import;
	int64_t wait_ms = (int64_t)IMPORT_RETRY_MIN_MS << im->attempts;
	struct timeval wait = {(time_t)(wait_ms / 1000), (suseconds_t)(wait_ms % 1000 * 1000)};

	str_set(&im->trouble, why);
	im->attempts = hopeless ? IMPORT_ATTEMPTS_MAX : im->attempts + 1;
	if (im->attempts < IMPORT_ATTEMPTS_MAX)
		event_add(im->timer, &wait);
	log_err("routes: %s%s service=%s", why,
	    im->attempts < IMPORT_ATTEMPTS_MAX ? "" : "; not tried again until something is done for the service",
	    svc->conf->name);
}

char *
import_status(const struct service *svc, bool *ret_is)
{
	const struct import *im = &svc->import;

	if (im->text == NULL)
		return NULL;
	*ret_is = im->trouble[0] == '\0' && im->seen && (im->loaded || svc->conf->reload == NULL);
	if (im->trouble[0] != '\0')
		return str_printf("%s (%s)", im->trouble,
		    im->attempts < IMPORT_ATTEMPTS_MAX ? "it is tried again"
						       : "given up until something is done for the service");
	if (!im->seen)
		return str_printf("%zu, not yet written", im->n);
	if (svc->conf->reload == NULL)
		return str_printf("%zu, written; without reload the proxy is not told", im->n);
	return str_printf(
	    "%zu, %s", im->n, im->loaded ? "taken in by the proxy" : "written; the proxy is told when it runs");
}
