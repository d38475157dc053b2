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
	STORE_OID = 65,		 /* git object name with NUL */
	STORE_RELEASES_KEPT = 3, /* good releases a service whose models stay */
	STORE_DEPLOYS_KEPT = 200,
};

struct store;

/* What is known of a service from one run of pgod to the next. All strings are owned and never NULL. */
struct store_service {
	char *source; /* struct conf_service.source that `tracked` comes from */
	char *branch;
	char *tracked;	 /* newest fetched commit, "" before the first */
	char *judged;	 /* the commit that the pipeline has last brought to an end: live, pending or refused */
	char *refusal;	 /* why `judged` was refused or failed for good; "" when it was not */
	char *live;	 /* the commit of the live tree */
	char *stopped;	 /* an operator's stop: "" none, "*" all, else compose services, one a line */
	char *keys;	 /* output of the job `keys` for `tracked` */
	int64_t release; /* what runs, or ran last; 0: never deployed */
};

struct store_release {
	int64_t id;
	char *commit;
	char *digest; /* what it is known by: model, image IDs, trees that the model reads */
	char *basis;  /* the same without the image IDs: while it is equal, nothing has to be built anew */
	char *images; /* JSON object: service → {"name": written name, "id": "sha256:..."} */
	int64_t made_ms;
};

struct store_deploy {
	int64_t id;
	char *trigger;
	char *commit;
	char *step;    /* the last step begun */
	char *outcome; /* "" while it runs */
	char *reason;
	int64_t release;	    /* being applied; 0 before approve */
	int64_t begun_ms, ended_ms; /* wall clock; ended 0 while it runs */
};

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
/* Names of all services with a record. */
int store_service_names(struct store *st, struct strv *ret, struct err *err);
/* Forgets a removed service; its deploys stay as history, its models are unlinked. */
int store_service_forget(struct store *st, const char *name, struct err *err);

/* Writes the model durably, then the row. *ret_id is the new release. */
int store_release_add(struct store *st, const char *service, const struct store_release *r, const char *model,
    int64_t *ret_id, struct err *err);
/* 1 when found, else 0. */
int store_release_get(struct store *st, int64_t id, struct store_release *ret, struct err *err);
/* The approved model of a release. */
int store_model_read(struct store *st, const char *service, int64_t id, struct buf *ret, struct err *err);
/* Drops the models of all but the newest STORE_RELEASES_KEPT releases, and of keep. */
int store_release_prune(struct store *st, const char *service, int64_t keep, struct err *err);

/* The journal: a step is written before it starts. */
int store_deploy_begin(
    struct store *st, const char *service, const char *trigger, const char *commit, int64_t *ret_id, struct err *err);
int store_deploy_step(struct store *st, int64_t id, const char *step, struct err *err);
int store_deploy_release(struct store *st, int64_t id, int64_t release, struct err *err);
int store_deploy_end(struct store *st, int64_t id, const char *outcome, const char *reason, struct err *err);
/* The newest deploy of a service: 1 when found, else 0. */
int store_deploy_last(struct store *st, const char *service, struct store_deploy *ret, struct err *err);
/* Has any deploy of the service begun to change containers? 1 or 0. */
int store_deploy_applied(struct store *st, const char *service, struct err *err);

#endif
