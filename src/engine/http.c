#include "engine/http.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/str.h"

enum { CHUNK_LINE_MAX = 256, LENGTH_DIGITS_MAX = 15 };

void
http_init(struct http *h, const struct http_spec *spec)
{
	*h = (struct http){.spec = *spec,
	    .state = HTTP_STATUS_LINE,
	    .line = BUF_INIT(HTTP_HEAD_MAX),
	    .body = BUF_INIT(spec->body_limit)};
}

void
http_done(struct http *h)
{
	buf_done(&h->line);
	buf_done(&h->body);
}

static bool
ok_status(const struct http *h)
{
	return h->status >= 200 && h->status < 300;
}

/* Digits of a base, nothing else: no sign, no blank, no overflow. */
static bool
to_number(const char *s, size_t len, unsigned base, uint64_t *ret_n)
{
	uint64_t n = 0;

	if (len == 0 || len > LENGTH_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (base == 16 && isxdigit(c))
			digit = (unsigned)(tolower(c) - 'a') + 10;
		else
			return false;
		n = n * base + digit;
	}
	*ret_n = n;
	return true;
}

static int
status_line(struct http *h, const char *s, struct err *err)
{
	uint64_t status;

	if (!str_starts(s, "HTTP/1.") || (s[7] != '0' && s[7] != '1') || s[8] != ' ')
		return err_set(err, EPROTO, "the answer is not HTTP/1.1");
	if (strlen(s) < 12 || !to_number(s + 9, 3, 10, &status) || (s[12] != ' ' && s[12] != '\0') || status < 100 ||
	    status == 101)
		return err_set(err, EPROTO, "the answer has an impossible status");
	h->status = (int)status;
	h->keep_alive = s[7] == '1';
	h->chunked = false;
	h->has_length = false;
	h->left = 0;
	h->state = HTTP_HEADERS;
	return 0;
}

static int
content_length(struct http *h, const char *value, struct err *err)
{
	/* Two lengths, even equal ones, are how responses get smuggled: there is never a need for them. */
	if (h->has_length || !to_number(value, strlen(value), 10, &h->left))
		return err_set(err, EPROTO, "the answer has an impossible Content-Length");
	h->has_length = true;
	return 0;
}

static int
transfer_encoding(struct http *h, const char *value, struct err *err)
{
	if (h->chunked || strcasecmp(value, "chunked") != 0)
		return err_set(err, EPROTO, "the answer has an unknown Transfer-Encoding");
	h->chunked = true;
	return 0;
}

static int
connection(struct http *h, const char *value, struct err *err)
{
	(void)err;
	/* Any token that is not exactly keep-alive costs us only a connection. */
	if (strcasecmp(value, "keep-alive") != 0)
		h->keep_alive = false;
	return 0;
}

static const struct {
	const char *name;
	int (*take)(struct http *h, const char *value, struct err *err);
} header_table[] = {
    {"content-length", content_length},
    {"transfer-encoding", transfer_encoding},
    {"connection", connection},
};

