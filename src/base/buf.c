#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

enum { BUF_FIRST = 64 };

void
buf_done(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = 0;
	b->cap = 0;
	b->full = false;
}

void
buf_wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_done(b);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->full = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

/* Makes room for len bytes and the NUL. */
static void
reserve(struct buf *b, size_t len)
{
	size_t cap = b->cap == 0 ? BUF_FIRST : b->cap;
	char *data;

	if (len < b->cap)
		return;
	while (cap <= len)
		cap = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;
	data = realloc(b->data, cap);
	if (data == NULL)
		abort();
	b->data = data;
	b->cap = cap;
}

void
buf_add(struct buf *b, const void *data, size_t len)
{
	size_t room = b->limit > b->len ? b->limit - b->len : 0;

	if (len > room) {
		len = room;
		b->full = true;
	}
	reserve(b, b->len + len);
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_str_add(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	char few[256];
	auto_free char *many = NULL;
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(few, sizeof(few), fmt, ap);
	if (len >= (int)sizeof(few))
		len = vasprintf(&many, fmt, again);
	va_end(again);
	if (len < 0)
		abort();
	buf_add(b, many == NULL ? few : many, (size_t)len);
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->len - n + 1);
	b->len -= n;
}

const char *
buf_str(const struct buf *b)
{
	return b->data == NULL ? "" : b->data;
}

char *
buf_take(struct buf *b)
{
	char *s;

	reserve(b, b->len);
	b->data[b->len] = '\0';
	s = TAKE(b->data);
	buf_done(b);
	return s;
}

/* Adds all of a unit or nothing, so that a full buffer never ends within an escape or a character. */
static void
add_unit(struct buf *b, const char *unit, size_t len)
{
	if (b->full || b->limit < b->len || b->limit - b->len < len)
		b->full = true;
	else
		buf_add(b, unit, len);
}

/* The length of the UTF-8 sequence at s and its code point, 0 when it is malformed, overlong or a surrogate. */
static size_t
utf8_next(const unsigned char *s, size_t len, uint32_t *ret_cp)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 && s[0] < 0xf8 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 0;
	uint32_t cp = n == 1 ? s[0] : s[0] & (0xffU >> (n + 1));

	if (n == 0 || n > len || s[0] >= 0xf8)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s[i] & 0x3fU);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret_cp = cp;
	return n;
}

/* Controls, and the invisible characters that turn a line around, break it or hide in it. */
static bool
is_harmful(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
	    {0x00, 0x08}, {0x0a, 0x1f}, {0x7f, 0x9f}, /* C0 without tab, DEL, C1 (terminals obey both) */
	    {0xad, 0xad}, {0x61c, 0x61c},	      /* soft hyphen, Arabic letter mark */
	    {0x200b, 0x200f}, {0x2028, 0x202e},	      /* zero width, marks, separators, embeddings, overrides */
	    {0x2060, 0x206f}, {0xfeff, 0xfeff},	      /* joiners, isolates, byte order mark */
	    {0xfff0, 0xfffb}, {0xfffe, 0xffff},	      /* annotation, noncharacters */
	    {0xe0000, 0xe0fff},			      /* tags */
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return true;
	}
	return false;
}

void
buf_vis(struct buf *b, const char *s, size_t len, bool keep_newlines)
{
	const unsigned char *p = (const unsigned char *)s;

	for (size_t i = 0; i < len && !b->full;) {
		uint32_t cp = 0;
		size_t n = utf8_next(p + i, len - i, &cp);
		char hex[5];

		if (p[i] == '\n' && !keep_newlines) {
			add_unit(b, "\\n", 2);
			i++;
		} else if (p[i] == '\n' || (n > 0 && !is_harmful(cp))) {
			add_unit(b, s + i, n);
			i += n;
		} else {
			snprintf(hex, sizeof(hex), "\\x%02x", p[i]);
			add_unit(b, hex, 4);
			i++;
		}
	}
}
