/* What core must not forget: sqlite (WAL) for facts and the journal, one 0600 file a release for its model (it may hold
 * secrets, so the database has only its digest). Works in the current directory, <dir>/.state. */
#ifndef PGO_CORE_STORE_H
#define PGO_CORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum {
	STORE_OID = 65,		  /* git object name with NUL */
	STORE_DEPLOYS_KEPT = 200, /* a service, with steps and logs */
	STORE_HEALS_KEPT = 50,	  /* rows of healing, besides */
};

enum { STORE_KEY = 65 }; /* hexadecimal digits with NUL */

struct store;

/* The key of this host, made when it is not there: see store_key.c. */
int store_key(char ret_hex[STORE_KEY], struct err *err);

/* What is known of a service from one run of pgod to the next. All strings are owned and never NULL. */
struct store_service {
	char *source; /* struct conf_service.source that `tracked` comes from; with " signed" behind it when it had to
			 be signed */
	char *branch;
	char *tracked;	/* newest fetched commit, "" before the first */
	char *judged;	/* the commit that the pipeline has last brought to an end: not tried again by itself */
	char *verdict;	/* why it is not tried again, in a word: the deploy's outcome; "" when it is live or pending */
	char *refusal;	/* and in a sentence; "" likewise */
	char *live;	/* the commit of the live tree */
	char *stopped;	/* an operator's stop: "" none, "*" all, else compose services, one a line */
	char *rules;	/* by which `judged` was judged: rules_text() */
	char *keys;	/* output of the job `keys` for `tracked` */
	char *finished; /* compose services known to have finished by themselves, one a line; "NAME@BOOT": as far
			 * as is known until the machine is started anew; "*": not yet looked */
	char *rejected; /* a commit that `verify` refused: it is not followed; "" */
	char *rejected_why;
	char *switching;  /* of start-first: which containers are old, while there are new ones beside them; "" */
	int64_t release;  /* what runs, or ran last; 0: never deployed */
	int64_t applying; /* a release that was begun to be applied and not ended: it comes first after a restart; 0 */
	int64_t vars;	  /* an app's variables: those of `release`, or what the first one will get; 0: none */
};

struct store_release {
	int64_t id;
	char *commit;
	char *digest; /* what it is known by: model, image IDs, trees that the model reads */
	char *basis;  /* the same without the image IDs: while it is equal, nothing has to be built anew */
	char *images; /* JSON object: service → {"name": written name, "id": "sha256:..."} */
	int64_t made_ms;
	int64_t good_ms; /* when all of it was last seen running well; 0: never */
	int64_t vars;	 /* the version of the variables that it was resolved with; 0: none */
};

struct store_deploy {
	int64_t id;
	char *trigger; /* "poll", "webhook", "push", "operator", "heal", "boot" */
	char *who;     /* the operator's key; "" when nobody asked */
	char *commit;
	char *step;		    /* the last step begun */
	char *outcome;		    /* "" while it runs */
	char *reason;		    /* of the outcome */
	char *why;		    /* why containers were recreated, a line each; of a heal, what was wrong */
	int64_t release;	    /* being applied, or put back; 0 before approve */
	int64_t begun_ms, ended_ms; /* wall clock; ended 0 while it runs */
};

/* What a deploy begins with; borrowed, NULL is "". */
struct store_begin {
	const char *trigger;
	const char *who;
	const char *commit;
	const char *why;
	int64_t release;
};

/* What is known of an app beside its service. All strings are owned and never NULL; services are named as services. */
struct store_app {
	char *called;  /* by people, with dots */
	char *main;    /* the app whose repository it is pushed to: itself, but for an app of a branch */
	char *branch;  /* its branch there; "" before the first push */
	char *maker;   /* who made it; "": it stands in pgo.toml */
	char *locked;  /* why nothing is accepted; "": it is */
	char *scale;   /* how many containers, "web=3 worker=0"; "": as the model says */
	char *domains; /* sites added by hand, one a line */
	char *cname;   /* those of the deployed commit, one a line */
	int64_t made_ms;
	int64_t gone; /* enum app_gone */
};

