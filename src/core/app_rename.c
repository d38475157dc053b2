/* Apps get other names. What is called so stays: the service, and with it account, directories, containers, volumes and
 * all that is written down. So a name changes in one write, and no kill can come in between. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "core/app_names.h"
#include "core/lead.h"
#include "core/op.h"
#include "core/push.h"
#include "core/push_branch.h"
#include "core/service.h"
#include "core/uploaded.h"

/* The app, or that of one of its branches, and what it is to be called. */
struct renaming {
	struct service *svc;
	char name[APPNAME_MAX + 1];
	char plain[APPNAME_MAX + 1];
};

struct renamings {
	struct renaming *v; /* the app itself first */
	size_t n;
};

static void
renamings_done(struct renamings *all)
{
	free(all->v);
}

/* --- may it be? --- */

static int
check_idle(const struct service *svc, struct err *err)
{
	auto_free char *holder = push_holder(svc);

	if (svc->ending)
		return err_set(err, EBUSY, "the app %s is being destroyed", svc->app->name);
	if (holder != NULL)
		return err_set(err, EBUSY, "%s", holder);
	if (op_is_deployed(svc))
		return err_set(err, EBUSY,
		    "%s is being deployed: `logs -f deploy` follows it, and then it can be renamed", svc->app->name);
	return 0;
}

static int
check_free(struct core *core, const struct renaming *r, struct err *err)
{
	const struct conf_service *conf = conf_find(core->conf, r->plain);
	auto_domains struct domains all = {0};
	auto_free char *own = NULL;

	if (core_named(core, r->plain) != NULL || (conf != NULL && !conf->made))
		return err_set(err, EEXIST, "there is a service or an app called %s already", r->name);
	names_all(core, true, &all);
	own = domains_own(all.zone, r->name);
	return own == NULL ? 0 : domains_judge(&all, r->name, own, err);
}

/* Rights go by names. What pgo.toml says cannot be changed here, so nobody may lose an app by this, or get one. */
static int
check_operators(const struct core *core, const struct renaming *r, struct err *err)
{
	const struct conf_operators *operators = &core->conf->operators;

	for (size_t i = 0; i < operators->n; i++) {
		const struct conf_operator *o = &operators->v[i];
		bool before = operator_has(o, r->svc->name);

		if (before != operator_has(o, r->plain))
			return err_set(err, EPERM,
			    "operator %s may act on %s by pgo.toml, but not on %s: both must stand there, or neither",
			    o->name, before ? r->svc->name : r->plain, before ? r->plain : r->svc->name);
	}
	return 0;
}

/* A push of such a branch would have no name left for its app. */
static int
check_branches(const struct service *svc, const char *name, struct err *err)
{
	const struct service *other;

	TAILQ_FOREACH(other, &svc->core->services, entry)
	{
		size_t len = other->app != NULL ? strlen(other->app->name) : 0;

		if (other == svc || len == 0 || app_is_branch(other))
			continue;
		if (strncmp(name, other->app->name, len) == 0 && name[len] == '-')
			return err_set(err, EEXIST,
			    "%s would be taken for the branch %s of the app %s: choose another name", name,
			    name + len + 1, other->app->name);
	}
	return 0;
}

/* Such a commit would be refused when it is next deployed, if only with another variable. */
static bool
commit_names_it(const struct service *svc)
{
	auto_domains struct domains all = {0};
	auto_strv struct strv cname = {NULL, 0};
	auto_free char *own = NULL;

	names_all(svc->core, false, &all);
	own = domains_own(all.zone, svc->app->name);
	names_lines(svc->app->row.cname, &cname);
	return own != NULL && strv_has(&cname, own);
}

