#include "engine/reply.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

enum { MESSAGE_MAX = 400 };

static void
set_engine_error(struct err *err, const struct http *h)
{
	auto_buf struct buf vis = BUF_INIT(MESSAGE_MAX);
	json_t *body = json_loadb(buf_str(&h->body), h->body.len, JSON_ALLOW_NUL, NULL);
	const char *message = json_string_value(json_object_get(body, "message"));

	if (message == NULL)
		message = buf_str(&h->body);
	/* The engine quotes what repositories wrote. */
	buf_vis(&vis, message, strnlen(message, MESSAGE_MAX), false);
	err_set(err, EREMOTEIO, "the engine answers %d: %s", h->status, buf_str(&vis));
	json_decref(body);
}

void
reply_read(const struct api_call *call, const char *arg, const struct http *h, struct engine_reply *reply,
    json_t **ret_body, struct err *err)
{
	json_error_t je;

	reply->status = h->status;
	if (h->status == 404 && call->missing_ok) {
		reply->missing = true;
	} else if (call->also_ok != 0 && h->status == call->also_ok) {
		return;
	} else if (h->status < 200 || h->status > 299) {
		set_engine_error(err, h);
	} else if (h->body.len > 0) {
		*ret_body = json_loadb(h->body.data, h->body.len, JSON_ALLOW_NUL, &je);
		if (*ret_body == NULL)
			err_set(err, EPROTO, "the engine's answer is not JSON: line %d: %s", je.line, je.text);
		else if (call->answer_ok != NULL && !call->answer_ok(*ret_body, arg))
			reply->missing = true;
		else
			reply->body = *ret_body;
	}
}
