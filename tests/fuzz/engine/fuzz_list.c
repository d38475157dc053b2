/* The list of containers: cut into objects as it comes, parsed, and taken into the view; as an inspection as well. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "engine/split.h"
#include "engine/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_changed(void *ctx, const char *project)
{
	(void)ctx;
	if (!str_is_service_name(project))
		abort();
}

static int
on_item(void *ctx, const char *json, size_t len, struct err *err)
{
	json_t *item = json_loadb(json, len, JSON_ALLOW_NUL, NULL);

	(void)err;
	if (item != NULL) {
		view_list_item(ctx, item);
		view_inspect(ctx, item);
	}
	json_decref(item);
	return 0;
}

static bool
check(void *ctx, const struct container *c)
{
	if (!container_id_ok(c->id) || view_find(ctx, c->id) != c || strlen(c->service) > 512)
		abort();
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view *v = view_new(on_changed, NULL);
	struct split sp;

	split_init(&sp, true, 1024, on_item, v);
	view_list_begin(v);
	for (size_t at = 0; at < size; at += 7) {
		if (split_feed(&sp, (const char *)data + at, size - at < 7 ? size - at : 7, NULL) < 0)
			break;
	}
	view_each(v, NULL, check, v);
	view_list_end(v);
	view_each(v, NULL, check, v);
	split_done(&sp);
	view_free(v);
	return 0;
}
