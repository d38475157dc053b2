/* Inside of start-first: the state that the steps tidy, compare and switch share. Only deploy*.c include this. */
#ifndef PGO_CORE_DEPLOY_SWITCH_H
#define PGO_CORE_DEPLOY_SWITCH_H

#include "core/deploy_steps.h"
#include "core/swaps.h"

enum {
	SWITCH_STOP_MS = 10 * 60 * 1000, /* of one container: longer than grace periods are; as the job `stop` */
};

/* One request to the engine about one container. */
struct move {
	const struct move_kind *kind;
	char *container;
	char *network;
	struct strv aliases;
};

struct switching;
typedef int switch_fn(struct switching *sw, struct err *err); /* returns like a step */

struct switching {
	struct deploy *d;
	json_t *approved;
	char *hashes; /* what compose says that the containers should be */
	struct swaps swaps;
	size_t at;		 /* the swap in hand */
	json_t *networks;	 /* of its new containers: {id: {network: [aliases]}} */
	size_t looking;		 /* the new container whose answer is awaited */
	switch_fn *healthy;	 /* what follows once the new containers are; NULL while they are not awaited */
	bool was_touched;	 /* before the first swap */
	switch_fn *routed;	 /* what follows once the proxies lead to the new containers */
	struct lead_wait *wait;	 /* for that; NULL while it is not awaited */
	struct event *linger;	 /* and for the old processes of the host's proxy, at most */
	struct proxy_wait *left; /* their end; NULL while it is not awaited */
	bool drained;		 /* old containers have gone: there is no way back but the put back */

	struct move *moves;
	size_t nmoves, next;
	bool forgiving; /* a move that fails is told, and the next one made */
	bool whole;	/* there is nothing but what was switched, and all of it runs */
	bool left_over; /* one did: something may be there that should not */
	switch_fn *then;
	void (*listed)(struct switching *sw, const json_t *list);
	int (*unlisted)(struct switching *sw, const char *why, struct err *err);

	enum outcome failed_as; /* while it is cleaned up after a failure */
	char failed_why[ERR_MSG_MAX / 2];
};

static inline struct swap *
switch_in_hand(struct switching *sw)
{
	return &sw->swaps.v[sw->at];
}

struct switching *switch_new(struct deploy *d);
/* Looks at the project's containers, afresh: listed(), then then(); or unlisted(). */
int switch_list(struct switching *sw, void (*listed)(struct switching *sw, const json_t *list), switch_fn *then,
    int (*unlisted)(struct switching *sw, const char *why, struct err *err));
/* Why there is no answer: the engine is away, or says no. */
enum outcome switch_blames(const struct engine_reply *reply);
/* The swap in hand has come to nothing: the new containers go, the old ones were not touched. */
int switch_failed(struct switching *sw, enum outcome outcome, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* deploy_compare.c */
/* Were all compose services of the release switched, and may compose have nothing left to do? */
bool switch_may_be_whole(const struct deploy *d);
/* Looks whether it has, then calls switch_up(). Returns like a step. */
int switch_look_whole(struct deploy *d);
/* deploy_apply.c. whole: the containers of the release run, and no others. */
int switch_up(struct deploy *d, bool whole, struct err *err);

/* deploy_health.c */
/* Waits until the new containers of the swap in hand are healthy, health_timeout at most. Returns like a step. */
int switch_await_health(struct switching *sw, switch_fn *healthy, struct err *err);

/* deploy_route.c */
/* Leads the proxy of the host to the new containers of the swap in hand, which have their names; where there is none,
 * or the service has no sites, goes on at once. Returns like a step. */
int switch_route(struct switching *sw, switch_fn *then, struct err *err);
/* The proxy is led to the old containers again, or is no longer waited for. */
void switch_unroute(struct switching *sw);
/* Likewise, and the old containers stay. */
void switch_unled(struct switching *sw);

/* deploy_moves.c */
void moves_stop_and_remove(struct switching *sw, const struct strv *ids);
void moves_start(struct switching *sw, const struct strv *ids);
/* Takes each of the new containers off its networks and puts it back, with or without the names by which others find
 * it. */
void moves_reconnect(struct switching *sw, const struct strv *ids, bool with_names);
/* Makes the moves one after another, then calls then(). */
int moves_run(struct switching *sw, bool forgiving, switch_fn *then, struct err *err);
void moves_done(struct switching *sw);

#endif
