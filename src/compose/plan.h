/* The plan: what would happen to each compose service if a model took the place of what runs, and why. Pure; what
 * others wrote is escaped, and what may be a secret is hidden (compose/diff.h). */
#ifndef PGO_COMPOSE_PLAN_H
#define PGO_COMPOSE_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "compose/diff.h"
#include "compose/model.h"

enum plan_action {
	PLAN_KEEP,     /* runs, and goes on running */
	PLAN_CREATE,   /* has no container yet */
	PLAN_START,    /* has what it needs and does not run */
	PLAN_SCALE,    /* more or fewer containers of the same */
	PLAN_RECREATE, /* new containers in place of the old */
	PLAN_REMOVE,   /* is not in the model any more */
	PLAN_ACTIONS,
};

/* An image of the model that shall run. */
struct plan_image {
	const char *service;
	const char *name; /* as the compose file writes it */
	const char *id;	  /* "sha256:..."; NULL: not on this machine */
	bool pull;	  /* comes from a registry before anything stops */
	bool build;	  /* is built before anything stops */
	bool asks;	  /* the registry is asked each time: it may have moved */
};

/* What is there of a compose service now. */
struct plan_state {
	const char *service;
	size_t containers; /* one-off ones apart */
	bool runs;	   /* as many as should run do, or have finished well */
	bool unhealthy;	   /* one that runs is */
};

struct plan_input {
	const char *project; /* the service's name */
	const char *live;    /* its directory: what lies there is told as ./path; NULL: nothing is */
	const char *commit;  /* object name of the commit that shall run */
	const char *basis;   /* digest of its model and all it reads, in hex */
	const json_t *is;    /* its model */
	const struct plan_image *images;
	size_t nimages;
	enum model_update update;
	long long release;	  /* what runs: its number, 0 for nothing, */
	const char *was_commit;	  /* commit, */
	const char *was_digest;	  /* digest (images included), */
	const json_t *was;	  /* approved model, NULL for nothing or when it is lost, */
	const json_t *was_images; /* {"web": {"name": "busybox:1", "id": "sha256:..."}} */
	bool changed;		  /* the release that runs is another one than this would be */
	const char *because;	  /* why all is replaced where no field tells it; NULL: there is no such reason */
	const struct plan_state *states;
	size_t nstates;
};

struct plan_service {
	char *name; /* escaped */
	enum plan_action action;
	bool pull;
	bool build;
	char *reason; /* where no field tells it; "" */
	struct changes fields;
};

enum { PLAN_DIGEST_HEX = 33 };

struct plan {
	struct plan_service *v; /* sorted by name */
	size_t n;
	struct changes whole; /* fields of the model that belong to no service */
	enum model_update update;
	char *project;
	char *commit;
	char *was_commit; /* "" for nothing */
	long long release;
	char digest[PLAN_DIGEST_HEX]; /* of all that decides what happens: equal digests, equal deeds */
};
#define auto_plan __attribute__((cleanup(plan_done)))
void plan_done(struct plan *p);

/* Makes the plan; ret is all zeros before. */
void plan_make(const struct plan_input *in, struct plan *ret);
/* Is there anything to do? */
bool plan_changes(const struct plan *p);
/* "create", "recreate", ... */
const char *plan_action_text(enum plan_action a);
const char *plan_update_text(enum model_update u);

/* The plan for people: aligned lines. The caller frees. */
char *plan_text(const struct plan *p);
/* The plan for programs: one JSON object and a newline. The caller frees. */
char *plan_json(const struct plan *p);
/* Why containers are replaced, for the journal: a line a compose service, "web: image busybox:1 → busybox:2, command".
 * Names of fields, and no values but those of images. "" when none are. The caller frees. */
char *plan_why(const struct plan *p);

#endif
