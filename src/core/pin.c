#include "core/pin.h"

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "compose/pins.h"
#include "core/service.h"

struct pin_req {
	TAILQ_ENTRY(pin_req) entry;
	struct core *core;
	int64_t id;
	struct event *now; /* the answer that needs no question */
	char *error;
	void (*done)(void *ctx, const char *error);
	void *ctx;
};

static void
finish(struct pin_req *req, const char *error)
{
	TAILQ_REMOVE(&req->core->pins, req, entry);
	if (req->done != NULL)
		req->done(req->ctx, error);
	event_free(req->now);
	free(req->error);
	free(req);
}

static void
on_now(evutil_socket_t fd, short what, void *ctx)
{
	struct pin_req *req = ctx;

	(void)fd;
	(void)what;
	finish(req, req->error);
}

static int
send_order(
    const struct pin_req *req, const char *service, const struct pin_set *pins, enum pin_how how, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(PIN_SET_BYTES);
	auto_close int fd = -1;

	pin_set_pack(pins, &text);
	if (text.full)
		return err_set(err, E2BIG, "the paths to pin are longer than %d bytes", PIN_SET_BYTES);
	fd = io_memfd("pins", buf_str(&text), text.len, err);
	if (fd < 0)
		return fd;
	channel_send(req->core->pgod,
	    msg_new("pin", "sIsssbsb", "id", (json_int_t)req->id, "service", service, "fresh", how == PIN_FRESH,
		"exact", how == PIN_EXACT),
	    &fd, 1);
	return 0;
}

struct pin_req *
core_pin(struct core *core, const char *service, const struct pin_set *pins, enum pin_how how,
    void (*done)(void *ctx, const char *error), void *ctx)
{
	const struct conf_service *conf = conf_find(core->conf, service);
	bool needed = pins->names.n > 0 || how == PIN_EXACT || (conf != NULL && conf->shared);
	struct pin_req *req = calloc(1, sizeof(*req));
	struct err err = ERR_INIT;

	if (req == NULL)
		abort();
	req->core = core;
	req->id = ++core->last_pin_id;
	req->done = done;
	req->ctx = ctx;
	req->now = event_new(core->base, -1, 0, on_now, req);
	TAILQ_INSERT_TAIL(&core->pins, req, entry);
	if (needed)
		send_order(req, service, pins, how, &err);
	if (err.num != 0 || !needed) {
		req->error = str_dup(err.msg);
		event_active(req->now, 0, 0);
	}
	return req;
}

void
core_pin_abandon(struct pin_req *req)
{
	if (req != NULL)
		req->done = NULL;
}

void
core_on_pinned(struct core *core, int64_t id, const char *error)
{
	struct pin_req *req;

	TAILQ_FOREACH(req, &core->pins, entry)
	{
		if (req->id == id) {
			finish(req, error);
			return;
		}
	}
}

int
service_pin_model(const struct service *svc, json_t *approved, struct err *err)
{
	return model_pin(approved,
	    &(struct model_place){.pins = svc->core->conf->pins,
		.service = svc->conf->name,
		.live = svc->live_path,
		.datadir = svc->data_path},
	    err);
}

void
service_pin_tidy(struct service *svc)
{
	bool none = svc->row.release == 0 && !svc->conf->hosted; /* of what was pushed nothing may be left, either */

	if (!none && svc->row.applying == 0)
		core_pin(svc->core, svc->conf->name, &svc->pins, PIN_EXACT, NULL, NULL);
}

/* --- at the start --- */

static void
settle(struct core *core)
{
	if (core->settled)
		return;
	core->settled = true;
	event_del(core->settle_timer);
	channel_send(core->pgod, msg_new("settled", ""), NULL, 0);
}

static void
on_late(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	log_warn(
	    "what the services mount is not all pinned after %d s: the engine may start without", PIN_SETTLE_MS / 1000);
	settle(ctx);
}

/* Why one could not be pinned pgod has said already; healing tries again. */
static void
on_pinned_at_start(void *ctx, const char *error)
{
	struct core *core = ctx;

	(void)error;
	if (--core->unsettled == 0)
		settle(core);
}

void
core_pin_all(struct core *core)
{
	static const struct timeval late = {PIN_SETTLE_MS / 1000, 0};
	struct service *svc;

	core->settle_timer = evtimer_new(core->base, on_late, core);
	if (core->settle_timer == NULL || event_add(core->settle_timer, &late) < 0)
		abort();
	core->unsettled = 1;
	TAILQ_FOREACH(svc, &core->services, entry)
	{
		if (svc->row.release == 0 || svc->ending)
			continue;
		core->unsettled++;
		/* What an interrupted deploy pinned besides may be what runs: the deploy that finishes it tidies up. */
		core_pin(core, svc->conf->name, &svc->pins, svc->row.applying == 0 ? PIN_EXACT : PIN_KEEP,
		    on_pinned_at_start, core);
	}
	on_pinned_at_start(core, "");
}
