/* Apps begin: core writes down who wants one, pgod gives it a number and directories, and says so. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "core/app.h"
#include "core/service.h"
#include "core/uploaded.h"

/* Between the question and pgod's answer. */
struct app_wish {
	TAILQ_ENTRY(app_wish) entry;
	int64_t id;
	char service[APPNAME_MAX + 1];
	char plain[APPNAME_MAX + 1]; /* its name as a service */
	char maker[TASK_WHO_MAX];
	struct store_app former; /* what stood there before: is put back when there will be no app */
	app_made done;		 /* NULL: nobody waits any more */
	void *ctx;
};

/* Whose data may still lie here: the volumes of an app outlive it. One that is there for the record and not for pgod
 * was being made when core was killed, perhaps once more: then its maker's volumes are here as well. */
static int
check_former(const struct store_app *former, const struct app_spec *spec, struct err *err)
{
	bool is_nobodys = former->gone == APP_THERE && former->maker[0] == '\0';

	if (is_nobodys || spec->anyone || str_eq(former->maker, spec->maker))
		return 0;
	return err_set(err, EPERM,
	    "there was an app of this name, whose volumes are kept: only who had made it, or an operator with host://apps "
	    "create, makes it again");
}

static int
write_down(
    struct core *core, const char *service, const struct app_spec *spec, struct store_app *ret_former, struct err *err)
{
	auto_store_app struct store_app former = {0};
	auto_store_app struct store_app row = {0};
	int rc = store_app_get(core->store, service, &former, err);

	if (rc >= 0)
		rc = check_former(&former, spec, err);
	if (rc < 0)
		return rc;
	row = (struct store_app){.called = str_dup(spec->name),
	    .main = str_dup(spec->main != NULL ? spec->main : service),
	    .branch = str_dup(spec->branch != NULL ? spec->branch : ""),
	    .maker = str_dup(spec->maker),
	    .locked = str_dup(""),
	    .scale = str_dup(""),
	    .domains = str_dup(""),
	    .cname = str_dup(""),
	    .made_ms = io_wall_ms()};
	rc = store_app_put(core->store, service, &row, err);
	if (rc < 0)
		return rc;
	*ret_former = former;
	former = (struct store_app){0};
	return 0;
}

/* Who is getting an app of this name at the moment; NULL: nobody. */
static const char *
maker_of(const struct core *core, const char *plain)
{
	const struct app_wish *wish;

	TAILQ_FOREACH(wish, &core->wishes, entry)
	{
		if (str_eq(wish->plain, plain))
			return wish->maker;
	}
	return NULL;
}

static int
check(struct core *core, const struct app_spec *spec, const char *plain, struct err *err)
{
	const struct conf_service *conf = conf_find(core->conf, plain);
	const char *maker;

	if (core->quitting)
		return err_set(err, EBUSY, "pgod is stopping: try again");
	if (core_named(core, plain) != NULL || (conf != NULL && !conf->made))
		return err_set(err, EEXIST, "there is a service or an app called %s already", spec->name);
	if (strv_has(&core->removing, plain))
		return err_set(err, EBUSY, "a service called %s is being removed: try again", spec->name);
	maker = maker_of(core, plain);
	if (maker != NULL)
		return err_set(
		    err, EBUSY, "the app %s is being made by %s at this moment: try again", spec->name, maker);
	/* Whoever has the old URL still would push into an empty app, and find nothing of his there. */
	if (!spec->anyone && app_formerly(core, plain) != NULL)
		return err_set(err, EPERM,
		    "the app of this name has got another one: only an operator, with host://apps create, makes one that "
		    "is called so again");
	return 0;
}

/* Its containers, volumes and directories are not for an app of another name. */
static bool
is_used(struct core *core, const char *service)
{
	auto_store_app struct store_app row = {0};
	const struct app_wish *wish;
	int rc;

	TAILQ_FOREACH(wish, &core->wishes, entry)
	{
		if (str_eq(wish->service, service))
			return true;
	}
	if (conf_find(core->conf, service) != NULL || strv_has(&core->removing, service))
		return true;
	rc = store_app_get(core->store, service, &row, NULL);
	return rc < 0 || (rc > 0 && row.called[0] != '\0');
}

