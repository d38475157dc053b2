/* What the release mounts is pinned: before the old containers stop, so that a release that cannot be pinned stops
 * nothing, and once more when none of them runs any more and no one can have put something else there since. */
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "compose/pins.h"
#include "core/deploy_steps.h"
#include "core/pin.h"

static void
on_pinned(void *ctx, const char *error)
{
	struct deploy *d = ctx;
	struct err err = ERR_INIT;
	int rc = STEP_NEXT;

	d->pin = NULL;
	if (error[0] != '\0')
		rc = err_set(&err, EIO, "%s", error);
	deploy_continue(d, rc, &err);
}

int
step_pin(struct deploy *d, struct err *err)
{
	auto_json json_t *approved = model_parse(d->approved, strlen(d->approved), err);
	auto_pin_set struct pin_set pins = {0};
	int rc = approved == NULL ? -err->num : model_pins(approved, &pins, err);

	if (rc < 0)
		return rc;
	if (pins.names.n == 0)
		return STEP_NEXT;
	d->pin = core_pin(d->svc->core, d->svc->conf->name, &pins, PIN_FRESH, on_pinned, d);
	return STEP_WAIT;
}

int
step_pin_again(struct deploy *d, struct err *err)
{
	return d->touched ? step_pin(d, err) : STEP_NEXT;
}
