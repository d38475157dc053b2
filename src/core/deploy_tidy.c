/* What an interrupted start-first left behind: half-made containers beside the old ones, or old ones that were about to
 * go. Which of the two, and which container is which, was written down. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "core/deploy_switch.h"
#include "engine/container.h"

/* {"service": "web", "old": [ids], "drain": false} */
static bool
read_note(struct switching *sw, const char *text, bool *ret_drain)
{
	auto_json json_t *note = json_loads(text, 0, NULL);
	const char *service = json_string_value(json_object_get(note, "service"));
	json_t *id;
	size_t i;

	if (service == NULL)
		return false;
	sw->swaps.v = calloc(1, sizeof(*sw->swaps.v));
	if (sw->swaps.v == NULL)
		abort();
	sw->swaps.n = 1;
	sw->swaps.v[0].service = str_dup(service);
	json_array_foreach(json_object_get(note, "old"), i, id)
	{
		if (json_is_string(id))
			strv_add(&sw->swaps.v[0].old, json_string_value(id));
	}
	*ret_drain = json_is_true(json_object_get(note, "drain"));
	return true;
}

static int
tidied(struct switching *sw, struct err *err)
{
	struct deploy *d = sw->d;
	struct service *svc = d->svc;
	bool left_over = sw->left_over;

	switch_free(TAKE(d->sw));
	if (left_over)
		return STEP_NEXT;
	str_set(&svc->row.switching, "");
	return service_save(svc, err) < 0 ? -err->num : STEP_NEXT;
}

static int
not_tidied(struct switching *sw, const char *why, struct err *err)
{
	sw->left_over = true;
	log_warn("cannot look for half-made containers: %s service=%s", why, sw->d->svc->conf->name);
	return tidied(sw, err);
}

static bool
is_running(const json_t *list, const char *project, const struct strv *ids)
{
	struct container c;
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		if (container_from_list(&c, entry) && str_eq(c.project, project) && strv_has(ids, c.id) &&
		    c.state == CONTAINER_RUNNING)
			return true;
	}
	return false;
}

/* The new ones go only while an old one serves: else they may be what was brought up since. */
static void
find_half_made(struct switching *sw, const json_t *list)
{
	const char *project = sw->d->svc->conf->name;
	const struct swap *w = &sw->swaps.v[0];
	auto_strv struct strv half_made = {NULL, 0};

	if (!is_running(list, project, &w->old))
		return;
	swaps_ids(list, project, w->service, &w->old, &half_made);
	moves_stop_and_remove(sw, &half_made);
}

static int
remove_them(struct switching *sw, struct err *err)
{
	if (sw->nmoves > 0)
		task_sayf(sw->d->task, "%s: removing what an interrupted deploy left\n", sw->swaps.v[0].service);
	return moves_run(sw, true, tidied, err);
}

int
step_tidy(struct deploy *d, struct err *err)
{
	bool drain = false;

	switch_free(TAKE(d->sw));
	if (d->svc->row.switching[0] == '\0' || !d->svc->core->engine_up)
		return STEP_NEXT;
	d->sw = switch_new(d);
	if (!read_note(d->sw, d->svc->row.switching, &drain))
		return tidied(d->sw, err);
	if (!drain)
		return switch_list(d->sw, find_half_made, remove_them, not_tidied);
	moves_stop_and_remove(d->sw, &d->sw->swaps.v[0].old);
	return remove_them(d->sw, err);
}
