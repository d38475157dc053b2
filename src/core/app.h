/* An app: a service whose commits are pushed to us. */
#ifndef PGO_CORE_APP_H
#define PGO_CORE_APP_H

#include <stdbool.h>

#include "base/err.h"
#include "conf/conf.h"
#include "core/store.h"
#include "ipc/appname.h"

struct client;
struct core;
struct service;

/* Where visitors are led to. */
struct app_web {
	char *service; /* of the compose file; NULL: nowhere, it is a worker */
	int port;
	char *alias; /* its name on the network of a proxy in a container; NULL: it has none */
};

/* store_app.gone. The row stays when the app has gone: it says whose the volumes are that are left. */
enum app_gone {
	APP_THERE,
	APP_ENDS, /* its containers are being taken down; it is never an app again but by another creation */
	APP_DOWN, /* they are gone */
	APP_GONE, /* and all else */
};

/* What is wanted of pgod; all of it is borrowed. */
struct app_spec {
	const char *name;   /* as people write it; not trusted. It becomes that of the service, unless another has it */
	const char *main;   /* of a branch: the service of the app whose branch it is; NULL: it is one of its own */
	const char *branch; /* NULL: not yet known */
	const char *maker;  /* who asks for it: struct access.who, whose uploaded key may act on it from then on */
	bool anyone;	    /* the name may be that of somebody else's former app: an operator's word */
};

/* svc is there and ready, or error says why not (a sentence without its end). */
typedef void (*app_made)(void *ctx, struct service *svc, const char *error);

/* svc->app; a service without is a tracked one. svc->conf->name is whose account, directories, containers and rows are
 * meant, and stays; the names are what people say, and change with `apps rename`. */
struct app {
	char name[APPNAME_MAX + 1];  /* as people write it, with its dots */
	char plain[APPNAME_MAX + 1]; /* the same as a service is called */
	bool made;		     /* by a push or an operator, as [push] says; else it stands in pgo.toml */
	struct store_app row;	     /* strings never NULL */
	char *scaling;		     /* the scale that its running deploy tries out, in the place of row.scale; NULL */
	bool routed;		     /* a release of it has been good: visitors are led to what runs */
	struct app_web web;	     /* of the current release */
	struct app_web next;  /* of the release whose containers visitors are led to already; service NULL: of none */
	struct strv reserved; /* what its running deploy wants to be called */
};

/* That of a hosted service, with its record, or as a new one has it; main is itself then. */
struct app *app_open(struct core *core, const struct conf_service *conf, struct err *err);
void app_free(struct app *app);
/* Writes the record; a failure is logged and told in *err. */
int app_save(const struct service *svc, struct err *err);
/* Is it the app of a branch of another one? */
bool app_is_branch(const struct service *svc);
/* The app whose repository it is pushed to, itself but for that of a branch: as people write it, and as a service. */
const char *app_main(const struct service *svc);
const char *app_main_plain(const struct service *svc);
/* The first of base, base-2, base-3... that is not taken, as a service is called. False: there are too many. */
bool app_number(
    const char *base, bool (*taken)(struct core *core, const char *name), struct core *core, char ret[APPNAME_MAX + 1]);
/* The app that was called so, until it was renamed, by its name as a service; NULL without. */
struct service *app_formerly(struct core *core, const char *plain);

/* Makes an app. done is called once, at once or from the loop. A core that is killed meanwhile leaves the app or none.
 */
void app_create(struct core *core, const struct app_spec *spec, app_made done, void *ctx);
/* done is not called for this ctx any more; the app is made all the same. */
void app_create_forget(struct core *core, const void *ctx);
/* pgod's messages. */
int app_on_made(struct core *core, const char *name, int64_t uid, struct err *err);
void app_on_answer(struct core *core, int64_t id, const char *error);
/* app_rename.c: the app, and with it those of its branches, are called otherwise from now on, by whom; nothing else
 * changes. -errno with a sentence, and nothing at all has changed. */
int app_rename(struct service *svc, const char *name, const char *who, struct err *err);

/* Why it cannot be destroyed now; NULL when it can. The caller frees. */
char *app_why_kept(const struct service *svc);
/* Destroys it, by whom, for the client (may be NULL), who waits for the end; else whoever pushes to it hears of that.
 * False: too much waits to be done for it. */
bool app_destroy(struct service *svc, const char *trigger, const char *who, struct client *client);
/* Nothing is left of a service: had it been an app, its name is free for whoever may make it again. */
void app_forget(struct core *core, const char *service);
/* False: it is no app that ends. */
bool app_on_retired(struct core *core, const char *service, const char *error);

#endif
