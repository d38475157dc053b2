/* Stands in for the engine's view of the containers. Included once by a test. */
#ifndef PGO_TESTS_CORE_FAKE_VIEW_H
#define PGO_TESTS_CORE_FAKE_VIEW_H

#include <string.h>

#include "engine/engine.h"

static const struct container *boxes;
static size_t nboxes;

void
engine_containers(
    const struct engine *e, const char *project, bool (*cb)(void *ctx, const struct container *c), void *ctx)
{
	(void)e;
	(void)project;
	for (size_t i = 0; i < nboxes && cb(ctx, &boxes[i]); i++)
		continue;
}

/* ctx is the one compose service that an operator has stopped; NULL: none. */
static bool
is_stopped(const void *ctx, const char *service)
{
	return ctx != NULL && strcmp(ctx, service) == 0;
}

#define BOX(st, ...)                                                                              \
	{                                                                                         \
		.id = "a", .service = "web", .project = "p", .state = CONTAINER_##st, __VA_ARGS__ \
	}

#endif
