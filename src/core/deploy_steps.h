/* Inside of the deploy: its state and its steps. Only deploy*.c include this. */
#ifndef PGO_CORE_DEPLOY_STEPS_H
#define PGO_CORE_DEPLOY_STEPS_H

#include <jansson.h>

#include "base/err.h"
#include "compose/model.h"
#include "core/deploy.h"
#include "core/job.h"
#include "core/probe.h"
#include "core/service.h"
#include "engine/engine.h"

struct violations;

enum {
	RELEASES_KEPT = 3,		/* good ones a service, unless configured */
	WATCH_FRESH_MS = 1000,		/* after compose has ended the last events must have come */
	HEALTH_TIMEOUT_MS = 120 * 1000, /* of the watch, likewise */
};

/* What a step's function says. Negative: it failed (-errno, err set). */
enum step_result {
	STEP_NEXT, /* done: on to the next */
	STEP_WAIT, /* a job or the engine will call back */
	STEP_END,  /* the deploy has come to its end early: outcome and reason are set */
};

/* How a deploy ends. */
enum outcome {
	OUTCOME_LIVE,	   /* the release runs */
	OUTCOME_UNCHANGED, /* nothing had to be done to the containers */
	OUTCOME_PENDING,   /* approved, but not to be applied now */
	OUTCOME_CHECKED,   /* DEPLOY_CHECK found nothing to refuse */
	OUTCOME_REFUSED,   /* the commit is at fault: not tried again until there is another one or an operator asks */
	OUTCOME_WAITING,   /* for an external network */
	OUTCOME_FAILED,	   /* something else is at fault: tried again later */
	OUTCOME_UNHEALTHY, /* applied, but it does not run as it should */
	OUTCOME_ROLLED_BACK, /* applied, did not run as it should, and the last good release was put back */
	OUTCOME_CANCELLED,   /* an operator ended it: not tried again by itself */
	OUTCOME_CHANGES,     /* DEPLOY_PLAN found something to do */
	OUTCOME_OUTDATED,    /* DEPLOY_PLAN found another plan than the one that was reviewed */
	OUTCOME_INTERRUPTED, /* by a hold, a stop, the end of pgod or of the engine: goes on when that is over */
};

/* A question to the engine about each of n things. */
struct asking {
	size_t n;
	/* Asks: sets d->req and returns STEP_WAIT; STEP_NEXT: there is nothing to ask about this one. */
	int (*ask)(struct deploy *d, size_t i, engine_reply_fn *cb, struct err *err);
	/* The engine has answered, if only that there is no such thing. */
	int (*got)(struct deploy *d, size_t i, const struct engine_reply *reply, struct err *err);
	int (*all)(struct deploy *d, struct err *err); /* at the end; returns like a step. NULL: on to the next */
};

struct keep;
struct publish;
struct lead_wait;
struct switching;
struct watch_death;

struct deploy {
	struct task *task;
	struct service *svc;
	enum deploy_mode mode;
	int64_t id;		 /* of the journal; 0 for DEPLOY_CHECK */
	char subject[STORE_OID]; /* the commit that this is about */
	char commit[STORE_OID]; /* the one being applied: another than subject when the last good release is put back */
	char was_live[STORE_OID]; /* the commit of the live tree at the begin */
	size_t step;
	bool at_fault;	  /* a failure of this step is the commit's fault */
	bool killed;	  /* its job was ended by a signal that is not ours */
	bool tried_again; /* a step of it, for the engine had failed: no other one is */
	struct job *job;
	struct engine_req *req;
	struct pin_req *pin;
	struct event *timer;
	struct journal *journal;      /* NULL for DEPLOY_CHECK */
	int64_t step_ms;	      /* when the step began */
	char cancelled[TASK_WHO_MAX]; /* who asked to end it; "" */
	int64_t begun_ms;

	struct masks *masks; /* of what its variables hold; NULL: none, or no model yet */
	json_t *model;	     /* resolved: its paths are the sources, not the pins */
	struct strv inputs;  /* paths, and the job's answer for each */
	struct strv answers;
	struct model_images images;
	char **ids;	       /* images.n: image id, or NULL while missing */
	json_t *image_configs; /* labels and variables of the images behind them, by compose service */
	struct asking asking;  /* and the one whose answer is awaited */
	size_t asked;
	struct strv networks;
	struct strv missing; /* external networks that do not exist */
	char basis[MODEL_DIGEST_HEX];
	char digest[MODEL_DIGEST_HEX];

