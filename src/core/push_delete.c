/* A push that deletes a branch, where [push] lets it: the app of that branch is destroyed as an operator would do it
 * (app_end.c), and the branch goes with it. That it ends is written down there first, so whatever ends this core, the
 * next one goes on; before that nothing has been done. */
#include "base/auto.h"
#include "base/log.h"
#include "core/app.h"
#include "core/client.h"
#include "core/push_branch.h"
#include "core/push_state.h"
#include "core/receive.h"
#include "core/urls.h"
#include "ipc/gitline.h"

/* What would be destroyed; NULL when no app runs of the branch. */
static struct service *
app_of_branch(const struct receive *r)
{
	char name[APPNAME_MAX + 1];
	char service[APPNAME_MAX + 1];
	struct service *svc;

	if (push_branch_app(r->svc->app->name, r->branch, name, NULL) < 0)
		return NULL;
	appname_service(name, service);
	svc = core_named(r->core, service);
	if (svc == NULL || svc->app == NULL || !str_eq(svc->app->row.main, r->svc->conf->name) ||
	    !str_eq(svc->app->row.branch, r->branch))
		return NULL;
	return svc;
}

/* Why the branch stays, whatever its app is doing; NULL: it need not. The caller frees. */
static char *
why_not(const struct receive *r, const struct service *svc)
{
	if (!r->core->conf->push->ends)
		return str_printf(
		    "a push does not delete the branch %s, for an app runs of it: `delete = true` in [push] "
		    "would let it; an operator's `host://apps destroy` takes that app down, and its branch "
		    "with it",
		    r->branch);
	if (r->svc->app->row.locked[0] != '\0')
		return push_refusal(r->svc, true);
	if (push_is_own_branch(r->svc, r->branch))
		return str_printf("the branch %s is what %s itself runs of, which no push destroys: an operator's "
				  "`host://apps destroy` does",
		    r->branch, r->svc->name);
	if (svc == NULL)
		return str_printf("no app of %s runs of a branch %s", r->svc->name, r->branch);
	/* Rights are each app's own: who may push here need not be anybody there. */
	if (!client_may_also(r->client, svc, gitline_op(GITLINE_RECEIVE)))
		return str_printf(
		    "your key may not push to %s, which is the app of the branch %s", svc->name, r->branch);
	return app_why_kept(svc);
}

void
push_ask_to_delete(struct receive *r)
{
	struct service *svc = app_of_branch(r);
	auto_free char *why = why_not(r, svc);

	if (why != NULL)
		receive_refuse(r, why);
	else
		push_take(r, svc);
}

void
push_delete(struct push *p, const char *branch)
{
	struct service *svc = p->svc;
	auto_strv struct strv urls = {NULL, 0};

	p->works = true;
	log_info("its branch %s is deleted, and the app with it by=\"%s\" service=%s", branch, p->who, svc->conf->name);
	push_text_head(&p->text, "Destroying %s: the branch %s is deleted", svc->name, branch);
	urls_of(svc, &urls);
	for (size_t i = 0; i < urls.n; i++) {
		auto_free char *line = str_printf("Removing %s", urls.v[i]);

		push_text_detail(&p->text, line);
	}
	push_text_detail(&p->text, "Removing its containers and releases; its volumes stay, its files are put away");
	if (svc->running != NULL)
		push_text_detail(&p->text, "waiting: something else is being done for it");
	if (!app_destroy(svc, "push", p->who, NULL))
		push_give_up(p, "too much waits for this app already");
	else if (svc->push != NULL && svc->waits)
		push_text_detail(&svc->push->text, "waiting: other services are being deployed");
}

bool
push_deletes(const struct service *svc)
{
	return svc->push != NULL && svc->push->deletes && svc->push->works && svc->push->to != NULL;
}

void
push_destroyed(struct service *svc, const char *error)
{
	struct push *p = svc->push;

	if (!push_deletes(svc))
		return;
	if (error != NULL) {
		push_give_up(p, error);
		return;
	}
	push_text_destroyed(&p->text, svc->name);
	push_answer(p, NULL);
	push_discard(svc);
}
