#include "core/lines.h"

enum { BEL = 0x07, ESC = 0x1b };

void
lines_done(struct lines *l)
{
	buf_done(&l->line);
}

static void
tell_line(struct lines *l, const char *end, lines_fn *tell, void *ctx)
{
	buf_str_add(&l->line, end);
	if (l->line.len > 0)
		tell(ctx, buf_str(&l->line), l->line.len);
	buf_reset(&l->line);
	l->returned = false;
}

/* A line that is too long ends in front of the character that does not fit any more: here it begins. */
static void
add_text(struct lines *l, char c, lines_fn *tell, void *ctx)
{
	enum { CHARACTER_MAX = 4 };
	bool begins = ((unsigned char)c & 0xc0) != 0x80;

	if (l->returned)
		buf_reset(&l->line);
	l->returned = false;
	if (l->line.len >= LINES_MAX || (begins && l->line.len + CHARACTER_MAX > LINES_MAX))
		tell_line(l, "\n", tell, ctx);
	buf_add(&l->line, &c, 1);
}

/* A byte inside of an order to the terminal. */
static void
skip(struct lines *l, char c)
{
	switch (l->state) {
	case LINES_ESCAPE:
		l->state = c == '[' ? LINES_SEQUENCE : c == ']' ? LINES_STRING : LINES_TEXT;
		return;
	case LINES_SEQUENCE:
		if (c < 0x20 || c > 0x3f)
			l->state = LINES_TEXT;
		return;
	default:
		if (c == BEL)
			l->state = LINES_TEXT;
		else if (c == ESC)
			l->state = LINES_ESCAPE; /* and a backslash */
	}
}

static void
take(struct lines *l, char c, lines_fn *tell, void *ctx)
{
	/* Whatever was begun ends with the line: nobody can swallow the lines that follow. */
	if (c == '\n') {
		l->state = LINES_TEXT;
		tell_line(l, "\n", tell, ctx);
	} else if (l->state >= LINES_ESCAPE) {
		skip(l, c);
	} else if (c == ESC) {
		l->state = LINES_ESCAPE;
	} else if (c == '\r') {
		l->returned = true;
	} else {
		add_text(l, c, tell, ctx);
	}
}

void
lines_add(struct lines *l, const char *data, size_t len, lines_fn *tell, void *ctx)
{
	for (size_t i = 0; i < len; i++)
		take(l, data[i], tell, ctx);
}

void
lines_end(struct lines *l, lines_fn *tell, void *ctx)
{
	l->state = LINES_TEXT;
	tell_line(l, "", tell, ctx);
}
