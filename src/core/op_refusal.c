/* Why an operation that changes something is not begun. */
#include "core/app.h"
#include "core/op.h"
#include "core/service.h"

char *
op_refusal(const struct service *svc)
{
	if (svc->problem[0] != '\0')
		return str_printf("%s is not managed: %s", svc->conf->name, svc->problem);
	if (svc->held)
		return str_printf("%s stays down until `release`: held%s%s", svc->conf->name,
		    svc->hold_note[0] != '\0' ? " " : "", svc->hold_note);
	return NULL;
}

/* Two changes at a time would know nothing of each other. */
static bool
is_deploying(const struct service *svc)
{
	const struct task *task = svc->running;

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
	const char *name = svc->conf->name;

	if (svc->app->row.locked[0] != '\0')
		return str_printf(
		    "%s is locked: %s: an operator's `apps unlock` ends that", name, svc->app->row.locked);
	if (is_deploying(svc) || svc->row.applying != 0 || svc->push != NULL || svc->unsettled)
		return str_printf(
		    "%s is being deployed: `logs -f deploy` follows it, and then it can be changed", name);
	return op_refusal(svc);
}
