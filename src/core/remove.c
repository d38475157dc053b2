#include "core/remove.h"

#include <stdlib.h>

#include "base/auto.h"
#include "base/log.h"
#include "core/app.h"
#include "core/job.h"
#include "core/keep.h"

struct removal {
	struct core *core;
	char *service;
};

static void
no_longer_removing(struct core *core, const char *service)
{
	struct strv left = {NULL, 0};

	for (size_t i = 0; i < core->removing.n; i++) {
		if (!str_eq(core->removing.v[i], service))
			strv_add(&left, core->removing.v[i]);
	}
	strv_done(&core->removing);
	core->removing = left;
}

static void
retire(struct core *core, const char *service)
{
	channel_send(core->pgod, msg_new("retire", "ss", "service", service), NULL, 0);
}

static void
removal_free(struct removal *rm)
{
	free(rm->service);
	free(rm);
}

static void
on_untagged(void *ctx)
{
	struct removal *rm = ctx;

	retire(rm->core, rm->service);
	removal_free(rm);
}

/* Nobody goes back to its releases any more: the tags that kept their images go, and nothing else that has a name. */
static void
untag(struct removal *rm)
{
	auto_strv struct strv images = {NULL, 0};
	struct err err = ERR_INIT;

	if (store_images_kept(rm->core->store, rm->service, &images, &err) < 0)
		log_err("%s service=%s", err.msg, rm->service);
	if (images.n > 0)
		keep_drop(rm->core, rm->service, &images, on_untagged, rm);
	else
		on_untagged(rm);
}

/* Containers and networks are gone, volumes are not (I9); then the directories are put aside. */
static void
on_down(void *ctx, const struct job_result *r)
{
	struct removal *rm = ctx;
	char reason[ERR_MSG_MAX];

	if (r->status == 0) {
		untag(rm);
		return;
	}
	log_err("cannot take down a service that is no longer configured: %s service=%s",
	    job_reason(r, reason, sizeof(reason)), rm->service);
	no_longer_removing(rm->core, rm->service);
	removal_free(rm);
}

static void
take_down(struct core *core, const char *service)
{
	struct removal *rm = calloc(1, sizeof(*rm));

	if (rm == NULL)
		abort();
	rm->core = core;
	rm->service = str_dup(service);
	log_info("no longer configured: taking it down, its volumes and files are kept service=%s", service);
	job_start(core, &(struct job_spec){.kind = "down", .service = service, .done = on_down, .ctx = rm});
}

static void
remove_one(struct core *core, const char *service, enum app_gone gone)
{
	auto_store_service struct store_service row = {0};
	struct err err = ERR_INIT;
	int applied = store_deploy_applied(core->store, service, &err);

	if (applied < 0 || store_service_get(core->store, service, &row, &err) < 0) {
		log_err("%s service=%s", err.msg, service);
		return;
	}
	strv_add(&core->removing, service);
	/* What was never deployed has no containers of ours: a project of that name is somebody else's. One whose first
	 * deploy was interrupted has, and no release. */
	if (gone < APP_DOWN && (row.release != 0 || applied > 0))
		take_down(core, service);
	else
		retire(core, service);
}

static void
remove_unless_kept(struct core *core, const char *service)
{
	auto_store_app struct store_app app = {0};
	struct err err = ERR_INIT;

	if (store_app_get(core->store, service, &app, &err) < 0)
		log_err("%s service=%s", err.msg, service);
	/* An app that nobody has destroyed is not removed because a file was lost. */
	else if (app.maker[0] != '\0' && app.gone == APP_THERE)
		log_err("pgod has no record of this app, in .apps: nothing of it is touched service=%s", service);
	else if (app.gone == APP_THERE && conf_count(core->conf) == 0)
		log_warn("the configuration names no services at all: nothing is removed service=%s", service);
	else
		remove_one(core, service, (enum app_gone)app.gone);
}

void
remove_unconfigured(struct core *core)
{
	auto_strv struct strv names = {NULL, 0};
	struct err err = ERR_INIT;

	if (store_service_names(core->store, &names, &err) < 0) {
		log_err("%s", err.msg);
		return;
	}
	for (size_t i = 0; i < names.n; i++) {
		if (conf_find(core->conf, names.v[i]) != NULL || strv_has(&core->removing, names.v[i]))
			continue;
		remove_unless_kept(core, names.v[i]);
	}
}

void
remove_on_retired(struct core *core, const char *service, const char *error)
{
	struct err err = ERR_INIT;

	no_longer_removing(core, service);
	if (error[0] != '\0') {
		log_err("cannot put the directories aside: %s service=%s", error, service);
		return;
	}
	log_info("removed; its files are in .removed service=%s", service);
	app_forget(core, service);
	if (store_service_forget(core->store, service, &err) < 0)
		log_err("%s service=%s", err.msg, service);
}