	bool scaled;		/* the task's scale is tried out */
	int64_t vars;		/* the version of the app's variables that it gets; 0: none */
	int64_t release;	/* what is being applied; 0: nothing */
	char *approved;		/* its model, text */
	bool was_good;		/* it was good in an earlier deploy */
	bool changed;		/* the containers must be replaced */
	int64_t previous;	/* the current release at the begin; 0: none */
	bool applied;		/* a step that touches files or containers has begun */
	bool touched;		/* the containers are not what they were */
	bool upped;		/* `up` has begun */
	bool back;		/* the last good release is being put back */
	enum outcome failed_as; /* for which end, and why */
	char failed_why[ERR_MSG_MAX];
	int64_t left; /* a release that has to be applied once that is possible again; 0: none */

	struct watch_death *deaths; /* before `up` */
	size_t ndeaths;
	int64_t watch_ms;     /* begin of the watch */
	int64_t watch_end_ms; /* its deadline */
	int64_t calm_ms;      /* since when all that has to settle has been as it is; 0: not yet */
	uint64_t print;
	struct event *peek_timer; /* while it is watched, until it is healthy */
	int64_t peek_ms;	  /* its next wait */
	bool yields;		  /* the watch ended for a newer commit */

	struct switching *sw;				      /* start-first, from compare on; NULL */
	int (*words_then)(struct deploy *d, struct err *err); /* what follows the last words of a container */
	struct event *words_timer;			      /* while they are awaited */
	bool words_begun;
	char words_why[ERR_MSG_MAX]; /* how the watch ends when they have been told */
	struct probes *probes;	     /* of its model's containers; NULL: none asked about yet */

	bool named; /* of an app: what its commit wants to be called is known */
	struct strv cname;
	struct lead_wait *names_wait;  /* until the proxies lead to these names */
	struct proxy_wait *names_left; /* and nobody elsewhere any more, when its file is another one than then: */
	int64_t written_before_ms;
	struct event *names_timer; /* but no longer */
	char *names_before;	   /* what is put back when it does not; NULL: nothing */
	bool routed_before;
	struct strv urls_before;

	struct publish *publish; /* it runs; its images go to the registry; NULL */
	struct keep *keep;	 /* old images are being let go: that is all that is left to do */
	bool ended;		 /* outcome and reason are recorded */
	enum outcome outcome;
	char reason[ERR_MSG_MAX];
	json_t *violations; /* of a rollback that the policy refused; NULL */
	bool told;	    /* the client has read the reason, at length */
};

enum step_flag {
	APPLIES = 1, /* touches the files or containers of what runs: from here on the deploy is brought to its end */
	CONTAINERS = 2, /* needless where only the files were touched */
	BACKS = 4,	/* also when the last good release is put back */
	MINOR = 8,	/* there its failure does not keep the containers from coming up */
	SYNCED = 16,	/* how a deploy goes on after a power cut depends on whether it had begun (service.c) */
};

struct step {
	const char *name;
	unsigned modes; /* 1u << enum deploy_mode */
	unsigned flags; /* enum step_flag */
	int (*start)(struct deploy *d, struct err *err);
	/* The job that start began has ended with status 0; NULL: nothing to read. */
	int (*done)(struct deploy *d, const struct job_result *r, struct err *err);
	/* It has failed; NULL: its reason is the reason. Returns like start. */
	int (*failed)(struct deploy *d, const struct job_result *r, struct err *err);
};

/* Starts the step's job; its output goes to the task's client as well when follow is set. Returns STEP_WAIT. */
int deploy_job(struct deploy *d, const char *kind, const struct strv *args, const void *in, size_t in_len, bool follow);
/* The same of one that reads from fd, which is borrowed, and is not followed. */
int deploy_job_from(struct deploy *d, const char *kind, const struct strv *args, int fd);
/* The step that waits has its result, if that is not STEP_WAIT again: the last thing to do in a callback, which may
 * find the deploy gone. */
