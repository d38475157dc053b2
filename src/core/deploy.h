/* The life of a commit, from stage to live: a const table of steps, each journaled before it starts. */
#ifndef PGO_CORE_DEPLOY_H
#define PGO_CORE_DEPLOY_H

enum deploy_mode {
	DEPLOY_TRACK,  /* the tracked commit, because it is new */
	DEPLOY_UP,     /* an operator's up: also what waits because of reload: false */
	DEPLOY_PULL,   /* an operator's pull: asks the registries again */
	DEPLOY_CHECK,  /* load: as far as the policy, and no further */
	DEPLOY_RESUME, /* finish applying a release that an earlier pgod began to apply */
};

struct deploy;
struct task;

/* Starts the task's deploy; it ends with task_end. */
void deploy_start(struct task *task);
/* A container of the service changed while the deploy runs. */
void deploy_on_containers(struct deploy *d);

#endif