#define auto_store_app __attribute__((cleanup(store_app_done)))
void store_app_done(struct store_app *a);
#define auto_store_service __attribute__((cleanup(store_service_done)))
#define auto_store_release __attribute__((cleanup(store_release_done)))
#define auto_store_deploy __attribute__((cleanup(store_deploy_done)))
void store_service_done(struct store_service *s);
void store_release_done(struct store_release *r);
void store_deploy_done(struct store_deploy *d);

/* Opens or makes pgo.db, brings its tables up to date. */
int store_open(struct store **ret_store, struct err *err);
void store_close(struct store *st);

/* 1 when found, 0 when there is no record (ret is then all empty strings). The caller frees with store_service_done. */
int store_service_get(struct store *st, const char *name, struct store_service *ret, struct err *err);
int store_service_put(struct store *st, const char *name, const struct store_service *s, struct err *err);
/* 1 when found, 0 when there is no record (ret is then all empty strings). The caller frees with store_app_done. It
 * stays when the service is forgotten. */
int store_app_get(struct store *st, const char *name, struct store_app *ret, struct err *err);
int store_app_put(struct store *st, const char *name, const struct store_app *a, struct err *err);
/* The service of the app that is called so, or was when it went: of several the newest. 1 when found, else 0; the
 * caller frees. */
int store_app_called(struct store *st, const char *called, char **ret_service, struct err *err);
/* The service that was called so before it got another name. 1 when found, else 0; the caller frees. */
int store_app_formerly(struct store *st, const char *called, char **ret_service, struct err *err);
/* It is called otherwise from now on. Part of a change: store_begin. */
int store_app_rename(struct store *st, const char *service, const char *from, const char *to, struct err *err);
/* It has gone: nobody is told any more what it was called. */
int store_app_forget_names(struct store *st, const char *service, struct err *err);
/* What is written between them stands there together or not at all; failed says that it is not to. -errno is that of
 * the end. */
int store_begin(struct store *st, struct err *err);
int store_end(struct store *st, bool failed, struct err *err);
/* Names of all services with a record. */
int store_service_names(struct store *st, struct strv *ret, struct err *err);
/* Forgets a removed service: its models, deploys and their logs go too. */
int store_service_forget(struct store *st, const char *name, struct err *err);
/* Which images (sha256:...) carry a tag of ours that keeps them: written before the tag is made, and removed after it.
 */
int store_image_kept(struct store *st, const char *service, const char *image, bool kept, struct err *err);
int store_images_kept(struct store *st, const char *service, struct strv *ret, struct err *err);

/* The routes that the service's proxy has taken in (loaded), or that lay there before ours: what is put back when it
 * refuses others. 1 when there are some, else 0; the caller frees the text. */
int store_routes_get(struct store *st, const char *service, char **ret_text, bool *ret_loaded, struct err *err);
int store_routes_put(struct store *st, const char *service, const char *text, bool loaded, struct err *err);

/* An uploaded key: pushkey.h says what the texts mean. */
struct store_pushkey {
	char *name;
	char *line;
	char *apps;
	char *maker;
	int64_t made_ms; /* wall clock */
};
#define auto_store_pushkey __attribute__((cleanup(store_pushkey_done)))
void store_pushkey_done(struct store_pushkey *k);
/* Writes a key, in the place of one of this name. */
int store_pushkey_put(struct store *st, const struct store_pushkey *k, struct err *err);
int store_pushkey_remove(struct store *st, const char *name, struct err *err);
/* By their names, until cb returns false; cb must not write to the store. */
int store_pushkey_each(
    struct store *st, bool (*cb)(void *ctx, const struct store_pushkey *k), void *ctx, struct err *err);

