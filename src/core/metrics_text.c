/* The page: const tables of metrics, made into text. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "core/metrics_page.h"

static const struct {
	const struct metric *rows;
	const size_t *n;
} tables[] = {
    {metrics_whole, &metrics_nwhole},
    {metrics_each, &metrics_neach},
};

void
metrics_list(struct buf *b)
{
	static const char *const types[] = {"gauge", "counter", "histogram"};

	for (size_t k = 0; k < ARRAY_LEN(tables); k++) {
		for (size_t i = 0; i < *tables[k].n; i++)
			buf_printf(b, "%s %s\n", tables[k].rows[i].name, types[tables[k].rows[i].type]);
	}
}

static void
put_value(struct buf *b, const struct metric *m, int64_t value, bool labelled)
{
	if (m->unit == MILLI)
		exposition_milli(b, value, labelled);
	else
		exposition_value(b, value, labelled);
}

static void
put_metric(const struct page *p, const struct metric *m)
{
	int64_t value = 0;

	exposition_head(p->b, m->name, m->type, m->help);
	if (m->samples != NULL)
		m->samples(p, m->name);
	if (m->value != NULL && m->value(p->core, &value)) {
		exposition_name(p->b, m->name, "");
		put_value(p->b, m, value, false);
	}
	for (size_t i = 0; m->each != NULL && i < p->n; i++) {
		if (!m->each(&p->subjects[i], &value))
			continue;
		exposition_name(p->b, m->name, "");
		exposition_label(p->b, "service", p->subjects[i].svc->name, true);
		put_value(p->b, m, value, true);
	}
}

/* The list of services takes turns; the page has the configuration's order. */
static void
find_subjects(struct page *p)
{
	const struct core *core = p->core;
	const struct service *svc;

	if (!core->loaded)
		return;
	p->n = conf_count(core->conf);
	p->subjects = calloc(p->n + 1, sizeof(*p->subjects));
	if (p->subjects == NULL)
		abort();
	TAILQ_FOREACH(svc, &core->services, entry)
	{
		struct subject *s = &p->subjects[svc->conf->place];

		s->svc = svc;
		status_summarise(svc, &s->status);
	}
}

/* A line that is cut in two would make the whole page unreadable. */
static void
end_at_line(struct buf *b)
{
	const char *last = b->len > 0 ? memrchr(b->data, '\n', b->len) : NULL;

	log_err("the page of metrics is full: what is beyond %zu bytes is left out", b->limit);
	b->len = last != NULL ? (size_t)(last + 1 - b->data) : 0;
	if (b->data != NULL)
		b->data[b->len] = '\0';
}

void
metrics_text(const struct core *core, struct buf *b)
{
	struct page p = {.b = b, .core = core};

	find_subjects(&p);
	for (size_t k = 0; k < ARRAY_LEN(tables); k++) {
		for (size_t i = 0; i < *tables[k].n; i++)
			put_metric(&p, &tables[k].rows[i]);
	}
	free(p.subjects);
	if (b->full)
		end_at_line(b);
}
