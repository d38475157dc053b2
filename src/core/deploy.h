/* The life of a commit, from stage to live: a const table of steps, each journaled before it starts. */
#ifndef PGO_CORE_DEPLOY_H
#define PGO_CORE_DEPLOY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum deploy_mode {
	DEPLOY_TRACK,  /* the tracked commit, because it is new */
	DEPLOY_UP,     /* an operator's up: also what waits because of reload: false */
	DEPLOY_PULL,   /* an operator's pull: asks the registries again */
	DEPLOY_CHECK,  /* load: as far as the policy, and no further */
	DEPLOY_PLAN,   /* plan: what would change; nothing is pulled, built or touched */
	DEPLOY_RESUME, /* finish applying a release that an earlier pgod began to apply */
	DEPLOY_PUSH,   /* a commit that was pushed: the tracked one once it runs well, and not before */
	DEPLOY_AWAY,   /* what was never accepted, and has nothing to go back to, goes */
	DEPLOY_BACK,   /* a stored release again, from what is on the machine: task.release, or the last good one */
};

struct deploy;
struct journal;
struct service;
struct task;

/* Starts the task's deploy; it ends with task_end. */
void deploy_start(struct task *task);
/* A container of the service changed while the deploy runs. */
void deploy_on_containers(struct deploy *d);
/* What the task says goes to the deploy's log as well. */
void deploy_say(struct deploy *d, const char *data, size_t len);
/* Ends what is being done for the service: its running job (TERM) or wait. Before checkout nothing was changed; after
 * it the last good release is put back. who: the operator, for log and journal. Returns 1, or 0 with err telling why
 * there is nothing that can be cancelled. The end comes later, from the loop. */
int deploy_cancel(struct service *svc, const char *who, struct err *err);
/* The log of the deploy that runs, and its id; NULL when none runs. */
struct journal *deploy_journal(const struct service *svc, int64_t *ret_deploy);

/* Is what the release has built to go to the registry, and has not been brought there? */
bool publish_is_intended(const struct service *svc, int64_t release);

struct buf;
/* Hides the values of the variables that the containers of its model get. */
void deploy_hide(const struct deploy *d, struct buf *text);

#endif
