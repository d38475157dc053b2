/* An incremental HTTP/1.1 response reader: bytes in, a response out. Pure: no descriptor, no clock, no event loop. */
#ifndef PGO_ENGINE_HTTP_H
#define PGO_ENGINE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	HTTP_HEAD_MAX = 16 * 1024, /* bytes of status line and headers, of trailers, and of all 1xx answers together */
	HTTP_HEADERS_MAX = 64,	   /* header lines, trailers included */
};

struct http_spec {
	size_t body_limit; /* bytes of a collected body; more is an error (EFBIG) */
	/* Set: the body is not collected but handed over piece by piece (body_limit then does not apply). Returns 0, or
	 * < 0 with err set to give the response up. Only bodies of 2xx answers come this way. */
	int (*piece)(void *ctx, const char *data, size_t len, struct err *err);
	void *ctx;
};

enum http_state {
	HTTP_STATUS_LINE,
	HTTP_HEADERS,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CLOSE,
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_END,
	HTTP_TRAILERS,
	HTTP_DONE,
	HTTP_FAILED,
};

struct http {
	struct http_spec spec;
	enum http_state state;
	int status;	 /* of the final answer; 0 before its status line */
	bool head_done;	 /* status and headers of the final answer are in */
	bool keep_alive; /* after HTTP_DONE: the connection may carry another request */
	bool chunked;
	bool has_length;
	uint64_t left; /* bytes left of the body or the chunk */
	size_t head_bytes;
	size_t headers;
	struct buf line;
	struct buf body; /* collected body; up to HTTP_ERROR_MAX bytes of one that is not 2xx when spec.piece is set */
};

enum { HTTP_ERROR_MAX = 64 * 1024 };

void http_init(struct http *h, const struct http_spec *spec);
void http_done(struct http *h);
/* Reads on. *ret_used is how many bytes belong to this response (all of them unless it ended). Returns 1 when the
 * response is complete, 0 when more is needed, -EPROTO or -EFBIG when the peer does not speak HTTP or says too much;
 * the reader is then of no more use. */
int http_feed(struct http *h, const char *data, size_t len, size_t *ret_used, struct err *err);
/* The peer closed the connection. Returns 1 when that completes the response, else -EPIPE. */
int http_eof(struct http *h, struct err *err);

#endif
