/* The list of what a model may not do, and how it is told. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "compose/policy.h"
#include "compose/policy_table.h"
#include "compose/refs.h"

enum { TEXT_MAX = 1024 * 1024 };

static void
violation_done(struct violation *v)
{
	free(v->path);
	free(v->rule);
	free(v->advice);
}

void
violations_done(struct violations *vs)
{
	for (size_t i = 0; i < vs->n; i++)
		violation_done(&vs->v[i]);
	free(vs->v);
	*vs = (struct violations){0};
}

void
violations_add(struct violations *vs, char *take_path, char *take_rule, char *take_advice)
{
	struct violation v = {take_path, take_rule, take_advice};
	struct violation *grown;

	if (vs->n == VIOLATIONS_MAX) {
		vs->more = true;
		violation_done(&v);
		return;
	}
	grown = realloc(vs->v, (vs->n + 1) * sizeof(*grown));
	if (grown == NULL)
		abort();
	vs->v = grown;
	vs->v[vs->n++] = v;
}

static int
compare(const void *a, const void *b)
{
	const struct violation *x = a, *y = b;
	int r = strcmp(x->path, y->path);

	return r != 0 ? r : strcmp(x->rule, y->rule);
}

void
violations_sort(struct violations *vs)
{
	if (vs->n > 0)
		qsort(vs->v, vs->n, sizeof(*vs->v), compare);
}

char *
violations_text(const struct violations *vs)
{
	auto_buf struct buf text = BUF_INIT(TEXT_MAX);

	for (size_t i = 0; i < vs->n; i++) {
		const struct violation *v = &vs->v[i];

		buf_vis(&text, v->path, strlen(v->path), false);
		buf_str_add(&text, ": ");
		buf_vis(&text, v->rule, strlen(v->rule), false);
		buf_str_add(&text, "; ");
		buf_vis(&text, v->advice, strlen(v->advice), false);
		buf_str_add(&text, "\n");
	}
	if (vs->more)
		buf_printf(&text, "there are more than %d violations; the rest is not shown\n", VIOLATIONS_MAX);
	return buf_take(&text);
}

char *
violations_summary(const struct violations *vs)
{
	const struct violations first = {.v = vs->v, .n = vs->n > 0};
	auto_free char *text = violations_text(&first);

	if (vs->n > 1)
		return str_printf(
		    "%sand %s%zu more, which `load` lists", text, vs->more ? "more than " : "", vs->n - 1);
	return TAKE(text);
}

static json_t *
vis_string(const char *s)
{
	auto_buf struct buf text = BUF_INIT(TEXT_MAX);
	json_t *string;

	buf_vis(&text, s, strlen(s), false);
	string = json_string(buf_str(&text));
	if (string == NULL)
		abort();
	return string;
}

json_t *
violations_json(const struct violations *vs)
{
	json_t *list = json_array();
	json_t *all = json_pack("{so sb}", "violations", list, "more", vs->more);

	if (all == NULL)
		abort();
	for (size_t i = 0; i < vs->n; i++) {
		const struct violation *v = &vs->v[i];

		json_array_append_new(list, json_pack("{so so so}", "path", vis_string(v->path), "rule",
						vis_string(v->rule), "advice", vis_string(v->advice)));
	}
	return all;
}

struct link_search {
	const char *input;
	const char *link;
	struct violations *out;
	bool found;
};

static void
add_link(struct link_search *s, const char *where)
{
	char *rule = str_eq(s->input, s->link)
			 ? str_printf("%.500s is a symbolic link", s->link)
			 : str_printf("%.250s lies behind %.250s, which is a symbolic link", s->input, s->link);

	violations_add(
	    s->out, str_dup(where), rule, str_dup("use the path that the link leads to, or a real file or directory"));
	s->found = true;
}

static void
match_link(const struct ref *ref, void *arg)
{
	struct link_search *s = arg;

	if (str_eq(ref->path, s->input))
		add_link(s, ref->where);
}

void
policy_symlink(const json_t *model, const char *input, const char *link, struct violations *ret)
{
	struct link_search s = {.input = input, .link = link, .out = ret};

	/* Thousands of answers times thousands of paths would keep the caller busy for minutes. */
	if (ret->more)
		return;
	refs_each(model, match_link, &s);
	/* An answer about a path that nobody asked for must not be lost: it stands for something that was not
	 * understood. */
	if (!s.found)
		add_link(&s, "services");
	violations_sort(ret);
}
