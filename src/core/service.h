/* A service in core: what is configured, what is known, what is being done for it, one thing at a time. */
#ifndef PGO_CORE_SERVICE_H
#define PGO_CORE_SERVICE_H

#include "compose/model.h"
#include "compose/names.h"
#include "compose/plan.h"
#include "core/appscale.h"
#include "core/core.h"
#include "core/deploy.h"
#include "core/import.h"
#include "core/keys.h"
#include "core/metrics.h"
#include "core/oneoff.h"
#include "core/oom.h"
#include "core/reconcile.h"
#include "ipc/pins.h"

struct app;
struct client;
struct runs;
struct task;

enum task_kind {
	TASK_LOOK,   /* ls-remote, and fetch when the branch has moved */
	TASK_DEPLOY, /* the pipeline */
	TASK_HEAL,   /* compose up of what should run and does not, or is unhealthy */
	TASK_STOP,   /* compose stop, because of a hold */
	TASK_SETTLE, /* the refs of a push, when it is known what became of it */
	TASK_ROUTES, /* the file of the routes, for a proxy */
	TASK_NAMES,  /* the name of a container that compose did not come to give it */
	TASK_END,    /* of an app: it is destroyed */
	TASK_VERB,   /* an operator's stop, start, restart, down */
	TASK_KINDS,
};

/* Why everything is brought up, where nothing else is wrong. */
#define SERVICE_WHY_RESTORED "it was stopped, and is to run again"

enum {
	TASK_WHO_MAX = 128,
	TASKS_QUEUED_MAX = 32,		  /* a service; an operator's further one is refused */
	SERVICE_RETRY_MIN_MS = 30 * 1000, /* after a deploy that failed for a passing reason: doubles up to */
	SERVICE_RETRY_MAX_MS = 10 * 60 * 1000,
	SERVICE_RETRY_KILLED_MS = 1000, /* after a resume whose job somebody killed: the service may lie half-way */
	SERVICE_NETWORK_MS = 2000,	/* between two looks for an external network that is awaited */
};

/* Something to do for a service. Queued, then running; freed by task_end. */
struct task {
	TAILQ_ENTRY(task) entry;
	struct service *svc;
	enum task_kind kind;
	const char *trigger;	/* "poll", "boot", "operator", "heal", ...: static */
	char who[TASK_WHO_MAX]; /* the operator who asked; "" when nobody did */
	enum deploy_mode mode;	/* TASK_DEPLOY */
	char commit[STORE_OID]; /* DEPLOY_PUSH */
	int64_t release;	/* DEPLOY_BACK: which release */
	bool scales;		/* DEPLOY_BACK: of the current release, with another scale */
	char scale[APPSCALE_TEXT_MAX];
	int64_t vars;		      /* TASK_DEPLOY: with this version of the app's variables; 0: the current one */
	char cancelled[TASK_WHO_MAX]; /* by whom, before it began; "" */
	const char *verb;	      /* TASK_VERB: the job's kind; static */
	struct strv args;	      /* TASK_VERB, TASK_DEPLOY: compose services; TASK_HEAL: what to bring up */
	bool json;		      /* DEPLOY_CHECK, DEPLOY_PLAN: for programs */
	bool quiet;		      /* TASK_DEPLOY: the client is not told what compose prints */
	bool tells;		      /* TASK_LOOK: the operator is told what follows */
	char plan[PLAN_DIGEST_HEX];   /* DEPLOY_PLAN: becomes an up when this is the plan; "" */
	bool whole;		      /* TASK_HEAL: also what has finished */
	bool recreate;		      /* TASK_HEAL: what runs, but not well */
	bool again;		      /* TASK_SETTLE: one of its jobs was killed */
	/* TASK_HEAL: what is wrong; TASK_NAMES: the container; TASK_DEPLOY: what an operator asked for; owned */
	char *why;
	int64_t heal;	       /* TASK_HEAL: its row in the journal */
	struct client *client; /* who waits for it; NULL when nobody does (any more) */
	struct deploy *deploy; /* while TASK_DEPLOY runs */
	struct job *job;       /* the running job of the other kinds */
};
TAILQ_HEAD(task_list, task);

struct masks;

