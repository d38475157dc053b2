/* The answer to `ps`: a fresh list of the engine's, laid out as compose does. */
#include <time.h>

#include "base/auto.h"
#include "core/client.h"
#include "core/op.h"
#include "core/service.h"
#include "engine/engine.h"
#include "engine/ps.h"

static const char *
image_name(void *ctx, const char *compose_service)
{
	return service_image_name(ctx, compose_service);
}

static void
on_list(void *ctx, const struct engine_reply *reply)
{
	struct client *c = ctx;
	auto_ps_options struct ps_options options = PS_OPTIONS_INIT;
	auto_buf struct buf text = BUF_INIT(1024 * 1024);
	struct err err = ERR_INIT;
	int rc;

	c->req = NULL;
	if (reply->err->num != 0) {
		client_answer(c, 2, 500, "the engine does not answer: %s\n", reply->err->msg);
		return;
	}
	rc = ps_options_parse(&c->line.args, &options, &err);
	if (rc >= 0)
		rc = ps_render(&(struct ps_input){.list = reply->body,
				   .project = c->svc->conf->name,
				   .now = time(NULL),
				   .image_name = image_name,
				   .ctx = c->svc},
		    &options, &text, &err);
	if (rc < 0)
		client_answer(c, 2, 1, "%s\n", err.msg);
	else
		client_answer(c, 1, 0, "%s", buf_str(&text));
}

/* A fresh list: one request to the engine, no process. */
void
ps_run(struct client *c, const struct op *op, const struct strv *args)
{
	auto_ps_options struct ps_options options = PS_OPTIONS_INIT;
	struct err err = ERR_INIT;

	(void)op;
	if (ps_options_parse(args, &options, &err) < 0)
		client_answer(c, 2, 1, "%s\n", err.msg);
	else
		c->req = engine_list(c->core->engine, c->svc->conf->name, on_list, c);
}
