#include "engine/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/str.h"

struct view {
	struct container **v; /* sorted by id */
	size_t n;
	size_t cap;
	uint64_t round;
	struct strv touched; /* projects to report */
	void (*changed)(void *ctx, const char *project);
	void *ctx;
};

/* Nothing that anyone acts on differs. The image's name does not count: list and inspect differ about it once a tag has
 * moved. */
static bool
same(const struct container *a, const struct container *b)
{
	return a->state == b->state && a->health == b->health && a->exit_code == b->exit_code &&
	       a->restarts == b->restarts && a->oom == b->oom && a->number == b->number && a->oneoff == b->oneoff &&
	       str_eq(a->name, b->name) && str_eq(a->project, b->project) && str_eq(a->service, b->service) &&
	       str_eq(a->image_id, b->image_id) && str_eq(a->config_hash, b->config_hash) &&
	       str_eq(a->addresses, b->addresses);
}

/* Where the id is, or would have to go. */
static size_t
position(const struct view *v, const char *id, bool *ret_found)
{
	size_t low = 0;
	size_t high = v->n;

	*ret_found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int d = strcmp(v->v[middle]->id, id);

		if (d == 0) {
			*ret_found = true;
			return middle;
		}
		if (d < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
touch(struct view *v, const char *project)
{
	if (!strv_has(&v->touched, project))
		(void)strv_add(&v->touched, project);
}

static void
report(struct view *v)
{
	auto_strv struct strv touched = v->touched;

	v->touched = (struct strv){NULL, 0};
	for (size_t i = 0; i < touched.n; i++)
		v->changed(v->ctx, touched.v[i]);
}

static void
insert(struct view *v, size_t at, struct container *take_c)
{
	if (v->n == v->cap) {
		size_t cap = v->cap == 0 ? 16 : v->cap * 2;
		struct container **grown = reallocarray(v->v, cap, sizeof(*grown));

		if (grown == NULL)
			abort();
		v->v = grown;
		v->cap = cap;
	}
	memmove(v->v + at + 1, v->v + at, (v->n - at) * sizeof(*v->v));
	v->v[at] = take_c;
	v->n++;
}

/* c borrows its texts. */
static void
put(struct view *v, const struct container *c)
{
	auto_free struct container *copy = container_copy(c);
	bool found;
	size_t at = position(v, c->id, &found);

	copy->seen = v->round;
	if (found) {
		if (copy->restarts < v->v[at]->restarts)
			copy->restarts = v->v[at]->restarts; /* a list does not tell */
		if (same(v->v[at], copy)) {
			v->v[at]->seen = v->round;
			return;
		}
		touch(v, v->v[at]->project);
		copy->deaths = v->v[at]->deaths;
		copy->told_to_end = v->v[at]->told_to_end;
		copy->ended_alone = v->v[at]->ended_alone;
		free(v->v[at]);
		v->v[at] = copy;
	} else if (v->n < VIEW_MAX) {
		insert(v, at, copy);
	} else {
		log_warn("more than %d containers of compose projects: %.12s is left out", VIEW_MAX, c->id);
		return;
	}
	touch(v, copy->project);
	copy = NULL;
}

struct view *
view_new(void (*changed)(void *ctx, const char *project), void *ctx)
{
	struct view *v = calloc(1, sizeof(*v));

	if (v == NULL)
		abort();
	v->changed = changed;
	v->ctx = ctx;
	return v;
}

void
view_free(struct view *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->n; i++)
		free(v->v[i]);
	free(v->v);
	strv_done(&v->touched);
	free(v);
}

void
view_list_begin(struct view *v)
{
	v->round++;
}

void
view_list_item(struct view *v, const json_t *item)
{
	struct container c = {.id = ""};
	const struct container *known;

	if (!container_from_list(&c, item))
		return;
	known = view_find(v, c.id);
	c.oom = known != NULL && known->oom;
	put(v, &c);
}

void
view_list_end(struct view *v)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i]->seen == v->round) {
			v->v[kept++] = v->v[i];
			continue;
		}
		touch(v, v->v[i]->project);
		free(v->v[i]);
	}
	v->n = kept;
	report(v);
}

void
view_inspect(struct view *v, const json_t *inspect)
{
	struct container c = {.id = ""};

	if (container_from_inspect(&c, inspect))
		put(v, &c);
	report(v);
}

void
view_told(struct view *v, const char *id, const char *action)
{
	bool found;
	size_t at = position(v, id, &found);
	struct container *c = found ? v->v[at] : NULL;

	if (!found)
		return;
	if (str_eq(action, "start")) {
		c->told_to_end = false;
		c->ended_alone = false;
	} else if (str_eq(action, "kill")) {
		c->told_to_end = true;
	} else if (str_eq(action, "die")) {
		c->deaths++;
		c->ended_alone = !c->told_to_end;
		touch(v, c->project);
		report(v);
	}
}

void
view_remove(struct view *v, const char *id)
{
	bool found;
	size_t at = position(v, id, &found);

	if (!found)
		return;
	touch(v, v->v[at]->project);
	free(v->v[at]);
	memmove(v->v + at, v->v + at + 1, (v->n - at - 1) * sizeof(*v->v));
	v->n--;
	report(v);
}

const struct container *
view_find(const struct view *v, const char *id)
{
	bool found;
	size_t at = position(v, id, &found);

	return found ? v->v[at] : NULL;
}

size_t
view_count(const struct view *v)
{
	return v->n;
}

static int
by_service(const void *a, const void *b)
{
	const struct container *x = *(struct container *const *)a;
	const struct container *y = *(struct container *const *)b;
	int d = strcmp(x->project, y->project);

	if (d == 0)
		d = strcmp(x->service, y->service);
	if (d == 0)
		d = (x->number > y->number) - (x->number < y->number);
	if (d == 0)
		d = strcmp(x->name, y->name);
	return d != 0 ? d : strcmp(x->id, y->id);
}

void
view_each(const struct view *v, const char *project, bool (*cb)(void *ctx, const struct container *c), void *ctx)
{
	auto_free const struct container **found = NULL;
	size_t n = 0;

	if (v->n == 0)
		return;
	if ((found = reallocarray(NULL, v->n, sizeof(*found))) == NULL)
		abort();
	for (size_t i = 0; i < v->n; i++) {
		if (project == NULL || str_eq(v->v[i]->project, project))
			found[n++] = v->v[i];
	}
	qsort(found, n, sizeof(*found), by_service);
	for (size_t i = 0; i < n && cb(ctx, found[i]); i++)
		;
}
