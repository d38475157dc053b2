#include "core/app.h"

#include <stdlib.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/str.h"
#include "core/core.h"
#include "core/service.h"

struct app *
app_open(const struct core *core, const struct conf_service *conf, struct err *err)
{
	struct app *app = calloc(1, sizeof(*app));
	int rc;

	if (app == NULL)
		abort();
	appname_of_service(conf->name, app->name);
	app->made = conf->made;
	rc = store_app_get(core->store, conf->name, &app->row, err);
	if (rc < 0) {
		app_free(app);
		return NULL;
	}
	if (app->row.main[0] == '\0')
		str_set(&app->row.main, conf->name);
	return app;
}

void
app_free(struct app *app)
{
	if (app == NULL)
		return;
	store_app_done(&app->row);
	free(app->scaling);
	free(app->web.service);
	free(app->next.service);
	strv_done(&app->reserved);
	free(app);
}

int
app_save(const struct service *svc, struct err *err)
{
	struct err local = ERR_INIT;
	int rc = store_app_put(svc->core->store, svc->conf->name, &svc->app->row, &local);

	if (rc < 0) {
		log_err("cannot write the record of the app: %s service=%s", local.msg, svc->conf->name);
		if (err != NULL)
			*err = local;
	}
	return rc;
}
