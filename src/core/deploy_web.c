/* An app's visitors: on which port of which compose service they are led to, now that its image is there. */
#include "base/auto.h"
#include "compose/app.h"
#include "compose/web.h"
#include "core/deploy_steps.h"

static const char *const from_says[] = {
    [APP_PORT_SAID] = "as HTTP_PORT says",
    [APP_PORT_FILE] = "as its expose says",
    [APP_PORT_IMAGE] = "which its image exposes",
    [APP_PORT_VARIABLE] = "which PORT in its environment tells it",
    [APP_PORT_NONE] = "nothing says on which port it listens (HTTP_PORT, expose, EXPOSE): no visitors are led to it",
    [APP_PORT_NO_WEB] = "none of its compose services is called web: no visitors are led to it",
    [APP_PORT_WORKER] = "a worker: no visitors are led to it, because NO_HTTP_PROXY is set",
};

/* On the network where a proxy in a container looks for it. */
static void
join_proxy(struct deploy *d)
{
	const struct conf_push *push = d->svc->core->conf->push;
	const char *network = push == NULL ? NULL : push->proxy_network;
	auto_free char *alias = NULL;

	if (network == NULL)
		return;
	if (model_join_proxy(d->model, d->svc->conf->name, network))
		alias = model_web_alias(d->model);
	if (d->mode == DEPLOY_PLAN)
		return;
	if (alias != NULL)
		task_sayf(d->task, "a proxy on the network %s finds it as %s\n", network, alias);
	else
		task_sayf(d->task, "no proxy on the network %s finds it, for it has a network_mode\n", network);
}

void
deploy_decide_port(struct deploy *d)
{
	const char *web = app_web_service(d->model), *service = NULL;
	const json_t *image;
	enum app_port from;
	int port = 0;

	/* A stored release runs as it was decided; of another service nobody asks. */
	if (d->svc->app == NULL || d->approved != NULL)
		return;
	model_leave_proxy(d->model);
	image = web == NULL ? NULL : json_object_get(d->image_configs, web);
	app_decide_init(d->model, image);
	from = app_decide_port(d->model, image);
	if (!model_web(d->model, &service, &port)) {
		if (d->mode != DEPLOY_PLAN)
			task_sayf(d->task, "%s\n", from_says[from]);
		return;
	}
	if (d->mode != DEPLOY_PLAN)
		task_sayf(d->task, "%s: listens on port %d, %s\n", service, port, from_says[from]);
	join_proxy(d);
}

static void
on_probed(void *ctx)
{
	deploy_on_containers(ctx);
}

struct probes *
deploy_probes(struct deploy *d)
{
	if (d->probes == NULL)
		d->probes = probes_new(d->svc, d->model, deploy_health_timeout_ms(d), on_probed, d);
	return d->probes;
}
