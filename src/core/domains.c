#include "core/domains.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "conf/site.h"
#include "ipc/hostname.h"

void
domains_done(struct domains *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].host);
	free(t->v);
	free(t->zone);
	*t = (struct domains){0};
}

static void
add(struct domains *t, const char *service, const char *host, bool configured)
{
	if (t->n == t->room) {
		t->room = t->room == 0 ? 64 : 2 * t->room;
		t->v = reallocarray(t->v, t->room, sizeof(*t->v));
		if (t->v == NULL)
			abort();
	}
	t->v[t->n] = (struct domain){str_dup(host), service, configured, t->n};
	t->n++;
}

void
domains_add_urls(struct domains *t, const char *service, const struct strv *urls)
{
	for (size_t i = 0; i < urls->n; i++) {
		auto_free char *text = str_printf("%.*s", (int)strcspn(urls->v[i], " "), urls->v[i]);
		struct site site;

		if (site_parse(text, &site, NULL) == 0)
			add(t, service, site.host, true);
	}
}

void
domains_add(struct domains *t, const char *service, const char *host)
{
	add(t, service, host, false);
}

char *
domains_own(const char *zone, const char *app)
{
	auto_free char *name = zone == NULL ? NULL : str_printf("%s.%s", app, zone);

	return name == NULL || hostname_check(name, NULL) < 0 ? NULL : TAKE(name);
}

/* What lies below the zone is for the apps that are called so, also for those that come later. */
static int
judge_zone(const struct domains *t, const char *app, const char *name, struct err *err)
{
	const char *base = str_starts(name, "*.") ? name + strlen("*.") : name;
	auto_free char *end = t->zone == NULL ? NULL : str_printf(".%s", t->zone);
	auto_free char *own = domains_own(t->zone, app);

	if (end == NULL || str_eq(own, name) || (base == name && str_eq(name, t->zone)))
		return 0;
	if (base != name && (str_eq(base, t->zone) || str_ends(base, end)))
		return err_set(err, EEXIST, "%s would stand for the names of other apps", name);
	if (str_ends(name, end))
		return err_set(
		    err, EEXIST, "%s is kept for an app called %.*s", name, (int)(strlen(name) - strlen(end)), name);
	return 0;
}

static int
judge_other(const struct domain *d, const char *name, struct err *err)
{
	const char *kind = d->configured ? "service" : "app";
	const char *by = d->configured ? " (urls)" : "";

	if (str_eq(d->host, name))
		return err_set(err, EEXIST, "%s belongs to the %s %s%s", name, kind, d->service, by);
	if (hostname_covers(d->host, name))
		return err_set(
		    err, EEXIST, "%s is among %s, which belongs to the %s %s%s", name, d->host, kind, d->service, by);
	if (hostname_covers(name, d->host))
		return err_set(err, EEXIST, "%s would stand for %s, which belongs to the %s %s%s", name, d->host, kind,
		    d->service, by);
	return 0;
}

int
domains_judge(const struct domains *t, const char *app, const char *name, struct err *err)
{
	int rc = judge_zone(t, app, name, err);

	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		if (!str_eq(t->v[i].service, app))
			rc = judge_other(&t->v[i], name, err);
	}
	return rc;
}

static int
by_host(const void *a, const void *b)
{
	const struct domain *x = a;
	const struct domain *y = b;
	int d = strcmp(x->host, y->host);

	if (d == 0)
		d = (int)y->configured - (int)x->configured;
	return d != 0 ? d : (x->number > y->number) - (x->number < y->number);
}

void
domains_settle(struct domains *t)
{
	size_t kept = 0;

	if (t->n > 0)
		qsort(t->v, t->n, sizeof(*t->v), by_host);
	for (size_t i = 0; i < t->n; i++) {
		if (kept > 0 && str_eq(t->v[kept - 1].host, t->v[i].host))
			free(t->v[i].host);
		else
			t->v[kept++] = t->v[i];
	}
	t->n = kept;
}
