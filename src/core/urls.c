#include "core/urls.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "conf/proxy.h"
#include "core/app_names.h"
#include "core/client.h"
#include "core/service.h"

/* The route of pgo.toml is the one that counts for a name that an app has as well. */
static void
add_names(const struct service *svc, const struct strv *hosts, struct strv *ret)
{
	auto_strv struct strv urls = {NULL, 0};

	app_urls(svc, &urls);
	for (size_t i = 0; i < urls.n; i++) {
		if (!strv_has(hosts, strstr(urls.v[i], "://") + strlen("://")))
			strv_add(ret, urls.v[i]);
	}
}

void
urls_of(const struct service *svc, struct strv *ret)
{
	const struct strv *urls = &svc->conf->urls;
	auto_strv struct strv hosts = {NULL, 0};

	for (size_t i = 0; i < urls->n; i++) {
		auto_free char *site = str_printf("%.*s", (int)strcspn(urls->v[i], " "), urls->v[i]);
		struct site address;

		/* The configuration's check has passed it. */
		if (site_parse(site, &address, NULL) < 0)
			abort();
		strv_add_take(ret, proxy_url(&address, !svc->core->conf->plain));
		strv_add(&hosts, address.host);
	}
	if (svc->app != NULL)
		add_names(svc, &hosts, ret);
}

json_t *
urls_json(const struct service *svc)
{
	auto_strv struct strv urls = {NULL, 0};
	json_t *list = json_array();

	urls_of(svc, &urls);
	for (size_t i = 0; i < urls.n; i++) {
		if (json_array_append_new(list, client_text_json(urls.v[i])) != 0)
			abort();
	}
	return list;
}