void deploy_continue(struct deploy *d, int result, struct err *err);
/* The step that has failed, from its beginning. Returns like its start. */
int deploy_step_again(struct deploy *d, struct err *err);
/* deploy_again.c: has the engine failed the step's job in passing, and is it to be tried once more? Then all who wait
 * are told. */
bool deploy_tries_again(struct deploy *d, const struct job_result *r);
/* A line of the deploy's log alone; the client reads what is said to him, and the end. */
void deploy_note(struct deploy *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *deploy_step_name(const struct deploy *d);
/* Sets outcome and reason; returns STEP_END. */
int deploy_ends(struct deploy *d, enum outcome outcome, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* deploy_ask.c */
/* One after the other, so that the engine is never asked much at a time; ends at the first that fails. Returns like a
 * step. */
int deploy_ask_each(struct deploy *d, const struct asking *asking, struct err *err);

/* deploy_end.c */
/* load and plan: nothing is recorded. */
bool deploy_only_looks(const struct deploy *d);
/* What the outcome says about the newest commit goes into the service's row, which the caller saves. */
void deploy_judge(struct deploy *d);
/* Records the outcome, and sees to all that comes after it; frees in the end. */
void deploy_end(struct deploy *d);
/* Tells who waits that it has ended, which is recorded, and lets go what nothing can go back to any more. */
void deploy_finish(struct deploy *d);
/* What went wrong and changes nothing: the log, and who waits. */
void deploy_warn(struct deploy *d, const char *text);
/* To an operator who asked for JSON: one document with the violations and the reason so far, once. */
void deploy_tell_programs(struct deploy *d, const struct violations *vs);

/* deploy_back.c */
void deploy_forget_model(struct deploy *d);
/* Makes a stored release what is being applied. */
/* Is it what somebody waits for who pushes? A change of variables goes through the same gate. */
bool deploy_is_pushed(const struct deploy *d);
int deploy_begin_back(struct deploy *d, struct err *err);
/* Another scale that did not run well is the app's no more. */
void deploy_unscale(struct deploy *d);
int deploy_load_release(struct deploy *d, int64_t id, struct err *err);
/* The deploy has come to an end: has something to be put back? Then all is set for another pass through the steps. */
bool deploy_goes_back(struct deploy *d);
/* An operator has cancelled it: how it ends. Returns like a step. */
int deploy_was_cancelled(struct deploy *d);
/* Of what was never accepted nothing stays. */
int step_take_away(struct deploy *d, struct err *err);
int step_take_away_done(struct deploy *d, const struct job_result *r, struct err *err);
int step_at_hand(struct deploy *d, struct err *err);
int step_keep_images(struct deploy *d, struct err *err);
/* deploy_watch.c */
/* It is watched no further; fine when it was not. */
void deploy_watch_end(struct deploy *d);
int step_watch(struct deploy *d, struct err *err);
/* It runs well: that is recorded, and the deploy ends so. Returns STEP_END. */
int deploy_good(struct deploy *d);
/* Why containers are not awaited any further, although nothing is decided yet (a hold, a stop, the end of pgod); NULL
 * when they are. */
const char *deploy_why_interrupted(const struct deploy *d);
int64_t deploy_health_timeout_ms(const struct deploy *d);
/* deploy_tidy.c, deploy_compare.c, deploy_switch.c: start-first */
int step_tidy(struct deploy *d, struct err *err);
int step_compare(struct deploy *d, struct err *err);
int step_compare_done(struct deploy *d, const struct job_result *r, struct err *err);
int step_switch(struct deploy *d, struct err *err);
int step_switch_done(struct deploy *d, const struct job_result *r, struct err *err);
int step_switch_failed(struct deploy *d, const struct job_result *r, struct err *err);
/* Is it the switch that waits for containers? Then it has looked again. */
bool switch_on_containers(struct deploy *d);
void switch_free(struct switching *sw);
/* It was only looked at what would happen; now that shall happen: an `up`, recorded from here on. */
int deploy_promote(struct deploy *d, struct err *err);

/* deploy_publish.c */
/* Has it built images that go to a registry? Then begins with that; deploy_finish when it is over. */
bool deploy_publishes(const struct deploy *d);
void deploy_publish(struct deploy *d);
/* Writes down that what the release has built is to go there. */
int publish_intend(const struct deploy *d, struct err *err);
/* They are not awaited any more; why: static. */
void publish_stop(struct publish *p, const char *why);
/* NULL is fine. */
void publish_free(struct publish *p);

/* explain.c */
int step_explain(struct deploy *d, struct err *err);
/* Tells why containers are replaced: the log, who waits, and the journal. */
void deploy_explain(struct deploy *d);
/* deploy_images.c */
/* Will the registry be asked for the ith image; will it be built? */
bool deploy_pulls(const struct deploy *d, size_t i);
bool deploy_builds(const struct deploy *d, size_t i);
int step_images(struct deploy *d, struct err *err);
int step_pull(struct deploy *d, struct err *err);
int step_pull_failed(struct deploy *d, const struct job_result *r, struct err *err);
int step_build(struct deploy *d, struct err *err);
int step_build_failed(struct deploy *d, const struct job_result *r, struct err *err);
/* deploy_take.c: what was pushed, into the repository of the service */
int step_take_over(struct deploy *d, struct err *err);
int step_submodules(struct deploy *d, struct err *err);
/* deploy_prepare.c */
/* The model that runs, with these image IDs, before its sources are pinned. The caller decrefs. */
json_t *deploy_approved_model(const struct deploy *d, const struct model_image_id *ids, struct err *err);
/* Is a release of this digest another one than what runs? What an interrupted release left of the containers is not
 * what the record says. */
bool deploy_differs(const struct service *svc, const char *digest);
bool deploy_unfinished(const struct service *svc);
int step_stage(struct deploy *d, struct err *err);
int step_stage_failed(struct deploy *d, const struct job_result *r, struct err *err);
int step_resolve(struct deploy *d, struct err *err);
int step_resolve_done(struct deploy *d, const struct job_result *r, struct err *err);
int step_inputs(struct deploy *d, struct err *err);
int step_inputs_done(struct deploy *d, const struct job_result *r, struct err *err);
int step_networks(struct deploy *d, struct err *err);
int step_approve(struct deploy *d, struct err *err);
/* deploy_policy.c */
int step_policy(struct deploy *d, struct err *err);
int step_image_labels(struct deploy *d, struct err *err);
/* deploy_web.c */
/* Of an app that is being prepared: writes into its model where visitors are led to, which the images decide. */
void deploy_decide_port(struct deploy *d);
/* Those of the release that is being applied; NULL where its containers are asked nothing. */
struct probes *deploy_probes(struct deploy *d);
/* deploy_words.c */
/* Of an app: tells what the containers of these compose services have said last, that of one number or (0) of all;
 * then goes on with then(). Returns like a step. */
int deploy_last_words(struct deploy *d, const struct strv *services, int number,
    int (*then)(struct deploy *d, struct err *err), struct err *err);
/* deploy_apply.c */
/* How its release takes the place of what runs: what the compose file says, else pgo.toml, else recreate. */
enum model_update deploy_update(const struct deploy *d);
int step_plan(struct deploy *d, struct err *err);
int step_checkout(struct deploy *d, struct err *err);
int step_checkout_done(struct deploy *d, const struct job_result *r, struct err *err);
int step_routes(struct deploy *d, struct err *err);
int step_routes_done(struct deploy *d, const struct job_result *r, struct err *err);
int step_mkdirs(struct deploy *d, struct err *err);
int step_stop(struct deploy *d, struct err *err);
int step_make_anew(struct deploy *d, struct err *err);
int step_up(struct deploy *d, struct err *err);
int step_up_done(struct deploy *d, const struct job_result *r, struct err *err);
int step_up_failed(struct deploy *d, const struct job_result *r, struct err *err);
/* deploy_names.c: of apps */
int step_stage_done(struct deploy *d, const struct job_result *r, struct err *err);
int step_names(struct deploy *d, struct err *err);
/* Does its commit want to be called otherwise than what runs is? */
bool deploy_renames(const struct deploy *d);
/* Nobody waits for the proxy any more, and the names of before are back; fine when there was nothing. */
void deploy_names_end(struct deploy *d);
/* The deploy has ended: it wants no names any more. */
void deploy_names_done(struct deploy *d);
/* deploy_pin.c */
int step_share(struct deploy *d, struct err *err);
int step_pin(struct deploy *d, struct err *err);
int step_pin_again(struct deploy *d, struct err *err);

#endif
