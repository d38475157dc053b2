#include "engine/req.h"

#include <errno.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/str.h"

static char *
dup_or_null(const char *s)
{
	return s == NULL ? NULL : str_dup(s);
}

struct engine_req *
req_new(struct pool *p, struct event_base *base, const struct pool_call *call, event_callback_fn cb)
{
	struct engine_req *req = calloc(1, sizeof(*req));
	const struct api_call *row = api_call(call->api);
	int ms = call->deadline_ms != 0 ? call->deadline_ms : row->deadline_ms;
	struct timeval tv = {ms / 1000, (ms % 1000) * 1000L};

	if (req == NULL || (req->deadline = evtimer_new(base, cb, req)) == NULL)
		abort();
	req->pool = p;
	req->call = row->guarded ? api_call(API_INSPECT) : row;
	req->write = row->guarded ? row : NULL;
	req->arg = dup_or_null(call->args.arg);
	req->service = dup_or_null(call->args.service);
	req->container = dup_or_null(call->args.container);
	req->registry = dup_or_null(call->args.registry);
	req->version = dup_or_null(call->args.version);
	req->body = dup_or_null(call->args.body);
	req->cb = call->cb;
	req->ctx = call->ctx;
	req->http = (struct http_spec){req->call->limit_bytes, call->piece, call->piece_ctx};
	req->deadline_ms = ms;
	evtimer_add(req->deadline, &tv);
	return req;
}

void
req_free(struct engine_req *req)
{
	event_free(req->deadline);
	free(req->arg);
	free(req->service);
	free(req->container);
	free(req->registry);
	free(req->version);
	free(req->body);
	free(req->doom);
	free(req);
}

struct api_args
req_args(const struct engine_req *req)
{
	if (req->write != NULL)
		return (struct api_args){.arg = req->container};
	return (struct api_args){.arg = req->arg,
	    .service = req->service,
	    .container = req->container,
	    .registry = req->registry,
	    .version = req->version,
	    .body = req->body};
}

bool
req_passes_guard(struct engine_req *req, struct engine_reply *reply, struct err *err)
{
	const struct api_call *write = req->write;

	if (write == NULL)
		return false;
	if (err->num == 0 && !reply->missing && api_owns(reply->body, req->service)) {
		req->write = NULL;
		req->call = write;
		req->http.body_limit = write->limit_bytes;
		req->retried = false;
		return true;
	}
	if (err->num == 0 && reply->missing && !write->missing_ok)
		err_set(err, ENOENT, "the container does not exist any more");
	else if (err->num == 0 && !reply->missing)
		err_set(err, EPERM, "the container does not belong to service %s", req->service);
	reply->body = NULL; /* it is no answer to the write */
	return false;
}