/* Writes the model durably, then the row. *ret_id is the new release. */
int store_release_add(struct store *st, const char *service, const struct store_release *r, const char *model,
    int64_t *ret_id, struct err *err);
/* 1 when found, else 0. */
int store_release_get(struct store *st, int64_t id, struct store_release *ret, struct err *err);
/* The approved model of a release. */
int store_model_read(struct store *st, const char *service, int64_t id, struct buf *ret, struct err *err);
/* A version of an app's variables: writes the text durably, 0600, then the row. */
int store_vars_add(
    struct store *st, const char *service, const char *text, size_t len, int64_t *ret_version, struct err *err);
/* Its text. */
int store_vars_read(struct store *st, const char *service, int64_t version, struct buf *ret, struct err *err);
/* The stored versions, oldest first, until cb returns false; cb must not write to the store. */
int store_vars_each(
    struct store *st, const char *service, bool (*cb)(void *ctx, int64_t version), void *ctx, struct err *err);
/* Drops the versions that no release has, but for one (0: none). */
int store_vars_prune(struct store *st, const char *service, int64_t current, struct err *err);
/* It runs well, now. */
int store_release_good(struct store *st, int64_t id, struct err *err);
/* The release that was good last, apart from one: 1 when there is one, else 0 (*ret_id 0). */
int store_release_last_good(
    struct store *st, const char *service, int64_t other_than, int64_t *ret_id, struct err *err);
/* The stored releases, newest first, until cb returns false; cb must not write to the store. */
int store_release_each(struct store *st, const char *service, bool (*cb)(void *ctx, const struct store_release *r),
    void *ctx, struct err *err);
/* Adds the commits of the stored releases that are not in ret yet. */
int store_release_commits(struct store *st, const char *service, struct strv *ret, struct err *err);
/* Drops all releases and their models but for the `keep` that were good last, and two others (0: none). */
int store_release_prune(
    struct store *st, const char *service, int keep, int64_t current, int64_t applying, struct err *err);

/* The journal: a step is written before it starts; a power cut may take it away unless it is synced. What a deploy
 * applies, and why, is on the disk when anything after it is. Old deploys go, with their logs. */
int store_deploy_begin(
    struct store *st, const char *service, const struct store_begin *b, int64_t *ret_id, struct err *err);
int store_deploy_step(struct store *st, int64_t id, const char *step, bool synced, struct err *err);
int store_deploy_release(struct store *st, int64_t id, int64_t release, struct err *err);
int store_deploy_why(struct store *st, int64_t id, const char *why, struct err *err);
int store_deploy_end(struct store *st, int64_t id, const char *outcome, const char *reason, struct err *err);
/* Ends what an earlier pgod left without an end. */
int store_deploys_interrupted(struct store *st, const char *service, const char *reason, struct err *err);
/* A deploy of a service by its id: 1 when found, else 0. */
int store_deploy_get(struct store *st, const char *service, int64_t id, struct store_deploy *ret, struct err *err);
/* The newest deploy of a service, healing apart: 1 when found, else 0. */
int store_deploy_last(struct store *st, const char *service, struct store_deploy *ret, struct err *err);
/* Newest first, at most limit, until cb returns false; cb must not write to the store. */
int store_deploy_each(struct store *st, const char *service, int64_t limit,
    bool (*cb)(void *ctx, const struct store_deploy *d), void *ctx, struct err *err);
/* The steps of a deploy, oldest first; each lasted until the next began, the last until the deploy's end. */
int store_deploy_steps(struct store *st, int64_t id, bool (*cb)(void *ctx, const char *step, int64_t begun_ms),
    void *ctx, struct err *err);
/* Where the log of a deploy lies, relative to the state directory; the caller frees. */
char *store_log_path(const char *service, int64_t id);
/* Has any deploy of the service begun to change containers? 1 or 0. */
int store_deploy_applied(struct store *st, const char *service, struct err *err);

#endif