struct service {
	TAILQ_ENTRY(service) entry;
	struct core *core;
	const struct conf_service *conf;
	const char *name; /* what people call it; conf->name is what it is to the host, the engine and the store */
	struct app *app;  /* of what is pushed to us; NULL: a repository is followed */
	char *live_path;  /* clean absolute paths */
	char *data_path;
	long long key_renewed_ms; /* when an operator last asked for another deploy key; 0: not yet */
	struct masks *masks;	  /* of the secrets that pgo.toml has for it; NULL: none */

	bool ending;	       /* an app that is being destroyed: it takes no orders */
	struct task *retiring; /* then: pgod puts its directories aside */
	bool ready;	       /* pgod has prepared the directories */
	char *problem;	       /* why not; "" when unknown yet */
	bool held;
	char *hold_note;

	struct store_service row;
	struct store_release release; /* of row.release; strings NULL without */
	struct model_services facts;  /* what that release wants to run */
	struct pin_set pins;	      /* what it mounts */
	struct model_names names;     /* what it takes of the names that all services share */
	json_t *images;		      /* release.images, parsed; NULL without */
	struct keys keys;

	struct task_list queue;
	struct task *running;
	bool waits; /* for a place among CORE_TASKS_MAX */

	struct event *poll_timer;
	struct event *heal_timer;
	struct event *retry_timer;
	struct event *ended_timer;
	struct strv revive; /* compose services that ended with 0 along with the engine: they come back */
	int64_t retry_ms;   /* the next wait; 0: none pending */
	bool retry_due;
	int64_t looked_ms; /* wall clock of the last look, 0: none yet */
	char *look_error;  /* "" after a good one */
	int look_fails;	   /* looks in a row that the remote did not answer */
	bool asking;	   /* asks the remote now, for all services of the repository and branch */
	bool waiting;	   /* for what another service, which asks the remote now, hears */
	char *heard;	   /* what the branch was at heard_ms (monotonic), as another service heard; "": a failure */
	int64_t heard_ms;
	char *awaited; /* an external network that does not exist yet; "" */
	struct engine_req *await_req;
	char *trouble; /* why the last deploy failed for a passing reason; "" */
	char *pending; /* why an approved release is not applied; "" */
	struct heal_budget heal;
	struct strv renamed; /* containers that have been given their names, or could not be */
	bool switch_to_new; /* start-first: the new containers of row.switching are the ones that visitors are led to */
	struct oom oom;
	struct metrics_service metrics;
	struct import import;
	struct oneoffs oneoffs;
	struct push *push;	/* what is being pushed now; NULL */
	char pushed[STORE_OID]; /* the commit of a push that is not settled; "" */
	bool unsettled;		/* there is such a push, if only of tags */
	char *settle_trouble;	/* why it could not be settled when that was last tried; "" */
	char *broken;		/* why healing gave up; "" */
	char *breach;		/* what the rules of today refuse of the current release; "" */
	/* row.applying: what is known of it beside its id. */
	bool resume_gently;    /* its containers are those that run: nothing has to be recreated */
	bool unpublished;      /* nothing is, but the images of the current release are yet to go to the registry */
	bool resume_untouched; /* no container was touched for it: what runs is the current release */
	bool resume_unmade;    /* or not all were made: what is missing is brought up as of the current release */
	const char *resume_trigger; /* of the deploy that was interrupted; "boot" when an earlier pgod began it */
	const char *news;	    /* who brought the newest commit: a trigger; static */
	char news_who[TASK_WHO_MAX];
	struct job *peek;  /* asks the remote while a release is watched */
	char *newer;	   /* the commit that it has found there; "" */
	bool yielded;	   /* the last deploy ended early for a newer commit: the next one does not */
	char *fetched;	   /* the newest commit that this pgod has fetched; "" */
	bool verify_again; /* pgod is new, or the signers are: what was refused may pass now */
	bool refetch;	   /* the local repository may be damaged: fetch also what is known */
	bool restore;	   /* bring everything up once, also what has finished (a hold went away) */
};

/* What the configuration wants hidden in all that is said of the service. The caller frees. */
struct masks *service_conf_masks(const struct service *svc);
/* Makes the service from its configuration and record. */
struct service *service_new(struct core *core, const struct conf_service *conf, struct err *err);
/* Only with nothing running. */
void service_free(struct service *svc);

