/* Who a client is, by the key that signed, and what he may know of. */
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "core/app.h"
#include "core/client.h"
#include "core/service.h"
#include "ipc/opname.h"

/* What was uploaded is good for what is pushed, and for nothing else. */
static void
add_uploaded(const struct client *c, const struct service *svc, const struct asker *asker, struct access *a)
{
	const struct conf_push *push = c->core->conf->push;

	if (svc != NULL && svc->app != NULL)
		access_add_pushkeys(a, &c->core->uploaded, svc->name, app_main_plain(svc), asker);
	else if (svc == NULL && push != NULL && push->create && str_is_service_name(c->line.service))
		access_add_makers(a, &c->core->uploaded, c->line.service, asker);
}

/* All that the key gives on the service; NULL: on the host, or where there is none. */
static void
gather(const struct client *c, const struct service *svc, const struct asker *asker, struct access *ret)
{
	bool host = str_eq(c->line.service, OPNAME_HOST_SERVICE);
	const char *name = svc != NULL ? svc->name : c->line.service;

	access_begin(ret, asker);
	access_add_operators(ret, &c->core->conf->operators, host ? NULL : name, asker);
	if (svc != NULL)
		access_add_keys(ret, &svc->keys, asker);
	add_uploaded(c, svc, asker, ret);
}

/* The key that signed must be one of the service's, or of an operator who may act on it, here and now. A service that
 * does not exist, and the host, answer exactly as a refused key, so that nobody can list the services of a host but the
 * operators who may act on all of them. */
static bool
may_know(struct client *c, const struct service *svc, const struct asker *asker)
{
	access_done(&c->access);
	gather(c, svc, asker, &c->access);
	c->who = c->access.who;
	return c->access.known;
}

/* The blob is the caller's to free, and the address. */
static struct asker
asker_of(const struct client *c, void **ret_blob, char **ret_address)
{
	struct asker asker = {.now_s = io_wall_ms() / 1000};

	*ret_blob = str_unbase64(c->key, &asker.blob_len);
	*ret_address = access_address(c->peer);
	asker.blob = *ret_blob != NULL ? *ret_blob : "";
	asker.address = *ret_address;
	return asker;
}

bool
client_may_also(const struct client *c, const struct service *svc, const char *op)
{
	auto_free void *blob = NULL;
	auto_free char *address = NULL;
	struct asker asker = asker_of(c, &blob, &address);
	auto_access struct access access = {0};

	gather(c, svc, &asker, &access);
	return access_may(&access, op);
}

bool
client_authorise(struct client *c, const struct service **ret_renamed)
{
	struct service *svc = core_named(c->core, c->line.service);
	const struct service *former = svc == NULL ? app_formerly(c->core, c->line.service) : NULL;
	auto_free void *blob = NULL;
	auto_free char *address = NULL;
	struct asker asker = asker_of(c, &blob, &address);

	if (former != NULL && may_know(c, former, &asker))
		*ret_renamed = former;
	else if (may_know(c, svc, &asker))
		c->svc = svc;
	else if (c->access.why != NULL)
		log_info("refused peer=%s key=%s asked=%s why=\"%s\"", c->peer, c->who, c->line.service, c->access.why);
	else
		log_info("refused peer=%s key=%s asked=%s", c->peer, c->who, c->line.service);
	return c->access.known;
}
