/* Why an operation that changes something is not begun. */
#include "core/app.h"
#include "core/op.h"
#include "core/service.h"

char *
op_refusal(const struct service *svc)
{
	if (svc->problem[0] != '\0')
		return str_printf("%s is not managed: %s", svc->name, svc->problem);
	if (svc->held)
		return str_printf("%s stays down until `release`: held%s%s", svc->name,
		    svc->hold_note[0] != '\0' ? " " : "", svc->hold_note);
	return NULL;
}

bool
op_is_deployed(const struct service *svc)
{
	const struct task *task = svc->running;

	if (svc->row.applying != 0 || svc->push != NULL || svc->unsettled)
		return true;
	if (task != NULL && task->kind == TASK_DEPLOY)
		return true;
	TAILQ_FOREACH(task, &svc->queue, entry)
	{
		if (task->kind == TASK_DEPLOY)
			return true;
	}
	return false;
}

char *
op_app_refusal(const struct service *svc)
{
	const char *name = svc->name;

	if (svc->app->row.locked[0] != '\0')
		return str_printf(
		    "%s is locked: %s: an operator's `apps unlock` ends that", name, svc->app->row.locked);
	if (op_is_deployed(svc))
		return str_printf(
		    "%s is being deployed: `logs -f deploy` follows it, and then it can be changed", name);
	return op_refusal(svc);
}
