/* From stage to approve: the commit is judged and everything it needs is fetched, while what runs is untouched. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "compose/app.h"
#include "compose/start_first.h"
#include "core/appvars.h"
#include "core/deploy_steps.h"
#include "core/masks.h"
#include "core/pin.h"

static int
commit_job(struct deploy *d, const char *kind, const void *in, size_t in_len)
{
	auto_strv struct strv args = {NULL, 0};

	strv_add(&args, d->commit);
	return deploy_job(d, kind, &args, in, in_len, false);
}

int
step_stage(struct deploy *d, struct err *err)
{
	(void)err;
	d->named = false;
	return commit_job(d, "stage", NULL, 0);
}

/* When it is not the commit's fault it may be the local repository's: the next look fetches, which mends it. */
int
step_stage_failed(struct deploy *d, const struct job_result *r, struct err *err)
{
	char reason[ERR_MSG_MAX - 64];

	if (r->status != JOB_STATUS_REFUSED)
		d->svc->refetch = true;
	return err_set(err, EIO, "%s", job_reason(r, reason, sizeof(reason)));
}

/* The app's variables go along; a job without has nothing on its stdin. */
int
step_resolve(struct deploy *d, struct err *err)
{
	struct buf in = BUF_INIT(VARS_BYTES_MAX);
	auto_vars struct vars vars = {0};
	int rc = appvars_load(d->svc, d->vars, &vars, err);

	if (rc < 0)
		return rc;
	vars_packed(&vars, &in);
	rc = deploy_job(d, "resolve", NULL, in.len > 0 ? in.data : NULL, in.len, false);
	buf_wipe(&in);
	return rc;
}

int
step_resolve_done(struct deploy *d, const struct job_result *r, struct err *err)
{
	d->at_fault = true;
	if (r->tail[0] != '\0')
		task_sayf(d->task, "%s\n", r->tail);
	d->model = model_parse(r->out, r->out_len, err);
	d->masks = masks_of_model(d->model);
	if (d->model == NULL)
		return -err->num;
	app_disown(d->model, d->svc->app != NULL);
	return STEP_NEXT;
}

/* What is looked up in the commit and on the disk: all that the model reads in the live tree; in the data directory
 * there is no commit, but symbolic links there may be as well. */
static int
collect_inputs(struct deploy *d, struct err *err)
{
	auto_strv struct strv data = {NULL, 0};
	int rc = model_inputs(d->model, d->svc->live_path, &d->inputs, err);

	if (rc >= 0)
		rc = model_inputs(d->model, d->svc->data_path, &data, err);
	for (size_t i = 0; rc >= 0 && i < data.n; i++) {
		if (!strv_has(&d->inputs, data.v[i]) && !strv_add(&d->inputs, data.v[i]))
			rc = err_set(err, E2BIG, "the model names more than %d paths", STRV_MAX);
	}
	return rc;
}

/* NUL-terminated paths, as pgod-job reads them. */
static void
join_paths(const struct strv *paths, struct buf *ret)
{
	for (size_t i = 0; i < paths->n; i++)
		buf_add(ret, paths->v[i], strlen(paths->v[i]) + 1);
}

int
step_inputs(struct deploy *d, struct err *err)
{
	auto_buf struct buf in = BUF_INIT(MODEL_MAX);
	int rc;

	d->at_fault = true;
	rc = collect_inputs(d, err);
	if (rc < 0)
		return rc;
	if (d->inputs.n == 0)
		return STEP_NEXT;
	join_paths(&d->inputs, &in);
	return commit_job(d, "inputs", in.data, in.len);
}

int
step_inputs_done(struct deploy *d, const struct job_result *r, struct err *err)
{
	const char *p = r->out;

	while (*p != '\0') {
		size_t len = strcspn(p, "\n");

		strv_add_take(&d->answers, str_printf("%.*s", (int)len, p));
		p += len + (p[len] == '\n' ? 1 : 0);
	}
	if (d->answers.n != d->inputs.n)
		return err_set(err, EPROTO, "the job inputs answered %zu of %zu paths", d->answers.n, d->inputs.n);
	return STEP_NEXT;
}

/* --- external networks --- */

static int
ask_network(struct deploy *d, size_t i, engine_reply_fn *cb, struct err *err)
{
	(void)err;
	d->req = engine_network(d->svc->core->engine, d->networks.v[i], cb, d);
	return STEP_WAIT;
}

static int
got_network(struct deploy *d, size_t i, const struct engine_reply *reply, struct err *err)
{
	(void)err;
	if (reply->missing)
		strv_add(&d->missing, d->networks.v[i]);
	return 0;
}

