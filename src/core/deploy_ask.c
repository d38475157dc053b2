/* A question to the engine about each of several things, one after the other. */
#include <errno.h>

#include "core/deploy_steps.h"

static int next(struct deploy *d, struct err *err);

static void
on_answer(void *ctx, const struct engine_reply *reply)
{
	struct deploy *d = ctx;
	struct err err = ERR_INIT;
	int rc;

	d->req = NULL;
	if (reply->err->num != 0)
		rc = err_set(&err, EIO, "%s", reply->err->msg);
	else
		rc = d->asking.got(d, d->asked, reply, &err);
	if (rc >= 0) {
		d->asked++;
		rc = next(d, &err);
	}
	deploy_continue(d, rc, &err);
}

static int
next(struct deploy *d, struct err *err)
{
	int rc = STEP_NEXT;

	for (; d->asked < d->asking.n; d->asked++) {
		rc = d->asking.ask(d, d->asked, on_answer, err);
		if (rc != STEP_NEXT)
			return rc;
	}
	return d->asking.all != NULL ? d->asking.all(d, err) : STEP_NEXT;
}

int
deploy_ask_each(struct deploy *d, const struct asking *asking, struct err *err)
{
	d->asking = *asking;
	d->asked = 0;
	return next(d, err);
}
