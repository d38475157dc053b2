/* What to do for a service by itself: a pure decision. */
#ifndef PGO_CORE_RECONCILE_H
#define PGO_CORE_RECONCILE_H

#include <stdbool.h>
#include <stdint.h>

/* All that the decision depends on. */
struct reconcile_facts {
	bool ready; /* the directories are prepared */
	bool quitting;
	bool engine_up;
	bool held;	 /* <service>.stop */
	bool stopped;	 /* an operator's stop of the whole service */
	bool resume;	 /* an earlier pgod died while it applied a release */
	bool unsettled;	 /* a push came to its end, and its refs have not */
	bool new_commit; /* the tracked commit has not been judged */
	bool retry_wait; /* its last attempt failed for a passing reason; not yet time for the next */
	bool released;	 /* there is a current release */
	bool running;	 /* any container runs */
	bool satisfied;	 /* all that should run runs or has finished well */
	bool unhealthy;	 /* something that runs is unhealthy */
	bool restore;	 /* bring up also what has finished: a hold has gone */
	bool broken;	 /* healing gave up */
	bool routes;	 /* the file of the routes is to be looked at, or the proxy to be told of it */
	bool nameless;	 /* a container runs under a passing name of compose's */
	bool heal_wait;	 /* backoff of the next heal */
};

enum action {
	ACTION_NONE,
	ACTION_STOP,	/* hold: compose stop */
	ACTION_RESUME,	/* finish what was being applied */
	ACTION_SETTLE,	/* move the refs of a push, or drop it */
	ACTION_ROUTES,	/* write the routes and tell the proxy */
	ACTION_NAMES,	/* give a container the name that it should have */
	ACTION_DEPLOY,	/* judge the tracked commit */
	ACTION_RESTORE, /* compose up of everything */
	ACTION_HEAL,	/* compose up of what is missing, or unhealthy */
};

enum action reconcile_decide(const struct reconcile_facts *f);
const char *action_text(enum action a);

enum {
	HEAL_ATTEMPTS_MAX = 8,	   /* then broken: a human has to look */
	HEAL_BACKOFF_MIN_MS = 250, /* compose may have met a container that was still being removed */
	HEAL_BACKOFF_MAX_MS = 60 * 1000,
	HEAL_CALM_MS = 10 * 60 * 1000, /* a service that ran this long since its last heal starts with a fresh budget */
	HEAL_LAST_MS = 2 * 1000,       /* the last attempt is judged when what it made has been seen */
	HEAL_SOON_MS = 50,	       /* after a container vanished: several events belong together */
	HEAL_RESTART_MS = 1500,	       /* after one died that the engine itself restarts: leave it the time */
};

struct heal_budget {
	int attempts;
	int64_t last_ms; /* monotonic, 0: never */
};

/* How long to wait before the next heal: 0, then 250 ms doubling; after the last one, before it is judged. -1 when the
 * budget is spent. */
int64_t heal_delay_ms(const struct heal_budget *b, int64_t now_ms);
/* There is no further attempt. */
bool heal_is_spent(const struct heal_budget *b, int64_t now_ms);
/* A heal starts now. */
void heal_spend(struct heal_budget *b, int64_t now_ms);

#endif