static int
check_app(const struct service *svc, const char *name, struct err *err)
{
	struct err why = ERR_INIT;

	if (!svc->app->made)
		return err_set(
		    err, EPERM, "%s stands in pgo.toml: it is called as its [[services]] entry says", svc->app->name);
	if (appname_check(name, &why) < 0)
		return err_set(err, EINVAL, "the name of an app %s", why.msg);
	if (app_is_branch(svc))
		return err_set(err, EPERM, "%s is the branch %s of %s: it is called after that, and renamed with it",
		    svc->app->name, svc->app->row.branch, app_main(svc));
	if (str_eq(svc->app->name, name))
		return err_set(err, EEXIST, "it is called %s already", name);
	if (commit_names_it(svc))
		return err_set(err, EPERM,
		    "the file CNAME of %s says what it is called by itself as long as its name is this one: take that out "
		    "and push, then rename it",
		    svc->app->name);
	return check_branches(svc, name, err);
}

static int
check(struct core *core, const struct renaming *r, struct err *err)
{
	int rc = check_idle(r->svc, err);

	if (rc >= 0)
		rc = check_free(core, r, err);
	return rc < 0 ? rc : check_operators(core, r, err);
}

/* --- what is renamed --- */

static void
add(struct renamings *all, struct service *svc, const char *name)
{
	struct renaming *grown = reallocarray(all->v, all->n + 1, sizeof(*grown));
	struct renaming *r;

	if (grown == NULL)
		abort();
	all->v = grown;
	r = &grown[all->n++];
	r->svc = svc;
	snprintf(r->name, sizeof(r->name), "%s", name);
	appname_service(name, r->plain);
}

/* A branch is called after its app, or the next push of it would make another one. */
static int
find_all(struct service *svc, const char *name, struct renamings *ret, struct err *err)
{
	char called[APPNAME_MAX + 1];
	struct service *other;

	add(ret, svc, name);
	TAILQ_FOREACH(other, &svc->core->services, entry)
	{
		if (other == svc || other->app == NULL || !str_eq(other->app->row.main, svc->conf->name))
			continue;
		if (push_branch_app(name, other->app->row.branch, called, err) < 0)
			return -err->num;
		add(ret, other, called);
	}
	return 0;
}

/* --- it is written down, and done --- */

static int
write_down(struct core *core, const struct renamings *all, struct err *err)
{
	int rc = store_begin(core->store, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; rc >= 0 && i < all->n; i++) {
		const struct renaming *r = &all->v[i];

		rc = store_app_rename(core->store, r->svc->conf->name, r->svc->app->name, r->name, err);
		if (rc >= 0)
			rc = uploaded_rename(core, r->svc->name, r->plain, err);
	}
	if (store_end(core->store, rc < 0, err) < 0) {
		uploaded_again(core);
		return -err->num;
	}
	return 0;
}

static void
take_over(const struct renaming *r, const char *who)
{
	struct app *app = r->svc->app;

	log_info("renamed from %s to %s by %s service=%s", app->name, r->name, who, r->svc->conf->name);
	str_set(&app->row.called, r->name);
	snprintf(app->name, sizeof(app->name), "%s", r->name);
	snprintf(app->plain, sizeof(app->plain), "%s", r->plain);
	lead_changed(r->svc->core, r->svc->conf->name);
}

int
app_rename(struct service *svc, const char *name, const char *who, struct err *err)
{
	__attribute__((cleanup(renamings_done))) struct renamings all = {NULL, 0};
	int rc = check_app(svc, name, err);

	/* It may be of a branch, and be called so; or would be called as this one. */
	if (rc >= 0 && !TAILQ_EMPTY(&svc->core->wishes))
		rc = err_set(err, EBUSY, "an app is being made at this moment: try again");
	if (rc >= 0)
		rc = find_all(svc, name, &all, err);
	for (size_t i = 0; rc >= 0 && i < all.n; i++)
		rc = check(svc->core, &all.v[i], err);
	if (rc >= 0)
		rc = write_down(svc->core, &all, err);
	for (size_t i = 0; rc >= 0 && i < all.n; i++)
		take_over(&all.v[i], who);
	return rc;
}