/* pgod's news. */
void service_on_ready(struct service *svc, const char *problem);
void service_on_hold(struct service *svc, bool held, const char *note);
void service_on_signers(struct service *svc);
/* The engine's news: a container of the service is not as it was; the view became valid. */
void service_on_containers(struct service *svc);
void service_on_engine_up(struct service *svc);

/* Looks at the remote again when a poll interval has passed, or more after looks that failed. */
void service_poll_later(struct service *svc);
/* The three timers: poll, heal, retry. */
void service_make_timers(struct service *svc);
/* Everything the decision depends on, gathered at one moment; runs is filled as well. */
struct reconcile_facts service_facts(const struct service *svc, struct runs *runs);
/* What of the current release runs. */
void service_runs(const struct service *svc, struct runs *ret);
/* What is missing is brought up after a moment that depends on how it was lost; what lost its budget is given up,
 * aloud. */
void service_plan_heal(struct service *svc, const struct runs *runs);

/* The branch that is deployed: of an app, "" before the first push. */
const char *service_branch(const struct service *svc);
/* Where its commits come from, for people: the repository, or that it is pushed. */
const char *service_source(const struct service *svc);
/* Writes the record; a failure is logged and told in *err. */
int service_save(struct service *svc, struct err *err);
/* Makes a release the service's current one: row, facts, images. */
int service_set_release(struct service *svc, int64_t id, struct err *err);
/* There is no current release any more. */
void service_clear_release(struct service *svc);
/* Keys from row.keys. */
void service_load_keys(struct service *svc);
/* Is this compose service stopped by an operator? NULL: is the whole service, at once or one by one? */
bool service_stopped(const struct service *svc, const char *compose_service);
/* The compose services of a model that no operator has stopped. */
void service_not_stopped(const struct service *svc, const struct model_services *facts, struct strv *ret);
/* Records an operator's stop (stop) or its end: names of compose services, none: all. */
int service_set_stopped(struct service *svc, bool stop, const struct strv *names, struct err *err);
/* The written name of a compose service's image in the current release, NULL when unknown; borrowed. */
const char *service_image_name(const struct service *svc, const char *compose_service);

/* Queues; a task without client that already waits is not queued twice. Takes the args. False when the queue is full.
 */
bool service_queue(struct service *svc, const struct task *task);
/* The deploy that waits for a place among CORE_TASKS_MAX is begun at once, only to be ended: an operator has cancelled
 * it. False when none waits. */
bool service_cancel_waiting(struct service *svc, const char *who);
/* Does an operator's stop or down wait for what runs now to end? */
bool service_stop_waits(const struct service *svc);
/* Frees what waits. */
void service_drop_queue(struct service *svc);
/* Starts the next task if nothing runs and there is a place; otherwise decides what has to be done by itself. */
void service_next(struct service *svc);
/* Ends the running task: the client gets text (may be NULL) on stderr and the exit status. */
void task_end(struct task *task, int status, const char *text);
/* Tells the client something while its task runs; nothing without client. */
void task_say(struct task *task, int stream, const char *data, size_t len);
void task_sayf(struct task *task, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The client has gone: its tasks go on without it. */
void service_forget_client(struct service *svc, const struct client *client);
/* What waits because of a stop or a hold is judged anew, now that it has ended. */
void service_judge_again(struct service *svc);
/* Arms the timer after a deploy that failed for a passing reason: first_ms at first, then twice as long each time. */
void service_retry_later(struct service *svc, int64_t first_ms);
/* Waits no longer, neither for the timer nor for a network: what comes next may start at once. */
void service_retry_cancel(struct service *svc);

/* rename.c */
/* Does a container run under a passing name of compose's? */
bool rename_is_due(const struct service *svc);
/* Whose name could not be given may have it now. */
void rename_try_again(struct service *svc);

/* look.c, heal.c, rename.c: how each kind starts. */
void look_start(struct task *task);
void heal_start(struct task *task);
void stop_start(struct task *task);
void verb_start(struct task *task);
/* app_end.c: destroys the app. */
void end_start(struct task *task);
void rename_start(struct task *task);
/* push_settle.c */
void settle_start(struct task *task);

#endif
