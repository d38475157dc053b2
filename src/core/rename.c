/* A container that runs under a passing name: compose was ended after the old one had gone and before the new one got
 * its name. Whoever looks for it by name does not find it, and the next `up` finds nothing wrong with it. */
#include "base/auto.h"
#include "base/log.h"
#include "core/service.h"
#include "engine/engine.h"

struct nameless {
	const struct service *svc;
	const struct container *c; /* borrowed from the view; NULL: there is none */
	const char *name;	   /* that it should have */
};

static bool
look(void *ctx, const struct container *c)
{
	struct nameless *n = ctx;

	/* Until it is started compose may be about to name it. */
	if (c->oneoff || c->state == CONTAINER_CREATED || strv_has(&n->svc->renamed, c->id))
		return true;
	n->name = model_name_behind(&n->svc->names, n->svc->conf->name, c->service, c->name);
	if (n->name == NULL)
		return true;
	n->c = c;
	return false;
}

static struct nameless
find(const struct service *svc)
{
	struct nameless n = {.svc = svc};

	engine_containers(svc->core->engine, svc->conf->name, look, &n);
	return n;
}

bool
rename_is_due(const struct service *svc)
{
	return find(svc).c != NULL;
}

void
rename_try_again(struct service *svc)
{
	strv_done(&svc->renamed);
}

static void
on_renamed(void *ctx, const struct engine_reply *reply)
{
	struct task *task = ctx;

	if (reply->err->num != 0)
		log_warn("container %.12s cannot be given its name: %s service=%s", task->why, reply->err->msg,
		    task->svc->conf->name);
	task_end(task, reply->err->num == 0 ? 0 : 1, NULL);
}

/* The others have their turn: it is decided anew after each. */
void
rename_start(struct task *task)
{
	struct service *svc = task->svc;
	struct nameless n = find(svc);

	if (n.c == NULL) {
		task_end(task, 0, NULL);
		return;
	}
	log_info(
	    "container %.12s gets the name that compose did not come to give it service=%s", n.c->id, svc->conf->name);
	strv_add(&svc->renamed, n.c->id);
	task->why = str_dup(n.c->id);
	engine_rename(svc->core->engine, svc->conf->name, n.c->id, n.name, on_renamed, task);
}
