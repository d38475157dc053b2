#include "core/swaps.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "compose/model.h"
#include "compose/start_first.h"
#include "engine/container.h"

void
swaps_done(struct swaps *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].service);
		strv_done(&s->v[i].old);
		strv_done(&s->v[i].made);
	}
	free(s->v);
	*s = (struct swaps){NULL, 0};
}

/* "web 0123...\ndb 4567...\n"; NULL when compose said nothing about it, which then passes for a change. */
static char *
hash_of(const char *hashes, const char *service)
{
	size_t len = strlen(service);

	for (const char *line = hashes; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, service, len) == 0 && line[len] == ' ')
			return strndup(line + len + 1, strcspn(line + len + 1, "\n"));
	}
	return NULL;
}

static bool
is_of(const struct container *c, const char *project, const char *service)
{
	return !c->oneoff && str_eq(c->project, project) && str_eq(c->service, service);
}

void
swaps_ids(const json_t *list, const char *project, const char *service, const struct strv *others, struct strv *ret)
{
	struct container c;
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		if (container_from_list(&c, entry) && is_of(&c, project, service) &&
		    (others == NULL || !strv_has(others, c.id)))
			strv_add(ret, c.id);
	}
}

struct tally {
	int all;
	int running;
	int same; /* of this hash */
};

static struct tally
count(const json_t *list, const char *project, const char *service, const char *hash)
{
	struct tally t = {0};
	struct container c;
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		if (!container_from_list(&c, entry) || !is_of(&c, project, service))
			continue;
		t.all++;
		t.running += c.state == CONTAINER_RUNNING;
		t.same += hash != NULL && str_eq(c.config_hash, hash);
	}
	return t;
}

/* Who publishes ports cannot have the new container beside one that holds some; whoever it is, the ports may have moved
 * between the services of the project. */
static bool
ports_are_held(const json_t *list, const char *project)
{
	struct container c;
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		if (container_from_list(&c, entry) && str_eq(c.project, project) && c.publishes)
			return true;
	}
	return false;
}

int
swaps_find(const json_t *approved, const char *project, const char *hashes, const json_t *list,
    bool (*is_stopped)(const void *ctx, const char *service), const void *ctx, struct swaps *ret, struct err *err)
{
	auto_model_services struct model_services facts = {NULL, 0};
	struct swaps s = {NULL, 0};
	int rc = model_service_facts(approved, &facts, err);

	if (rc < 0)
		return rc;
	s.v = calloc(facts.n + 1, sizeof(*s.v));
	if (s.v == NULL)
		abort();
	for (size_t i = 0; i < facts.n; i++) {
		const char *name = facts.v[i].name;
		auto_free char *hash = hash_of(hashes, name);
		struct tally t = count(list, project, name, hash);
		struct swap *w = &s.v[s.n];

		if (is_stopped(ctx, name) || (t.all > 0 && t.same == t.all))
			continue;
		s.n++;
		w->service = str_dup(name);
		w->wanted = facts.v[i].scale;
		w->fresh = t.all == 0;
		w->why = model_in_place(approved, name);
		if (w->why == NULL && t.running == 0)
			w->why = t.all == 0 ? "it is new" : "none of its containers runs";
		if (w->why == NULL && model_publishes(approved, name) && ports_are_held(list, project))
			w->why = "it publishes ports";
		swaps_ids(list, project, name, NULL, &w->old);
	}
	*ret = s;
	return 0;
}

/* Does it wait for one of those from `begin` on that goes the same way? */
static bool
depends_on_any(const struct swaps *s, size_t begin, const struct swap *w, const json_t *approved, bool in_place)
{
	for (size_t i = begin; i < s->n; i++) {
		if (&s->v[i] != w && (s->v[i].why != NULL) == in_place &&
		    model_depends_on(approved, w->service, s->v[i].service))
			return true;
	}
	return false;
}

void
swaps_order(struct swaps *s, const json_t *approved)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < s->n; i++) {
			if (s->v[i].why == NULL && depends_on_any(s, 0, &s->v[i], approved, true)) {
				s->v[i].why = "it depends on a service that is replaced in place";
				again = true;
			}
		}
	}
	/* Compose has refused circles; with one, the order would be any. */
	for (size_t at = 0; at < s->n; at++) {
		for (size_t i = at; i < s->n; i++) {
			if (!depends_on_any(s, at, &s->v[i], approved, false)) {
				struct swap first = s->v[i];

				memmove(&s->v[at + 1], &s->v[at], (i - at) * sizeof(*s->v));
				s->v[at] = first;
				break;
			}
		}
	}
}
