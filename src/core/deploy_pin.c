/* The service's share is mounted. What the release mounts is pinned: before the old containers stop, so that a release
 * that cannot be pinned stops nothing, and once more when none of them runs any more and no one can have put something
 * else there since. */
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

static int
pin_as(struct deploy *d, enum pin_how how, void (*done)(void *ctx, const char *error), struct err *err)
{
	auto_json json_t *approved = model_parse(d->approved, strlen(d->approved), err);
	auto_pin_set struct pin_set pins = {0};
	int rc = approved == NULL ? -err->num : model_pins(approved, &pins, err);

	if (rc < 0)
		return rc;
	if (pins.names.n == 0 && !d->svc->conf->shared)
		return STEP_NEXT;
	d->pin = core_pin(d->svc->core, d->svc->conf->name, &pins, how, done, d);
	return STEP_WAIT;
}

/* Before anything of the service is touched, and before directories are made that are to lie on it. */
int
step_share(struct deploy *d, struct err *err)
{
	struct pin_set none = {0};

	(void)err;
	if (!d->svc->conf->shared)
		return STEP_NEXT;
	d->pin = core_pin(d->svc->core, d->svc->conf->name, &none, PIN_KEEP, on_pinned, d);
	return STEP_WAIT;
}

int
step_pin(struct deploy *d, struct err *err)
{
	return pin_as(d, PIN_FRESH, on_pinned, err);
}

/* One of the old containers had the last word, and put something there that cannot be pinned: what was pinned while
 * they ran was verified as well, and is what starts. */
static void
on_pinned_again(void *ctx, const char *error)
{
	struct deploy *d = ctx;
	struct err err = ERR_INIT;
	int rc = STEP_NEXT;

	d->pin = NULL;
	if (error[0] != '\0') {
		task_sayf(d->task, "%s; what was there before the containers stopped is mounted\n", error);
		rc = pin_as(d, PIN_KEEP, on_pinned, &err);
	}
	if (rc != STEP_WAIT)
		deploy_continue(d, rc, &err);
}

int
step_pin_again(struct deploy *d, struct err *err)
{
	return d->touched ? pin_as(d, PIN_FRESH, on_pinned_again, err) : STEP_NEXT;
}
