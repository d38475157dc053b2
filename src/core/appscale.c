#include "core/appscale.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "compose/model.h"
#include "core/app.h"
#include "core/appvars.h"
#include "core/service.h"

static bool
to_number(const char *s, size_t len, int64_t *ret)
{
	auto_free char *text = str_printf("%.*s", (int)len, s);

	return str_to_int(text, 0, APPSCALE_MAX, ret);
}

/* The number behind NAME= in the text; -1: none. */
static int
number_of(const char *text, const char *name)
{
	size_t len = strlen(name);
	int64_t n = -1;

	for (const char *p = text; *p != '\0'; p += strcspn(p, " "), p += strspn(p, " ")) {
		if (strncmp(p, name, len) == 0 && p[len] == '=')
			(void)to_number(p + len + 1, strcspn(p + len + 1, " "), &n);
	}
	return (int)n;
}

int
appscale_add(const char *word, struct buf *text, struct err *err)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strspn(word, ok);
	auto_free char *before = str_dup(buf_str(text));
	char *save = NULL;
	int64_t n = 0;

	if (len == 0 || word[len] != '=' || !str_to_int(word + len + 1, 0, APPSCALE_MAX, &n))
		return err_set(
		    err, EINVAL, "write SERVICE=NUMBER, as in web=3, with a number from 0 to %d", APPSCALE_MAX);
	buf_reset(text);
	for (char *w = strtok_r(before, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		if (strncmp(w, word, len + 1) != 0)
			buf_printf(text, "%s%s", text->len > 0 ? " " : "", w);
	}
	buf_printf(text, "%s%.*s=%d", text->len > 0 ? " " : "", (int)len, word, (int)n);
	return text->full || text->len >= APPSCALE_TEXT_MAX ? err_set(err, E2BIG, "that are too many services") : 0;
}

/* What visitors are led to: `web`, or the only one. */
static bool
is_web(const json_t *services, const char *name)
{
	return str_eq(name, "web") || json_object_size(services) == 1;
}

/* -1: nobody says it. */
static int
containers(const struct service *svc, int64_t version)
{
	auto_vars struct vars vars = {0};
	struct err err = ERR_INIT;
	const char *value = appvars_load(svc, version, &vars, &err) < 0 ? NULL : vars_get(&vars, VAR_CONTAINERS);
	int64_t n = -1;

	if (value != NULL)
		(void)to_number(value, strlen(value), &n);
	return (int)n;
}

static int
lay_one(const char *name, json_t *service, int n, struct err *err)
{
	json_t *deploy = json_object_get(service, "deploy");

	if (n > 1 && json_object_get(service, "container_name") != NULL)
		return err_set(err, EINVAL, "services.%s.container_name: %d containers cannot have one name", name, n);
	if (n > 1 && json_array_size(json_object_get(service, "ports")) > 0)
		return err_set(err, EINVAL, "services.%s.ports: %d containers cannot publish one port", name, n);
	json_object_set_new(service, "scale", json_integer(n));
	if (json_object_get(deploy, "replicas") != NULL)
		json_object_set_new(deploy, "replicas", json_integer(n));
	return 0;
}

static const char *
scale_of(const struct app *app)
{
	return app->scaling != NULL ? app->scaling : app->row.scale;
}

int
appscale_lay(const struct service *svc, int64_t vars, json_t *model, struct err *err)
{
	json_t *services = json_object_get(model, "services");
	const char *name;
	json_t *service;
	int rc = 0, web;

	if (svc->app == NULL)
		return 0;
	web = containers(svc, vars);
	json_object_foreach(services, name, service)
	{
		int n = number_of(scale_of(svc->app), name);

		if (n < 0 && web >= 0 && is_web(services, name))
			n = web;
		if (n >= 0 && lay_one(name, service, n, rc < 0 ? NULL : err) < 0)
			rc = -EINVAL;
	}
	return rc;
}

int
appscale_model(const struct service *svc, int64_t release, int64_t vars, struct buf *ret, struct err *err)
{
	auto_json json_t *model = NULL;
	auto_free char *text = NULL;
	int rc = store_model_read(svc->core->store, svc->conf->name, release, ret, err);

	if (rc < 0 || svc->app == NULL || (scale_of(svc->app)[0] == '\0' && vars == 0))
		return rc;
	model = model_parse(buf_str(ret), ret->len, err);
	if (model == NULL)
		return -err->num;
	(void)appscale_lay(svc, vars, model, NULL); /* it runs, whatever was said since */
	text = model_dump(model);
	buf_reset(ret);
	buf_str_add(ret, text);
	return ret->full ? err_set(err, E2BIG, "the model is too large") : 0;
}

int
appscale_try(struct service *svc, const char *text, struct err *err)
{
	int rc;

	str_set(&svc->app->scaling, text);
	rc = service_set_release(svc, svc->row.release, err);
	if (rc < 0)
		free(TAKE(svc->app->scaling));
	return rc;
}

/* What runs well stays also when it cannot be written down, which app_save tells. */
void
appscale_keep(struct service *svc)
{
	str_set(&svc->app->row.scale, svc->app->scaling);
	free(TAKE(svc->app->scaling));
	app_save(svc, NULL);
}

int
appscale_drop(struct service *svc, struct err *err)
{
	free(TAKE(svc->app->scaling));
	return service_set_release(svc, svc->row.release, err);
}