/* Splits "Name: value" in place; the value loses the blanks around it. NULL when it is no header. */
static char *
header_value(char *line)
{
	size_t name = strspn(line, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	char *value;
	size_t len;

	if (name == 0 || line[name] != ':')
		return NULL;
	line[name] = '\0';
	value = line + name + 1;
	value += strspn(value, " \t");
	len = strlen(value);
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		value[--len] = '\0';
	return value;
}

static int
header_line(struct http *h, char *line, struct err *err)
{
	char *value = header_value(line);

	if (value == NULL)
		return err_set(err, EPROTO, "the answer has a malformed header");
	if (++h->headers > HTTP_HEADERS_MAX)
		return err_set(err, EPROTO, "the answer has more than %d headers", HTTP_HEADERS_MAX);
	/* A trailer cannot change how the body was framed. */
	for (size_t i = 0; i < ARRAY_LEN(header_table) && h->state == HTTP_HEADERS; i++) {
		if (strcasecmp(line, header_table[i].name) == 0)
			return header_table[i].take(h, value, err);
	}
	return 0;
}

/* The empty line behind the headers: what follows is decided by them alone. */
static int
head_end(struct http *h, struct err *err)
{
	if (h->status < 200) {
		h->state = HTTP_STATUS_LINE;
		return 0;
	}
	if (h->chunked && h->has_length)
		return err_set(err, EPROTO, "the answer has both a Content-Length and a Transfer-Encoding");
	h->head_done = true;
	h->body.limit = ok_status(h) ? h->spec.body_limit : HTTP_ERROR_MAX;
	if (h->status == 204 || h->status == 304) {
		h->state = HTTP_DONE;
	} else if (h->chunked) {
		h->state = HTTP_CHUNK_SIZE;
	} else if (h->has_length) {
		if (h->left > h->body.limit && !(h->spec.piece != NULL && ok_status(h)))
			return err_set(err, EFBIG, "the answer is larger than %zu bytes", h->body.limit);
		h->state = h->left > 0 ? HTTP_BODY_LENGTH : HTTP_DONE;
	} else {
		h->keep_alive = false;
		h->state = HTTP_BODY_CLOSE;
	}
	return 0;
}

static int
chunk_size(struct http *h, const char *s, struct err *err)
{
	if (!to_number(s, strcspn(s, "; \t"), 16, &h->left))
		return err_set(err, EPROTO, "the answer has an impossible chunk size");
	h->state = h->left > 0 ? HTTP_CHUNK_DATA : HTTP_TRAILERS;
	return 0;
}

static int
whole_line(struct http *h, char *s, struct err *err)
{
	switch (h->state) {
	case HTTP_STATUS_LINE:
		return status_line(h, s, err);
	case HTTP_HEADERS:
		return *s == '\0' ? head_end(h, err) : header_line(h, s, err);
	case HTTP_CHUNK_SIZE:
		return chunk_size(h, s, err);
	case HTTP_CHUNK_END:
		if (*s != '\0')
			return err_set(err, EPROTO, "the answer has a chunk that does not end where it says");
		h->state = HTTP_CHUNK_SIZE;
		return 0;
	default: /* HTTP_TRAILERS */
		if (*s != '\0')
			return header_line(h, s, err);
		h->state = HTTP_DONE;
		return 0;
	}
}

/* The limit of the line that is being read, and of all such lines together. */
static bool
line_too_long(struct http *h, size_t more)
{
	switch (h->state) {
	case HTTP_CHUNK_SIZE:
		return h->line.len + more > CHUNK_LINE_MAX;
	case HTTP_CHUNK_END:
		return h->line.len + more > 2;
	default:
		h->head_bytes += more;
		return h->head_bytes >= HTTP_HEAD_MAX;
	}
}

/* Takes bytes up to the end of a line. Returns how many, or < 0. */
static ssize_t
feed_line(struct http *h, const char *data, size_t len, struct err *err)
{
	const char *nl = memchr(data, '\n', len);
	size_t n = nl != NULL ? (size_t)(nl - data) + 1 : len;
	int r;

	if (line_too_long(h, n))
		return err_set(err, EFBIG, "the answer has too long a head");
	buf_add(&h->line, data, n);
	if (nl == NULL)
		return (ssize_t)n;
	h->line.data[--h->line.len] = '\0';
	if (h->line.len > 0 && h->line.data[h->line.len - 1] == '\r')
		h->line.data[--h->line.len] = '\0';
	if (strlen(h->line.data) != h->line.len || strchr(h->line.data, '\r') != NULL)
		return err_set(err, EPROTO, "the answer has a control character in its head");
	r = whole_line(h, h->line.data, err);
	buf_reset(&h->line);
	return r < 0 ? r : (ssize_t)n;
}

static int
body_bytes(struct http *h, const char *data, size_t len, struct err *err)
{
	if (h->spec.piece != NULL && ok_status(h))
		return h->spec.piece(h->spec.ctx, data, len, err);
	if (h->body.limit - h->body.len < len)
		return err_set(err, EFBIG, "the answer is larger than %zu bytes", h->body.limit);
	buf_add(&h->body, data, len);
	return 0;
}

/* Takes bytes of the body. Returns how many, or < 0. */
static ssize_t
feed_body(struct http *h, const char *data, size_t len, struct err *err)
{
	size_t n = len;
	int r;

	if (h->state != HTTP_BODY_CLOSE && h->left < n)
		n = (size_t)h->left;
	if ((r = body_bytes(h, data, n, err)) < 0)
		return r;
	if (h->state == HTTP_BODY_CLOSE)
		return (ssize_t)n;
	h->left -= n;
	if (h->left == 0)
		h->state = h->state == HTTP_CHUNK_DATA ? HTTP_CHUNK_END : HTTP_DONE;
	return (ssize_t)n;
}

static bool
in_body(const struct http *h)
{
	return h->state == HTTP_BODY_LENGTH || h->state == HTTP_BODY_CLOSE || h->state == HTTP_CHUNK_DATA;
}

int
http_feed(struct http *h, const char *data, size_t len, size_t *ret_used, struct err *err)
{
	size_t used = 0;

	if (h->state == HTTP_FAILED)
		return err_set(err, EPROTO, "the answer was malformed");
	while (used < len && h->state != HTTP_DONE) {
		ssize_t n = in_body(h) ? feed_body(h, data + used, len - used, err)
				       : feed_line(h, data + used, len - used, err);

		if (n < 0) {
			h->state = HTTP_FAILED;
			return (int)n;
		}
		used += (size_t)n;
	}
	*ret_used = used;
	return h->state == HTTP_DONE;
}

int
http_eof(struct http *h, struct err *err)
{
	h->keep_alive = false;
	if (h->state == HTTP_BODY_CLOSE)
		h->state = HTTP_DONE;
	if (h->state == HTTP_DONE)
		return 1;
	h->state = HTTP_FAILED;
	return err_set(err, EPIPE, "the engine closed the connection in the middle of an answer");
}
