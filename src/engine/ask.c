/* What is asked of the engine, one function a row of the table: looks, and writes on what is ours. */
#include "engine/ask.h"

#include <string.h>

#include "base/auto.h"
#include "base/str.h"

static struct engine_req *
ask(struct engine *e, enum api api, const struct api_args *args, engine_reply_fn *cb, void *ctx)
{
	return pool_submit(engine_pool(e), &(struct pool_call){.api = api, .args = *args, .cb = cb, .ctx = ctx});
}

struct engine_req *
engine_image(struct engine *e, const char *name, engine_reply_fn *cb, void *ctx)
{
	return ask(e, API_IMAGE, &(struct api_args){.arg = name}, cb, ctx);
}

struct engine_req *
engine_network(struct engine *e, const char *name, engine_reply_fn *cb, void *ctx)
{
	return ask(e, API_NETWORK, &(struct api_args){.arg = name}, cb, ctx);
}

struct engine_req *
engine_list(struct engine *e, const char *project, engine_reply_fn *cb, void *ctx)
{
	return ask(e, API_LIST_PROJECT, &(struct api_args){.arg = project}, cb, ctx);
}

struct engine_req *
engine_inspect(struct engine *e, const char *id, engine_reply_fn *cb, void *ctx)
{
	return ask(e, API_INSPECT, &(struct api_args){.arg = id}, cb, ctx);
}

const char *
engine_image_id(const struct engine_reply *reply)
{
	const char *id = json_string_value(json_object_get(reply->body, "Id"));

	return id != NULL && str_starts(id, "sha256:") && container_id_ok(id + strlen("sha256:")) ? id : NULL;
}

/* --- writes --- */

struct engine_req *
engine_tag(struct engine *e, const char *service, const char *image_id, engine_reply_fn *cb, void *ctx)
{
	return ask(e, API_TAG, &(struct api_args){.arg = image_id, .service = service}, cb, ctx);
}

struct engine_req *
engine_untag(struct engine *e, const char *service, const char *image_id, engine_reply_fn *cb, void *ctx)
{
	return ask(e, API_UNTAG, &(struct api_args){.arg = image_id, .service = service}, cb, ctx);
}

struct engine_req *
engine_publish(struct engine *e, const char *service, const char *image_id, const char *registry, const char *version,
    engine_reply_fn *cb, void *ctx)
{
	return ask(e, API_PUBLISH,
	    &(struct api_args){.arg = image_id, .service = service, .registry = registry, .version = version}, cb, ctx);
}

struct engine_req *
engine_unpublish(
    struct engine *e, const char *service, const char *registry, const char *version, engine_reply_fn *cb, void *ctx)
{
	return ask(e, API_UNPUBLISH, &(struct api_args){.service = service, .registry = registry, .version = version},
	    cb, ctx);
}

struct engine_req *
engine_start(struct engine *e, const char *service, const char *id, engine_reply_fn *cb, void *ctx)
{
	return ask(e, API_START, &(struct api_args){.service = service, .container = id}, cb, ctx);
}

struct engine_req *
engine_stop(struct engine *e, const char *service, const char *id, int deadline_ms, engine_reply_fn *cb, void *ctx)
{
	return pool_submit(engine_pool(e), &(struct pool_call){.api = API_STOP,
					       .args = {.service = service, .container = id},
					       .deadline_ms = deadline_ms,
					       .cb = cb,
					       .ctx = ctx});
}

struct engine_req *
engine_remove(struct engine *e, const char *service, const char *id, engine_reply_fn *cb, void *ctx)
{
	return ask(e, API_REMOVE, &(struct api_args){.service = service, .container = id}, cb, ctx);
}

struct engine_req *
engine_rename(struct engine *e, const char *service, const char *id, const char *name, engine_reply_fn *cb, void *ctx)
{
	return ask(e, API_RENAME, &(struct api_args){.arg = name, .service = service, .container = id}, cb, ctx);
}

static struct engine_req *
ask_network(struct engine *e, enum api api, const char *service, const char *network, const char *id, json_t *take_body,
    engine_reply_fn *cb, void *ctx)
{
	auto_free char *text = json_dumps(take_body, JSON_COMPACT);

	json_decref(take_body);
	if (text == NULL)
		abort();
	return ask(
	    e, api, &(struct api_args){.arg = network, .service = service, .container = id, .body = text}, cb, ctx);
}

struct engine_req *
engine_connect_network(struct engine *e, const char *service, const char *network, const char *id,
    const struct strv *aliases, engine_reply_fn *cb, void *ctx)
{
	json_t *names = json_array();

	for (size_t i = 0; aliases != NULL && i < aliases->n; i++) {
		if (json_array_append_new(names, json_string(aliases->v[i])) < 0)
			abort();
	}
	return ask_network(e, API_CONNECT, service, network, id,
	    json_pack("{ss s{so}}", "Container", id, "EndpointConfig", "Aliases", names), cb, ctx);
}

struct engine_req *
engine_disconnect_network(
    struct engine *e, const char *service, const char *network, const char *id, engine_reply_fn *cb, void *ctx)
{
	return ask_network(
	    e, API_DISCONNECT, service, network, id, json_pack("{ss sb}", "Container", id, "Force", false), cb, ctx);
}
