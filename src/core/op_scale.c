/* `scale`: how many containers an app has of each compose service. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "core/app.h"
#include "core/appscale.h"
#include "core/client.h"
#include "core/op.h"
#include "core/service.h"

static void
show(struct client *c, bool json)
{
	auto_json json_t *all = json_object();
	auto_buf struct buf text = BUF_INIT(64 * 1024);
	const struct model_services *facts = &c->svc->facts;

	for (size_t i = 0; i < facts->n; i++) {
		json_object_set_new(all, facts->v[i].name, json_integer(facts->v[i].scale));
		buf_printf(&text, "%s: %d\n", facts->v[i].name, facts->v[i].scale);
	}
	if (json)
		client_answer_json(c, 0, all);
	else
		client_answer(c, 1, 0, "%s", buf_str(&text));
}

static bool
is_there(const struct service *svc, const char *word)
{
	size_t len = strcspn(word, "=");

	for (size_t i = 0; i < svc->facts.n; i++) {
		if (strlen(svc->facts.v[i].name) == len && strncmp(svc->facts.v[i].name, word, len) == 0)
			return true;
	}
	return false;
}

/* As it would be laid over what runs. */
static int
try(const struct service *svc, const char *text, struct err *err)
{
	auto_buf struct buf release = BUF_INIT(2 * MODEL_MAX);
	struct app app = *svc->app;
	struct service as = *svc;
	auto_json json_t *model = NULL;
	int rc = store_model_read(svc->core->store, svc->conf->name, svc->row.release, &release, err);

	if (rc < 0)
		return rc;
	model = model_parse(buf_str(&release), release.len, err);
	if (model == NULL)
		return -err->num;
	app.scaling = (char *)text;
	as.app = &app;
	return appscale_lay(&as, svc->row.vars, model, err);
}

static void
set(struct client *c, const struct strv *words)
{
	struct service *svc = c->svc;
	auto_free char *refusal = op_app_refusal(svc);
	auto_buf struct buf text = BUF_INIT(APPSCALE_TEXT_MAX);
	auto_buf struct buf asked = BUF_INIT(2 * APPSCALE_TEXT_MAX);
	struct task task = {.kind = TASK_DEPLOY, .mode = DEPLOY_BACK, .release = svc->row.release, .scales = true};
	struct err err = ERR_INIT;
	int rc = 0;

	if (refusal != NULL) {
		client_answer(c, 2, 1, "scale: %s\n", refusal);
		return;
	}
	buf_str_add(&text, svc->app->row.scale);
	for (size_t i = 0; rc >= 0 && i < words->n; i++) {
		rc = appscale_add(words->v[i], &text, &err);
		if (rc >= 0 && !is_there(svc, words->v[i]))
			rc = err_set(
			    &err, 1, "there is no compose service %.*s", (int)strcspn(words->v[i], "="), words->v[i]);
	}
	if (rc >= 0)
		rc = try(svc, buf_str(&text), &err);
	if (rc < 0) {
		client_answer(c, 2, 1, "scale: %s\n", err.msg);
		return;
	}
	snprintf(task.scale, sizeof(task.scale), "%s", buf_str(&text));
	buf_str_add(&asked, "scale");
	for (size_t i = 0; i < words->n; i++)
		buf_printf(&asked, " %s", words->v[i]);
	task.why = asked.data;
	op_queue(c, task);
}

void
scale_run(struct client *c, const struct op *op, const struct strv *args)
{
	bool json = strv_has(args, "--json");

	if (c->svc->app == NULL)
		client_answer(c, 2, 1,
		    "%s: nobody pushes to %s: its compose file says how many, scale or deploy.replicas\n", op->name,
		    c->svc->name);
	else if (args->n == (size_t)json)
		show(c, json);
	else if (c->svc->row.release == 0)
		client_answer(c, 2, 1,
		    "%s: nothing runs yet: push first, or set "
		    "CONTAINERS with config\n",
		    op->name);
	else if (service_stopped(c->svc, NULL))
		client_answer(c, 2, 1, "%s: %s was stopped: scale it after `start`\n", op->name, c->svc->name);
	else
		set(c, args);
}
