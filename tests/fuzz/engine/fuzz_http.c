/* The engine's answers. The first byte chooses a stream or a collected body, and how the rest is cut into pieces: a
 * response must read the same in one piece and in many. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/http.h"

enum { BODY_LIMIT = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
collect(void *ctx, const char *data, size_t len, struct err *err)
{
	(void)err;
	buf_add(ctx, data, len);
	return 0;
}

/* Reads it in pieces of `step` bytes. */
static int
read_all(struct http *h, struct buf *body, const char *data, size_t size, size_t step, bool stream, size_t *ret_used)
{
	size_t at = 0;
	int r = 0;

	http_init(h, &(struct http_spec){BODY_LIMIT, stream ? collect : NULL, body});
	while (at < size && r == 0) {
		size_t n = size - at < step ? size - at : step;
		size_t used = 0;

		r = http_feed(h, data + at, n, &used, NULL);
		if (r >= 0 && used > n)
			abort();
		at += used;
	}
	*ret_used = at;
	if (h->body.len > (h->status >= 200 && h->status < 300 ? BODY_LIMIT : HTTP_ERROR_MAX))
		abort();
	if (r == 0)
		r = http_eof(h, NULL);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http whole;
	struct http cut;
	struct buf bodies[2] = {BUF_INIT(1 << 20), BUF_INIT(1 << 20)};
	size_t used[2] = {0, 0};
	bool stream;
	int r;

	if (size < 1)
		return 0;
	stream = (data[0] & 1) != 0;
	r = read_all(&whole, &bodies[0], (const char *)data + 1, size - 1, size, stream, &used[0]);
	if (read_all(&cut, &bodies[1], (const char *)data + 1, size - 1, 1 + (data[0] >> 1), stream, &used[1]) != r)
		abort();
	if (r > 0 && (whole.status != cut.status || used[0] != used[1] ||
			 strcmp(buf_str(&whole.body), buf_str(&cut.body)) != 0 ||
			 strcmp(buf_str(&bodies[0]), buf_str(&bodies[1])) != 0))
		abort();
	http_done(&whole);
	http_done(&cut);
	buf_done(&bodies[0]);
	buf_done(&bodies[1]);
	return 0;
}
