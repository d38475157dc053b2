#include "engine/split.h"

#include <errno.h>
#include <string.h>

void
split_init(struct split *sp, bool array, size_t limit_bytes,
    int (*item)(void *ctx, const char *json, size_t len, struct err *err), void *ctx)
{
	*sp = (struct split){.array = array,
	    .item = item,
	    .ctx = ctx,
	    .state = array ? SPLIT_START : SPLIT_BETWEEN,
	    .text = BUF_INIT(limit_bytes)};
}

void
split_done(struct split *sp)
{
	buf_done(&sp->text);
}

/* One byte outside of an object. */
static int
between(struct split *sp, char c, struct err *err)
{
	if (strchr(" \t\r\n", c) != NULL && c != '\0')
		return 0;
	if (sp->state == SPLIT_START && c == '[') {
		sp->state = SPLIT_BETWEEN;
		return 0;
	}
	if (sp->state == SPLIT_BETWEEN && c == '{') {
		sp->state = SPLIT_ITEM;
		sp->depth = 0;
		return 0;
	}
	if (sp->state == SPLIT_BETWEEN && sp->array && (c == ',' || c == ']')) {
		sp->state = c == ']' ? SPLIT_END : SPLIT_BETWEEN;
		return 0;
	}
	return err_set(err, EPROTO, "the engine's answer is not the JSON it should be");
}

/* One byte of an object; true when it is its last. */
static bool
inside(struct split *sp, char c)
{
	if (sp->in_string) {
		if (sp->escaped)
			sp->escaped = false;
		else if (c == '\\')
			sp->escaped = true;
		else if (c == '"')
			sp->in_string = false;
		return false;
	}
	if (c == '"')
		sp->in_string = true;
	else if (c == '{' || c == '[')
		sp->depth++;
	else if (c == '}' || c == ']')
		sp->depth--;
	return sp->depth == 0;
}

static int
emit(struct split *sp, struct err *err)
{
	int r = 0;

	if (sp->text.full)
		sp->too_large++;
	else
		r = sp->item(sp->ctx, buf_str(&sp->text), sp->text.len, err);
	buf_reset(&sp->text);
	sp->text.full = false;
	sp->state = SPLIT_BETWEEN;
	return r;
}

int
split_feed(struct split *sp, const char *data, size_t len, struct err *err)
{
	size_t start = 0;
	int r;

	for (size_t i = 0; i < len; i++) {
		if (sp->state != SPLIT_ITEM) {
			if ((r = between(sp, data[i], err)) < 0)
				return r;
			start = i;
			if (sp->state != SPLIT_ITEM)
				continue;
		}
		if (!inside(sp, data[i]))
			continue;
		buf_add(&sp->text, data + start, i + 1 - start);
		if ((r = emit(sp, err)) < 0)
			return r;
	}
	if (sp->state == SPLIT_ITEM)
		buf_add(&sp->text, data + start, len - start);
	return 0;
}

bool
split_whole(const struct split *sp)
{
	return sp->array ? sp->state == SPLIT_END : sp->state == SPLIT_BETWEEN;
}