static int
judge_networks(struct deploy *d, struct err *err)
{
	auto_buf struct buf names = BUF_INIT(512);

	(void)err;
	if (d->missing.n == 0)
		return STEP_NEXT;
	for (size_t i = 0; i < d->missing.n; i++) {
		buf_str_add(&names, i > 0 ? ", " : "");
		buf_vis(&names, d->missing.v[i], strlen(d->missing.v[i]), false);
	}
	if (d->mode == DEPLOY_PUSH)
		return deploy_ends(d, OUTCOME_REFUSED,
		    "external network %s does not exist: push again when the service that makes it runs",
		    buf_str(&names));
	return deploy_ends(d, OUTCOME_WAITING,
	    "external network %s does not exist yet: waiting for the service that makes it", buf_str(&names));
}

/* A new release of an app joins it later, if visitors are led to it. */
static void
add_proxy_network(struct deploy *d)
{
	const struct conf_push *push = d->svc->core->conf->push;

	if (d->svc->app != NULL && d->approved == NULL && push != NULL && push->proxy_network != NULL &&
	    !strv_has(&d->networks, push->proxy_network))
		strv_add(&d->networks, push->proxy_network);
}

int
step_networks(struct deploy *d, struct err *err)
{
	int rc = model_external_networks(d->model, &d->networks, err);

	if (rc < 0)
		return rc;
	add_proxy_network(d);
	if (!d->svc->core->engine_up)
		return err_set(err, EAGAIN, "the engine does not answer: %s", d->svc->core->engine_reason);
	return deploy_ask_each(d, &(struct asking){d->networks.n, ask_network, got_network, judge_networks}, err);
}

/* --- approve --- */

static const char *
how_missed(const struct model_image *im)
{
	if (im->build)
		return "building it did not make it";
	return im->pull ? "pulling it did not bring it" : "its pull_policy forbids to pull it";
}

static int
fixed_ids(const struct deploy *d, struct model_image_id *ret, struct err *err)
{
	for (size_t i = 0; i < d->images.n; i++) {
		const struct model_image *im = &d->images.v[i];

		if (d->ids[i] == NULL)
			return err_set(err, ENOENT, "services.%s.image: there is no image %s on this machine, and %s",
			    im->service, im->written, how_missed(im));
		ret[i] = (struct model_image_id){.service = im->service, .id = d->ids[i]};
	}
	return 0;
}

/* {"web": {"name": "busybox:1", "id": "sha256:...", "built": false}}: ps shows the written name. */
static char *
images_text(const struct deploy *d)
{
	auto_json json_t *all = json_object();

	for (size_t i = 0; i < d->images.n; i++)
		json_object_set_new(all, d->images.v[i].service,
		    json_pack("{ss ss sb}", "name", d->images.v[i].written, "id", d->ids[i], "built",
			(int)d->images.v[i].build));
	return json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
}

json_t *
deploy_approved_model(const struct deploy *d, const struct model_image_id *ids, struct err *err)
{
	auto_json json_t *approved = model_approve(d->model, ids, d->images.n, err);

	if (approved == NULL)
		return NULL;
	if (deploy_update(d) == MODEL_UPDATE_START_FIRST)
		model_mark_in_place(approved, d->model, &d->inputs, &d->answers);
	model_label_inputs(approved, d->model, &d->inputs, &d->answers);
	return appscale_lay(d->svc, d->vars, approved, err) < 0 ? NULL : TAKE(approved);
}

bool
deploy_unfinished(const struct service *svc)
{
	return svc->row.applying != 0;
}

bool
deploy_differs(const struct service *svc, const char *digest)
{
	return svc->row.release == 0 || deploy_unfinished(svc) || !str_eq(digest, svc->release.digest);
}

/* The new release is written down before anything is touched: a later pgod can finish what this one begins. */
int
step_approve(struct deploy *d, struct err *err)
{
	struct service *svc = d->svc;
	auto_free struct model_image_id *ids = calloc(d->images.n + 1, sizeof(*ids));
	auto_json json_t *approved = NULL;
	auto_free char *images = NULL;
	int rc;

	if (ids == NULL)
		abort();
	rc = fixed_ids(d, ids, err);
	if (rc >= 0)
		rc = model_digest(d->model, ids, d->images.n, &d->inputs, &d->answers, d->digest, err);
	if (rc < 0)
		return rc;
	approved = deploy_approved_model(d, ids, err);
	if (approved == NULL)
		return -err->num;
	rc = service_pin_model(svc, approved, err);
	if (rc < 0)
		return rc;
	d->approved = model_dump(approved);
	(void)appscale_lay(svc, d->vars, d->model, NULL);
	d->changed = deploy_differs(svc, d->digest);
	if (!d->changed && str_eq(d->commit, svc->release.commit) && d->vars == svc->release.vars) {
		d->release = svc->row.release;
		d->was_good = svc->release.good_ms != 0;
		return STEP_NEXT;
	}
	images = images_text(d);
	rc = store_release_add(svc->core->store, svc->conf->name,
	    &(struct store_release){
		.commit = d->commit, .digest = d->digest, .basis = d->basis, .images = images, .vars = d->vars},
	    d->approved, &d->release, err);
	return rc < 0 ? rc : STEP_NEXT;
}
