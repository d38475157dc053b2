#include "core/core.h"

#include "base/str.h"
#include "core/service.h"

struct service *
core_service(struct core *core, const char *name)
{
	struct service *svc;

	TAILQ_FOREACH(svc, &core->services, entry)
	{
		if (str_eq(svc->conf->name, name))
			return svc;
	}
	return NULL;
}

struct service *
core_named(struct core *core, const char *name)
{
	struct service *svc;

	TAILQ_FOREACH(svc, &core->services, entry)
	{
		if (str_eq(svc->name, name))
			return svc;
	}
	return NULL;
}

void
core_kick(struct core *core)
{
	while (core->busy < CORE_TASKS_MAX) {
		struct service *svc;

		TAILQ_FOREACH(svc, &core->services, entry)
		{
			if (svc->waits)
				break;
		}
		if (svc == NULL)
			return;
		/* Whoever is served goes to the end: a hundred services take turns. */
		TAILQ_REMOVE(&core->services, svc, entry);
		TAILQ_INSERT_TAIL(&core->services, svc, entry);
		svc->waits = false;
		service_next(svc);
	}
}

void
core_maybe_exit(struct core *core)
{
	if (core->quitting && core->busy == 0 && TAILQ_EMPTY(&core->jobs))
		event_base_loopexit(core->base, NULL);
}
