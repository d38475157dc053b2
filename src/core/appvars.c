#include "core/appvars.h"

#include "base/auto.h"
#include "base/log.h"
#include "core/masks.h"
#include "core/service.h"

enum { TEXT_MAX = 8 * VARS_BYTES_MAX }; /* as JSON, with everything in it escaped */

int
appvars_load(const struct service *svc, int64_t version, struct vars *ret, struct err *err)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	int rc;

	if (version == 0)
		return 0;
	rc = store_vars_read(svc->core->store, svc->conf->name, version, &text, err);
	if (rc >= 0)
		rc = vars_import(buf_str(&text), text.len, ret, err);
	buf_wipe(&text);
	return rc < 0 ? err_wrap(err, "version %lld of the variables", (long long)version) : 0;
}

int
appvars_store(struct service *svc, const struct vars *vars, int64_t *ret_version, struct err *err)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	int rc;

	vars_export(vars, VARS_JSON, &text);
	rc = store_vars_add(svc->core->store, svc->conf->name, buf_str(&text), text.len, ret_version, err);
	buf_wipe(&text);
	if (rc >= 0)
		appvars_mask(svc);
	return rc;
}

void
appvars_tidy(struct service *svc)
{
	const struct task *task;
	struct err err = ERR_INIT;

	TAILQ_FOREACH(task, &svc->queue, entry)
	{
		if (task->vars != 0)
			return;
	}
	if (store_vars_prune(svc->core->store, svc->conf->name, svc->row.vars, &err) < 0)
		log_err("old variables: %s service=%s", err.msg, svc->conf->name);
	appvars_mask(svc);
}

static bool
add_version(void *ctx, int64_t version)
{
	struct service *svc = ctx;
	auto_vars struct vars vars = {0};
	struct err err = ERR_INIT;

	if (appvars_load(svc, version, &vars, &err) < 0)
		log_err("%s service=%s", err.msg, svc->conf->name);
	masks_add_vars(&svc->masks, &vars);
	return true;
}

/* Those of a version that did not go live, or of before, are secrets all the same. */
void
appvars_mask(struct service *svc)
{
	struct err err = ERR_INIT;

	masks_free(TAKE(svc->masks));
	svc->masks = service_conf_masks(svc);
	if (store_vars_each(svc->core->store, svc->conf->name, add_version, svc, &err) < 0)
		log_err("variables: %s service=%s", err.msg, svc->conf->name);
}
