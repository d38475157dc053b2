/* One more try of a step that the engine has failed in passing. */
#include "base/auto.h"
#include "base/log.h"
#include "core/deploy_steps.h"
#include "core/engine_fault.h"

bool
deploy_tries_again(struct deploy *d, const struct job_result *r)
{
	/* Killed, overran, or with an engine that is gone: that has its own way. */
	bool ended = r->status > 0 && r->status < 128 && d->svc->core->engine_up && !d->svc->core->quitting;
	const char *what = ended && !d->tried_again ? engine_fault(r->tail) : NULL;
	auto_free char *text = NULL;

	if (what == NULL)
		return false;
	d->tried_again = true;
	text = str_printf("%s: the engine failed, %s: once more", deploy_step_name(d), what);
	log_warn("%s service=%s deploy=%lld", text, d->svc->conf->name, (long long)d->id);
	deploy_warn(d, text);
	return true;
}
