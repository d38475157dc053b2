/* `tags` and `links`: what octohost's commands of these names tell of an app. */
#include <string.h>

#include "base/auto.h"
#include "compose/model.h"
#include "core/app.h"
#include "core/appvars.h"
#include "core/client.h"
#include "core/op.h"
#include "core/service.h"
#include "engine/engine.h"

#define TAGS "CONSUL_TAGS"
#define TAGS_OTHERWISE "http"

/* What runs, or NULL after the client was told why not. The caller decrefs. */
static json_t *
load_model(struct client *c, const struct op *op)
{
	auto_buf struct buf text = BUF_INIT(2 * MODEL_MAX);
	struct err err = ERR_INIT;
	json_t *model = NULL;

	if (c->svc->app == NULL)
		client_answer(c, 2, 1, "%s: nobody pushes to %s: it is no app\n", op->name, c->svc->name);
	else if (c->svc->row.release == 0)
		client_answer(c, 2, 1, "%s: nothing has been deployed yet\n", op->name);
	else if (appscale_model(c->svc, c->svc->row.release, c->svc->row.vars, &text, &err) < 0 ||
		 (model = model_parse(buf_str(&text), text.len, &err)) == NULL)
		client_answer(c, 2, 1, "%s: %s\n", op->name, err.msg);
	return model;
}

/* --- tags --- */

static void
answer_tags(struct client *c, const char *tags)
{
	auto_json json_t *list = json_array();
	auto_free char *copy = str_dup(tags);
	char *save = NULL;

	if (!c->json) {
		client_answer(c, 1, 0, "%s\n", tags);
		return;
	}
	for (char *tag = strtok_r(copy, ",", &save); tag != NULL; tag = strtok_r(NULL, ",", &save))
		json_array_append_new(list, client_text_json(tag));
	client_answer_json(c, 0, list);
}

static void
on_image(void *ctx, const struct engine_reply *reply)
{
	struct client *c = ctx;
	const json_t *env = json_object_get(json_object_get(reply->body, "Config"), "Env");
	const char *found = TAGS_OTHERWISE;
	size_t i;
	json_t *entry;

	c->req = NULL;
	json_array_foreach(env, i, entry)
	{
		if (json_is_string(entry) && str_starts(json_string_value(entry), TAGS "="))
			found = json_string_value(entry) + strlen(TAGS "=");
	}
	answer_tags(c, found);
}

/* Of what visitors are led to: `web`, or the only one. */
static const json_t *
web_of(json_t *model)
{
	json_t *services = json_object_get(model, "services");
	json_t *web = json_object_get(services, "web");

	return web != NULL ? web : json_object_iter_value(json_object_iter(services));
}

void
tags_run(struct client *c, const struct op *op, const struct strv *args)
{
	auto_json json_t *model = load_model(c, op);
	auto_vars struct vars vars = {0};
	struct err err = ERR_INIT;
	const json_t *web;
	const char *tags;

	if (model == NULL)
		return;
	c->json = op_has(args, "--json");
	if (appvars_load(c->svc, c->svc->row.vars, &vars, &err) < 0) {
		client_answer(c, 2, 1, "%s: %s\n", op->name, err.msg);
		return;
	}
	web = web_of(model);
	tags = vars_get(&vars, TAGS);
	if (tags == NULL)
		tags = json_string_value(json_object_get(json_object_get(web, "environment"), TAGS));
	if (tags != NULL || !c->core->engine_up)
		answer_tags(c, tags != NULL ? tags : TAGS_OTHERWISE);
	else
		c->req = engine_image(c->core->engine, json_string_value(json_object_get(web, "image")), on_image, c);
}

/* --- links --- */

static void
add_links(const char *service, const json_t *links, json_t *all, struct buf *text)
{
	size_t i;
	json_t *link;

	json_array_foreach(links, i, link)
	{
		if (!json_is_string(link))
			continue;
		json_array_append_new(all, json_pack("{ss sO}", "service", service, "link", link));
		buf_printf(text, "%s: %s\n", service, json_string_value(link));
	}
}

void
links_run(struct client *c, const struct op *op, const struct strv *args)
{
	auto_json json_t *model = load_model(c, op);
	auto_json json_t *all = json_array();
	auto_buf struct buf text = BUF_INIT(64 * 1024);
	const char *name;
	json_t *service;

	if (model == NULL)
		return;
	json_object_foreach(json_object_get(model, "services"), name, service)
	{
		add_links(name, json_object_get(service, "links"), all, &text);
		add_links(name, json_object_get(service, "external_links"), all, &text);
	}
	if (op_has(args, "--json"))
		client_answer_json(c, 0, all);
	else
		client_answer(c, 1, 0, "%s", buf_str(&text));
}
