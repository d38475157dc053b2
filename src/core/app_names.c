#include "core/app_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "compose/web.h"
#include "core/cname.h"
#include "core/import.h"
#include "core/service.h"

static void
set_web(struct app_web *w, const json_t *model)
{
	const char *service;
	int port = 0;
	bool is = model_web(model, &service, &port);

	free(w->service);
	free(w->alias);
	*w = (struct app_web){.service = is ? str_dup(service) : NULL, .port = port, .alias = model_web_alias(model)};
}

void
names_released(struct service *svc, const json_t *model)
{
	set_web(&svc->app->web, model);
	names_next(svc, NULL);
}

void
names_next(struct service *svc, const json_t *approved)
{
	set_web(&svc->app->next, approved);
}

/* A switch that was interrupted may have led visitors to the new containers already. */
static int
find_next(struct service *svc, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(2 * MODEL_MAX);
	auto_json json_t *switching = json_loads(svc->row.switching, 0, NULL);
	auto_json json_t *model = NULL;
	const char *service = json_string_value(json_object_get(switching, "service"));
	int rc;

	if (svc->row.applying == 0 || !json_is_true(json_object_get(switching, "drain")))
		return 0;
	rc = store_model_read(svc->core->store, svc->conf->name, svc->row.applying, &text, err);
	if (rc < 0)
		return rc;
	model = model_parse(buf_str(&text), text.len, err);
	names_next(svc, model);
	if (!str_eq(svc->app->next.service, service))
		names_next(svc, NULL);
	return model == NULL ? -err->num : 0;
}

void
names_init(struct service *svc)
{
	struct err err = ERR_INIT;
	int64_t good = 0;

	if (store_release_last_good(svc->core->store, svc->conf->name, 0, &good, &err) < 0 || find_next(svc, &err) < 0)
		log_err("%s service=%s", err.msg, svc->conf->name);
	svc->app->routed = good != 0;
}

bool
names_routed(const struct service *svc)
{
	return svc->app->routed && svc->app->row.gone == APP_THERE && svc->row.release != 0 &&
	       svc->app->web.service != NULL;
}

void
names_lines(const char *lines, struct strv *ret)
{
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");

		if (len > 0)
			strv_add_take(ret, str_printf("%.*s", (int)len, lines));
		lines += len + (lines[len] == '\n' ? 1 : 0);
	}
}

char *
names_join(const struct strv *names)
{
	struct buf text = BUF_INIT(1 << 20);

	for (size_t i = 0; i < names->n; i++)
		buf_printf(&text, "%s\n", names->v[i]);
	return buf_take(&text);
}

static char *
zone_of(const struct core *core)
{
	const struct conf_push *p = core->conf->push;

	if (p == NULL)
		return NULL;
	return p->domain != NULL ? str_dup(p->domain) : str_printf("%s.%s", p->address, p->suffix);
}

static void
add_missing(const struct strv *from, struct strv *ret)
{
	for (size_t i = 0; i < from->n; i++) {
		if (!strv_has(ret, from->v[i]))
			strv_add(ret, from->v[i]);
	}
}

void
names_of(const struct service *svc, struct strv *ret)
{
	auto_free char *zone = zone_of(svc->core);
	auto_free char *own = domains_own(zone, svc->app->name);
	auto_strv struct strv rest = {NULL, 0};

	if (own != NULL)
		strv_add(ret, own);
	names_lines(svc->app->row.cname, &rest);
	names_lines(svc->app->row.domains, &rest);
	add_missing(&rest, ret);
}

void
names_all(struct core *core, bool reserved, struct domains *ret)
{
	const struct service *svc;

	*ret = (struct domains){.zone = zone_of(core)};
	TAILQ_FOREACH(svc, &core->services, entry)
	{
		auto_strv struct strv names = {NULL, 0};

		domains_add_urls(ret, svc->conf->name, &svc->conf->urls);
		if (svc->app == NULL)
			continue;
		names_of(svc, &names);
		if (reserved)
			add_missing(&svc->app->reserved, &names);
		for (size_t i = 0; i < names.n; i++)
			domains_add(ret, svc->app->name, names.v[i]);
	}
}

int
names_judge(const struct service *svc, const struct cname *cname, struct err *err)
{
	auto_domains struct domains all = {0};
	auto_free char *own = NULL;
	int rc = 0;

	names_all(svc->core, true, &all);
	own = domains_own(all.zone, svc->app->name);
	if (own != NULL)
		rc = domains_judge(&all, svc->app->name, own, err);
	for (size_t i = 0; rc == 0 && i < cname->names.n; i++) {
		rc = domains_judge(&all, svc->app->name, cname->names.v[i], err);
		if (rc < 0)
			err_wrap(err, "CNAME:%d", cname->lines[i]);
	}
	return rc;
}

void
names_each_led(struct core *core, void (*fn)(void *ctx, const struct service *svc, const char *host), void *ctx)
{
	auto_domains struct domains all = {0};

	names_all(core, false, &all);
	domains_settle(&all);
	for (size_t i = 0; i < all.n; i++) {
		char name[APPNAME_MAX + 1];
		const struct service *svc;

		if (all.v[i].configured)
			continue;
		appname_service(all.v[i].service, name);
		svc = core_named(core, name);
		if (names_routed(svc))
			fn(ctx, svc, all.v[i].host);
	}
}

bool
names_led(const struct service *svc)
{
	return names_routed(svc) &&
	       (svc->core->conf->proxied || (svc->app->web.alias != NULL && import_is_used(svc->core)));
}

/* What the configuration has given to services, which does not change while core lives. */
static const struct domains *
sites_of(struct core *core)
{
	const struct service *svc;

	if (core->sites != NULL)
		return core->sites;
	core->sites = calloc(1, sizeof(*core->sites));
	if (core->sites == NULL)
		abort();
	TAILQ_FOREACH(svc, &core->services, entry) domains_add_urls(core->sites, svc->conf->name, &svc->conf->urls);
	return core->sites;
}

void
app_urls(const struct service *svc, struct strv *ret)
{
	const struct conf_push *p = svc->core->conf->push;
	auto_strv struct strv names = {NULL, 0};

	if (!names_led(svc))
		return;
	names_of(svc, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (domains_judge(sites_of(svc->core), svc->app->name, names.v[i], NULL) == 0)
			strv_add_take(ret, str_printf("%s://%s", p == NULL ? "http" : p->scheme, names.v[i]));
	}
}
