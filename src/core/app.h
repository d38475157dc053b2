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

/* svc->app; a service without is a tracked one. */
struct app {
	char name[APPNAME_MAX + 1]; /* as people write it, with its dots; svc->conf->name is the service's */
	bool made;		    /* by a push or an operator, as [push] says; else it stands in pgo.toml */
	struct store_app row;	    /* strings never NULL */
};

/* That of a hosted service, with its record, or as a new one has it; main is itself then. */
struct app *app_open(const struct core *core, const struct conf_service *conf, struct err *err);
void app_free(struct app *app);
/* Writes the record; a failure is logged and told in *err. */
int app_save(const struct service *svc, struct err *err);

#endif
