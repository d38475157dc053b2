/* An app: a service whose commits are pushed to us. */
#ifndef PGO_CORE_APP_H
#define PGO_CORE_APP_H

#include <stdbool.h>

#include "base/err.h"
#include "conf/conf.h"
#include "core/store.h"
#include "ipc/appname.h"

struct core;
struct service;

/* Where visitors are led to. */
struct app_web {
	char *service; /* of the compose file; NULL: nowhere, it is a worker */
	int port;
};

/* svc->app; a service without is a tracked one. */
struct app {
	char name[APPNAME_MAX + 1]; /* as people write it, with its dots; svc->conf->name is the service's */
	bool made;		    /* by a push or an operator, as [push] says; else it stands in pgo.toml */
	struct store_app row;	    /* strings never NULL */
	bool routed;		    /* a release of it has been good: visitors are led to what runs */
	struct app_web web;	    /* of the current release */
	struct app_web next;  /* of the release whose containers visitors are led to already; service NULL: of none */
	struct strv reserved; /* what its running deploy wants to be called */
};

/* That of a hosted service, with its record, or as a new one has it; main is itself then. */
struct app *app_open(const struct core *core, const struct conf_service *conf, struct err *err);
void app_free(struct app *app);
/* Writes the record; a failure is logged and told in *err. */
int app_save(const struct service *svc, struct err *err);

#endif
