#include "core/from_pgod.h"

#include <errno.h>

#include "base/auto.h"
#include "base/log.h"
#include "core/app.h"
#include "core/client.h"
#include "core/job.h"
#include "core/op.h"
#include "core/pin.h"
#include "core/proxy.h"
#include "core/receive.h"
#include "core/remove.h"
#include "core/service.h"
#include "core/web.h"
#include "engine/engine.h"

static int
on_service(void *ctx, struct msg *m, struct err *err)
{
	struct service *svc = core_service(ctx, msg_str(m, "name"));

	if (svc == NULL)
		return err_set(err, ENOENT, "pgod speaks of a service that is not configured");
	service_on_ready(svc, msg_str(m, "problem"));
	return 0;
}

static int
on_app(void *ctx, struct msg *m, struct err *err)
{
	return app_on_made(ctx, msg_str(m, "name"), msg_int(m, "uid"), err);
}

static int
on_app_answer(void *ctx, struct msg *m, struct err *err)
{
	(void)err;
	app_on_answer(ctx, msg_int(m, "id"), msg_str(m, "error"));
	return 0;
}

static int
on_hold(void *ctx, struct msg *m, struct err *err)
{
	struct service *svc = core_service(ctx, msg_str(m, "service"));

	(void)err;
	if (svc != NULL)
		service_on_hold(svc, msg_bool(m, "held"), msg_str(m, "note"));
	return 0;
}

static int
on_signers(void *ctx, struct msg *m, struct err *err)
{
	struct service *svc = core_service(ctx, msg_str(m, "service"));

	(void)err;
	if (svc != NULL)
		service_on_signers(svc);
	return 0;
}

static int
on_held(void *ctx, struct msg *m, struct err *err)
{
	(void)err;
	hold_answered(ctx, msg_int(m, "id"), msg_str(m, "error"));
	return 0;
}

static int
on_job_waiting(void *ctx, struct msg *m, struct err *err)
{
	(void)err;
	job_on_waiting(ctx, msg_int(m, "id"), msg_int(m, "pid"));
	return 0;
}

static int
on_job_started(void *ctx, struct msg *m, struct err *err)
{
	auto_close int terminal = msg_take_fd(m, 0);

	(void)err;
	job_on_started(ctx, msg_int(m, "id"), terminal);
	log_debug("job runs job=%lld pid=%lld", msg_int(m, "id"), msg_int(m, "pid"));
	return 0;
}

static int
on_job_exited(void *ctx, struct msg *m, struct err *err)
{
	(void)err;
	job_on_exited(ctx, msg_int(m, "id"), (int)msg_int(m, "status"), msg_str(m, "error"));
	return 0;
}

static int
on_engine(void *ctx, struct msg *m, struct err *err)
{
	struct core *core = ctx;
	int fd = msg_take_fd(m, 0);

	(void)err;
	if (fd >= 0)
		engine_connected(core->engine, msg_int(m, "id"), fd);
	else
		engine_refused(core->engine, msg_int(m, "id"), msg_str(m, "error"));
	return 0;
}

static int
on_retired(void *ctx, struct msg *m, struct err *err)
{
	(void)err;
	if (!app_on_retired(ctx, msg_str(m, "service"), msg_str(m, "error")))
		remove_on_retired(ctx, msg_str(m, "service"), msg_str(m, "error"));
	return 0;
}

static int
on_pinned(void *ctx, struct msg *m, struct err *err)
{
	(void)err;
	core_on_pinned(ctx, msg_int(m, "id"), msg_str(m, "error"));
	return 0;
}

static int
on_deploy_key(void *ctx, struct msg *m, struct err *err)
{
	(void)err;
	deploy_key_answered(ctx, msg_int(m, "id"), msg_str(m, "line"), msg_str(m, "error"));
	return 0;
}

static int
on_proxied(void *ctx, struct msg *m, struct err *err)
{
	(void)err;
	proxy_on_answer(ctx, msg_int(m, "id"), msg_str(m, "error"), msg_int(m, "written_ms"), msg_bool(m, "leaving"));
	return 0;
}

static int
on_proxy_left(void *ctx, struct msg *m, struct err *err)
{
	(void)err;
	proxy_on_left(ctx, msg_int(m, "id"));
	return 0;
}

static int
on_client(void *ctx, struct msg *m, struct err *err)
{
	(void)err;
	client_new(ctx, msg_int(m, "id"), msg_str(m, "peer"), msg_take_fd(m, 0));
	return 0;
}

static int
on_web(void *ctx, struct msg *m, struct err *err)
{
	(void)err;
	web_open(ctx, msg_take_fd(m, 0));
	return 0;
}

static int
on_quit(void *ctx, struct msg *m, struct err *err)
{
	struct core *core = ctx;
	struct client *c;

	(void)m;
	(void)err;
	core->quitting = true;
	/* What is only being watched any more is not waited for. By name: what this sets going changes the list. */
	for (size_t i = 0; core->conf != NULL && i < conf_count(core->conf); i++) {
		struct service *svc = core_service(core, conf_at(core->conf, i)->name);

		service_on_containers(svc);
		service_next(svc);
	}
	TAILQ_FOREACH(c, &core->clients, entry)
	receive_quit(c);
	core_maybe_exit(core);
	return 0;
}

const struct channel_rule from_pgod_rules[] = {
    {"config", 1u << CORE_CONFIG, core_on_config},
    {"service", 1u << CORE_RUNNING, on_service},
    {"app", 1u << CORE_RUNNING, on_app},
    {"app-answer", 1u << CORE_RUNNING, on_app_answer},
    {"hold", 1u << CORE_RUNNING, on_hold},
    {"held", 1u << CORE_RUNNING, on_held},
    {"signers", 1u << CORE_RUNNING, on_signers},
    {"job-waiting", 1u << CORE_RUNNING, on_job_waiting},
    {"job-started", 1u << CORE_RUNNING, on_job_started},
    {"job-exited", 1u << CORE_RUNNING, on_job_exited},
    {"engine", 1u << CORE_RUNNING, on_engine},
    {"retired", 1u << CORE_RUNNING, on_retired},
    {"pinned", 1u << CORE_RUNNING, on_pinned},
    {"deploy-key", 1u << CORE_RUNNING, on_deploy_key},
    {"proxied", 1u << CORE_RUNNING, on_proxied},
    {"proxy-left", 1u << CORE_RUNNING, on_proxy_left},
    {"client", 1u << CORE_RUNNING, on_client},
    {"web", 1u << CORE_RUNNING, on_web},
    {"quit", 1u << CORE_CONFIG | 1u << CORE_RUNNING, on_quit},
};
const size_t from_pgod_nrules = ARRAY_LEN(from_pgod_rules);
