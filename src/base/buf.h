/* One growing buffer with a hard limit: always NUL-terminated, never larger than its limit. */
#ifndef PGO_BASE_BUF_H
#define PGO_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* NUL-terminated once anything was added; NULL before (buf_str never is) */
	size_t len; /* bytes, without the NUL */
	size_t cap;
	size_t limit; /* bytes; adding beyond it sets `full` and drops what does not fit */
	bool full;
};

#define BUF_INIT(limit_bytes)          \
	{                              \
		.limit = (limit_bytes) \
	}
#define auto_buf __attribute__((cleanup(buf_done)))

/* Frees the memory and empties the buffer; the limit stays. */
void buf_done(struct buf *b);
/* Likewise, of a secret: the memory is overwritten first. */
void buf_wipe(struct buf *b);
/* Empties the buffer and keeps its memory. */
void buf_reset(struct buf *b);
/* Adds bytes; what exceeds the limit is dropped and b->full set. Aborts without memory. */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_str_add(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Removes n bytes from the front. */
void buf_drop(struct buf *b, size_t n);
/* The content as a string ("" when empty); valid until the next change. */
const char *buf_str(const struct buf *b);
/* Hands the string over to the caller (never NULL), who frees it; the buffer is empty afterwards. */
char *buf_take(struct buf *b);

/* Adds foreign text so that no log, terminal or line is harmed: bytes that are not printable UTF-8 become \xNN, control
 * characters likewise; \n is kept only with keep_newlines (tab always), else becomes "\n" spelled out. */
void buf_vis(struct buf *b, const char *s, size_t len, bool keep_newlines);

#endif
