/* What a response means to who asked. Pure. */
#ifndef PGO_ENGINE_REPLY_H
#define PGO_ENGINE_REPLY_H

#include "engine/api.h"
#include "engine/engine.h"
#include "engine/http.h"

/* Fills status, missing and body; *ret_body is what the caller frees (NULL or the body, also when it is about another
 * thing). An answer that is an error, or none that can be used, sets err. */
void reply_read(const struct api_call *call, const char *arg, const struct http *h, struct engine_reply *reply,
    json_t **ret_body, struct err *err);

#endif
