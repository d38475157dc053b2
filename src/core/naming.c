#include "core/naming.h"

#include <stdlib.h>

#include "base/auto.h"
#include "core/client.h"
#include "core/service.h"

void
naming_forget(struct naming *n)
{
	if (n == NULL)
		return;
	lead_abandon(n->wait);
	free(n->said);
	free(n->before);
	free(n->after);
	free(n);
}

static void
on_led(void *ctx, enum lead how, const char *why)
{
	struct client *c = ctx;
	struct naming *n = TAKE(c->naming);

	n->wait = NULL;
	n->told(c, n, how, why);
	naming_forget(n);
}

void
naming_await(struct client *c, const struct service *svc, bool led, const struct naming *take_spec)
{
	struct naming *n = malloc(sizeof(*n));

	if (n == NULL)
		abort();
	*n = *take_spec;
	c->naming = n;
	lead_changed(c->core, svc->conf->name);
	n->wait = led ? lead_await(c->core, svc->conf->name, on_led, c) : NULL;
	if (n->wait == NULL)
		on_led(c, LEAD_DONE, "");
}
