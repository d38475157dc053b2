#include "core/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/str.h"
#include "core/core.h"
#include "core/service.h"

/* So many services of one base there are at most. */
enum { NUMBER_MAX = 99, NUMBER_ROOM = sizeof("-99") - 1 };

/* What the configuration calls a service since, or another app is called. */
static bool
is_others(struct core *core, const char *plain)
{
	const struct conf_service *conf = conf_find(core->conf, plain);
	auto_free char *service = NULL;
	char called[APPNAME_MAX + 1];

	appname_of_service(plain, called);
	return (conf != NULL && !conf->made) || core_named(core, plain) != NULL ||
	       store_app_called(core->store, called, &service, NULL) != 0;
}

bool
app_number(
    const char *base, bool (*taken)(struct core *core, const char *name), struct core *core, char ret[APPNAME_MAX + 1])
{
	snprintf(ret, APPNAME_MAX + 1, "%s", base);
	for (int n = 2; taken(core, ret); n++) {
		int len = (int)strlen(base);

		if (n > NUMBER_MAX)
			return false;
		len = len < APPNAME_MAX - NUMBER_ROOM ? len : APPNAME_MAX - NUMBER_ROOM;
		while (strchr("-_", base[len - 1]) != NULL)
			len--;
		snprintf(ret, APPNAME_MAX + 1, "%.*s-%d", len, base, n);
	}
	return true;
}

/* What it was renamed to, unless pgo.toml has given that name to a service of its own, which comes first. */
static void
find_name(struct core *core, const struct conf_service *conf, struct app *app)
{
	const struct conf_service *other;

	snprintf(app->plain, sizeof(app->plain), "%s", conf->name);
	appname_of_service(conf->name, app->name);
	if (conf->made && app->row.called[0] != '\0')
		appname_service(app->row.called, app->plain);
	other = conf_find(core->conf, app->plain);
	if (other != NULL && !other->made && other != conf) {
		log_warn(
		    "the name %s is that of a service in pgo.toml: the app goes by another until it is renamed service=%s",
		    app->row.called, conf->name);
		app_number(conf->name, is_others, core, app->plain);
	}
	appname_of_service(app->plain, app->name);
	if (!conf->made)
		str_set(&app->row.called, app->name);
}

struct app *
app_open(struct core *core, const struct conf_service *conf, struct err *err)
{
	struct app *app = calloc(1, sizeof(*app));
	int rc;

	if (app == NULL)
		abort();
	app->made = conf->made;
	rc = store_app_get(core->store, conf->name, &app->row, err);
	if (rc < 0) {
		app_free(app);
		return NULL;
	}
	if (app->row.main[0] == '\0')
		str_set(&app->row.main, conf->name);
	find_name(core, conf, app);
	return app;
}

bool
app_is_branch(const struct service *svc)
{
	return !str_eq(svc->app->row.main, svc->conf->name);
}

static const struct app *
main_of(const struct service *svc)
{
	const struct service *main = core_service(svc->core, svc->app->row.main);

	return main != NULL && main->app != NULL ? main->app : svc->app;
}

const char *
app_main(const struct service *svc)
{
	return main_of(svc)->name;
}

const char *
app_main_plain(const struct service *svc)
{
	return main_of(svc)->plain;
}

struct service *
app_formerly(struct core *core, const char *plain)
{
	auto_free char *service = NULL;
	char called[APPNAME_MAX + 1];
	struct service *svc;

	if (strlen(plain) > APPNAME_MAX)
		return NULL;
	appname_of_service(plain, called);
	if (store_app_formerly(core->store, called, &service, NULL) <= 0)
		return NULL;
	svc = core_service(core, service);
	return svc != NULL && svc->app != NULL && svc->app->made ? svc : NULL;
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
	free(app->web.alias);
	free(app->next.alias);
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