/* That of the app of before, whose volumes are there; else the one that is called as the app, or as nearly so as can
 * be: one that was renamed keeps its own. */
static int
choose_service(struct core *core, const char *name, const char *plain, char ret[APPNAME_MAX + 1], struct err *err)
{
	auto_free char *former = NULL;
	int rc = store_app_called(core->store, name, &former, err);

	if (rc > 0 && conf_find(core->conf, former) == NULL && !strv_has(&core->removing, former))
		snprintf(ret, APPNAME_MAX + 1, "%s", former);
	else if (rc >= 0 && !app_number(plain, is_used, core, ret))
		return err_set(err, EEXIST, "too many apps were called %s: choose another name", name);
	return rc < 0 ? rc : 0;
}

static int
prepare(struct core *core, const struct app_spec *spec, struct app_wish *wish, struct err *err)
{
	int rc = appname_check(spec->name, err);

	if (rc < 0)
		return err_wrap(err, "the name of an app");
	appname_service(spec->name, wish->plain);
	rc = check(core, spec, wish->plain, err);
	if (rc >= 0)
		rc = choose_service(core, spec->name, wish->plain, wish->service, err);
	return rc < 0 ? rc : write_down(core, wish->service, spec, &wish->former, err);
}

void
app_create(struct core *core, const struct app_spec *spec, app_made done, void *ctx)
{
	struct err err = ERR_INIT;
	struct app_wish *wish = calloc(1, sizeof(*wish));
	char name[APPNAME_MAX + 1];

	if (wish == NULL)
		abort();
	if (prepare(core, spec, wish, &err) < 0) {
		free(wish);
		done(ctx, NULL, err.msg);
		return;
	}
	appname_of_service(wish->service, name);
	wish->id = ++core->last_app_id;
	wish->done = done;
	wish->ctx = ctx;
	snprintf(wish->maker, sizeof(wish->maker), "%s", spec->maker);
	TAILQ_INSERT_TAIL(&core->wishes, wish, entry);
	channel_send(core->pgod, msg_new("app-create", "sIss", "id", (json_int_t)wish->id, "name", name), NULL, 0);
}

void
app_create_forget(struct core *core, const void *ctx)
{
	struct app_wish *wish;

	TAILQ_FOREACH(wish, &core->wishes, entry)
	{
		if (wish->ctx == ctx)
			wish->done = NULL;
	}
}

int
app_on_made(struct core *core, const char *name, int64_t uid, struct err *err)
{
	auto_store_service struct store_service before = {0};
	const struct conf_service *conf = NULL;
	struct service *svc;
	int known;
	int rc;

	if (uid < PUSH_ID_MIN || uid >= UINT32_MAX)
		return err_set(err, EBADMSG, "the user id of an app is out of range");
	rc = conf_add_app(core->conf, name, (uid_t)uid, &conf, err);
	if (rc < 0)
		return rc;
	known = store_service_get(core->store, conf->name, &before, err);
	svc = known < 0 ? NULL : service_new(core, conf, err);
	if (svc == NULL)
		return err_wrap(err, "app %s", name);
	TAILQ_INSERT_TAIL(&core->services, svc, entry);
	/* Each core hears of all of them; what was taken from who made one stays taken. */
	if (known > 0)
		return 0;
	log_info("made by %s service=%s", svc->app->row.maker, conf->name);
	uploaded_made(core, svc->app->row.maker, svc->name);
	return service_save(svc, err);
}

void
app_on_answer(struct core *core, int64_t id, const char *error)
{
	struct service *svc;
	struct app_wish *wish;
	struct err err = ERR_INIT;

	TAILQ_FOREACH(wish, &core->wishes, entry)
	{
		if (wish->id == id)
			break;
	}
	if (wish == NULL)
		return;
	TAILQ_REMOVE(&core->wishes, wish, entry);
	svc = core_service(core, wish->service);
	if (svc == NULL && store_app_put(core->store, wish->service, &wish->former, &err) < 0)
		log_err("%s service=%s", err.msg, wish->service);
	if (error[0] == '\0' && svc != NULL)
		error = svc->problem;
	if (wish->done != NULL)
		wish->done(wish->ctx, error[0] == '\0' ? svc : NULL, error);
	store_app_done(&wish->former);
	free(wish);
}
