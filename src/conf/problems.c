#include "conf/problems.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/buf.h"

void
problems_done(struct problems *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		free(ps->v[i].sentence);
	free(ps->v);
	*ps = (struct problems){0};
}

void
problems_add(struct problems *ps, int line, int column, const char *fmt, ...)
{
	struct buf b = BUF_INIT(PROBLEM_SENTENCE_MAX);
	va_list ap;

	if (ps->n == PROBLEMS_MAX) {
		ps->more = true;
		return;
	}
	if (ps->v == NULL && (ps->v = calloc(PROBLEMS_MAX, sizeof(*ps->v))) == NULL)
		abort();
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	ps->v[ps->n++] = (struct problem){line, column, buf_take(&b)};
}

/* Insertion keeps equal places in order, and the list is nearly sorted as it comes. */
static void
sort(struct problems *ps)
{
	for (size_t i = 1; i < ps->n; i++) {
		struct problem p = ps->v[i];
		size_t at = i;

		while (at > 0 && (ps->v[at - 1].line > p.line ||
				     (ps->v[at - 1].line == p.line && ps->v[at - 1].column > p.column))) {
			ps->v[at] = ps->v[at - 1];
			at--;
		}
		ps->v[at] = p;
	}
}

static void
append(json_t *list, int line, int column, const char *sentence)
{
	json_t *row = json_pack("{s:i, s:i, s:s}", "line", line, "column", column, "message", sentence);

	if (row == NULL || json_array_append_new(list, row) != 0)
		abort(); /* no memory: buf_vis leaves no broken UTF-8 */
}

json_t *
problems_json(struct problems *ps)
{
	json_t *list = json_array();

	if (list == NULL)
		abort();
	sort(ps);
	for (size_t i = 0; i < ps->n; i++)
		append(list, ps->v[i].line, ps->v[i].column, ps->v[i].sentence);
	if (ps->more)
		append(
		    list, ps->v[ps->n - 1].line, ps->v[ps->n - 1].column, "more problems follow; correct these first");
	return list;
}
