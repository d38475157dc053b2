/* How a plan is told: to people, to programs, to the journal. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "compose/model.h"
#include "compose/plan.h"

enum {
	TEXT_MAX = 1024 * 1024,
	WHY_MAX = 4096,
	COLUMN_MAX = 40, /* a longer name pushes its own line only */
	WHY_FIELDS_MAX = 6,
	SHORT_OID = 8,
};

/* Columns that a text takes: escaped text has no controls, and a character of several bytes counts once. */
static int
width(const char *s)
{
	int n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static int
wider(int now, const char *s)
{
	int n = width(s);

	return n > now && n <= COLUMN_MAX ? n : now;
}

static void
pad(struct buf *out, const char *s, int columns)
{
	int n = columns - width(s);

	buf_printf(out, "%s%*s", s, n > 0 ? n : 0, "");
}

static const char *
or_none(const char *value)
{
	return value != NULL ? value : "(none)";
}

/* Fields of a service, from the column where its first one stands. */
static void
add_fields(struct buf *out, const struct changes *fields, int indent, bool first_is_open)
{
	int column = 0;

	for (size_t i = 0; i < fields->n; i++)
		column = wider(column, fields->v[i].path);
	for (size_t i = 0; i < fields->n; i++) {
		const struct change *c = &fields->v[i];

		if (i > 0 || !first_is_open)
			buf_printf(out, "%*s", indent, "");
		pad(out, c->path, column);
		buf_printf(out, "  %s → %s\n", or_none(c->was), or_none(c->is));
	}
	if (fields->more > 0)
		buf_printf(out, "%*sand %zu more\n", indent, "", fields->more);
}

static void
add_service(struct buf *out, const struct plan_service *s, int actions, int names)
{
	buf_str_add(out, "  ");
	pad(out, plan_action_text(s->action), actions);
	buf_str_add(out, "  ");
	if (s->fields.n == 0 && s->reason[0] == '\0') {
		buf_printf(out, "%s\n", s->name);
		return;
	}
	pad(out, s->name, names);
	buf_str_add(out, "  ");
	if (s->reason[0] != '\0')
		buf_printf(out, "%s\n", s->reason);
	if (s->fields.n > 0)
		add_fields(out, &s->fields, actions + names + 6, s->reason[0] == '\0');
}

static void
add_counts(struct buf *out, const struct plan *p)
{
	const char *comma = "";

	for (int a = PLAN_ACTIONS - 1; a >= 0; a--) {
		size_t n = 0;

		for (size_t i = 0; i < p->n; i++)
			n += p->v[i].action == (enum plan_action)a;
		if (n > 0) {
			buf_printf(out, "%s%zu to %s", comma, n, plan_action_text((enum plan_action)a));
			comma = ", ";
		}
	}
	buf_str_add(out, "\n");
}

static void
add_head(struct buf *out, const struct plan *p)
{
	buf_printf(out, "%s: commit %.*s", p->project, SHORT_OID, p->commit);
	if (p->release == 0)
		buf_str_add(out, ", the first release");
	else if (str_eq(p->commit, p->was_commit))
		buf_printf(out, ", as release %lld", p->release);
	else
		buf_printf(out, " in place of release %lld (commit %.*s)", p->release, SHORT_OID, p->was_commit);
	buf_printf(out, ", update %s\n\n", plan_update_text(p->update));
}

char *
plan_text(const struct plan *p)
{
	auto_buf struct buf out = BUF_INIT(TEXT_MAX);
	int actions = 0, names = 0;

	for (size_t i = 0; i < p->n; i++) {
		actions = wider(actions, plan_action_text(p->v[i].action));
		names = wider(names, p->v[i].name);
	}
	add_head(&out, p);
	for (size_t i = 0; i < p->n; i++)
		add_service(&out, &p->v[i], actions, names);
	if (p->whole.n > 0) {
		buf_str_add(&out, "\n");
		add_fields(&out, &p->whole, 2, false);
	}
	buf_str_add(&out, "\n");
	add_counts(&out, p);
	if (plan_changes(p))
		buf_printf(&out, "up --plan %s applies exactly this\n", p->digest);
	else
		buf_str_add(&out, "nothing to do\n");
	return buf_take(&out);
}

/* --- JSON --- */

static json_t *
string_or_null(const char *s)
{
	return s != NULL ? json_string(s) : json_null();
}

static json_t *
fields_json(const struct changes *fields)
{
	json_t *list = json_array();

	for (size_t i = 0; i < fields->n; i++) {
		const struct change *c = &fields->v[i];
		json_t *one = json_pack("{ss so so sb}", "path", c->path, "old", string_or_null(c->was), "new",
		    string_or_null(c->is), "hidden", (int)c->hidden);

		if (one == NULL || json_array_append_new(list, one) < 0)
			abort();
	}
	return list;
}

static json_t *
service_json(const struct plan_service *s)
{
	return json_pack("{ss ss sb sb ss so sI}", "name", s->name, "action", plan_action_text(s->action), "pull",
	    (int)s->pull, "build", (int)s->build, "reason", s->reason, "fields", fields_json(&s->fields), "more",
	    (json_int_t)s->fields.more);
}

char *
plan_json(const struct plan *p)
{
	auto_json json_t *services = json_array();
	auto_json json_t *all = NULL;
	auto_free char *text = NULL;

	for (size_t i = 0; i < p->n; i++) {
		if (json_array_append_new(services, service_json(&p->v[i])) < 0)
			abort();
	}
	all = json_pack("{ss ss sI ss ss ss sb sO so sI}", "service", p->project, "commit", p->commit, "release",
	    (json_int_t)p->release, "release_commit", p->was_commit, "update", plan_update_text(p->update), "digest",
	    p->digest, "changes", (int)plan_changes(p), "services", services, "fields", fields_json(&p->whole), "more",
	    (json_int_t)p->whole.more);
	text = all != NULL ? json_dumps(all, JSON_INDENT(2)) : NULL;
	if (text == NULL)
		abort();
	return str_printf("%s\n", text);
}

/* --- why --- */

static void
add_why(struct buf *out, const char *name, const struct changes *fields)
{
	size_t shown = fields->n < WHY_FIELDS_MAX ? fields->n : WHY_FIELDS_MAX;

	buf_printf(out, "%s: ", name);
	for (size_t i = 0; i < shown; i++) {
		const struct change *c = &fields->v[i];

		buf_printf(out, "%s%s", i > 0 ? ", " : "", c->path);
		if (str_eq(c->path, "image"))
			buf_printf(out, " %s → %s", or_none(c->was), or_none(c->is));
	}
	if (fields->n + fields->more > shown)
		buf_printf(out, ", %zu more", fields->n + fields->more - shown);
	buf_str_add(out, "\n");
}

char *
plan_why(const struct plan *p)
{
	auto_buf struct buf out = BUF_INIT(WHY_MAX);

	for (size_t i = 0; i < p->n; i++) {
		const struct plan_service *s = &p->v[i];

		if (s->action == PLAN_KEEP)
			continue;
		if (s->fields.n > 0)
			add_why(&out, s->name, &s->fields);
		else
			buf_printf(
			    &out, "%s: %s\n", s->name, s->reason[0] != '\0' ? s->reason : plan_action_text(s->action));
	}
	if (p->whole.n > 0)
		add_why(&out, "the whole", &p->whole);
	return buf_take(&out);
}
