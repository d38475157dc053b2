#include "core/vars.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"

/* What octohost took from variables, and is said elsewhere here. */
static const struct {
	const char *name;
	const char *instead;
} refused[] = {
    {"DOMAINS", "`domains add` adds a name"},
    {"CNAME", "`domains add` adds a name, and so does a line of the file CNAME"},
    {"CONTAINER_NAME", "it is the name of the app"},
    {"CUSTOM_CHECK_INTERVAL",
	"the page of CUSTOM_CHECK is asked for until a new container answers; how an app that runs is "
	"looked at, and how often, says HEALTHCHECK in its Dockerfile or healthcheck in its compose file"},
    {"NGINX_ALT",
	"what the proxy is told of an app is the same for all; its other configuration is the administrator's"},
    {"SSL_CERTIFICATE", "certificates are the administrator's, in [proxy] of pgo.toml"},
    {"SSL_FORCED", "how apps are served, http or https, is the administrator's: scheme of [push] in pgo.toml"},
    {"SSL_KEY", "certificates are the administrator's, in [proxy] of pgo.toml"},
};

int
vars_check_name(const char *name, struct err *err)
{
	static const char ok[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

	if (name[0] == '\0' || name[strspn(name, ok)] != '\0' || (name[0] >= '0' && name[0] <= '9'))
		return err_set(err, EINVAL,
		    "the name of a variable holds letters, digits and \"_\" and does not begin with a digit");
	if (strlen(name) > VAR_NAME_MAX)
		return err_set(err, EINVAL, "the name of a variable has at most %d bytes", VAR_NAME_MAX);
	if (str_starts(name, "PGO_"))
		return err_set(err, EINVAL, "%s: names that begin with PGO_ are pgo's own", name);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		if (str_eq(name, refused[i].name))
			return err_set(err, EINVAL, "%s cannot be set: %s", name, refused[i].instead);
	}
	return 0;
}

/* The engine takes variables as JSON, which holds any text, and nothing that is none. */
static bool
is_text(const char *value, size_t len)
{
	json_t *string = json_stringn(value, len);
	bool is = string != NULL;

	json_decref(string);
	return is;
}

/* What the job `resolve` says of a value comes later; this one it never sees. */
static int
check_containers(const char *value, size_t len, struct err *err)
{
	auto_free char *text = str_printf("%.*s", (int)len, value);
	int64_t n = 0;

	if (!str_to_int(text, 0, VAR_CONTAINERS_MAX, &n))
		return err_set(
		    err, EINVAL, VAR_CONTAINERS " must be a number of containers, from 0 to %d", VAR_CONTAINERS_MAX);
	return 0;
}

static int
check_var(const char *name, const char *value, size_t len, struct err *err)
{
	int rc = vars_check_name(name, err);

	if (rc < 0)
		return rc;
	if (len > VAR_VALUE_MAX)
		return err_set(err, E2BIG, "%s: a value has at most %d bytes", name, VAR_VALUE_MAX);
	if (memchr(value, '\0', len) != NULL)
		return err_set(err, EINVAL, "%s: a value has no NUL byte", name);
	if (!is_text(value, len))
		return err_set(err, EINVAL,
		    "%s: the value is not UTF-8, and the engine takes nothing else: store it as base64", name);
	return str_eq(name, VAR_CONTAINERS) ? check_containers(value, len, err) : 0;
}

void
vars_done(struct vars *vars)
{
	for (size_t i = 0; i < vars->n; i++) {
		free(vars->v[i].name);
		str_wipe(vars->v[i].value);
	}
	free(vars->v);
	*vars = (struct vars){0};
}

/* The first that is not smaller. */
static size_t
place(const struct vars *vars, const char *name)
{
	size_t i = 0;

	while (i < vars->n && strcmp(vars->v[i].name, name) < 0)
		i++;
	return i;
}

static bool
is_at(const struct vars *vars, size_t i, const char *name)
{
	return i < vars->n && str_eq(vars->v[i].name, name);
}

const char *
vars_get(const struct vars *vars, const char *name)
{
	size_t i = place(vars, name);

	return is_at(vars, i, name) ? vars->v[i].value : NULL;
}

/* With the "=" and the NUL; 0 for one that is yet to have its value. */
static size_t
bytes(const struct var *var)
{
	return var->value == NULL ? 0 : strlen(var->name) + strlen(var->value) + 2;
}

static void
insert(struct vars *vars, size_t at, const char *name)
{
	vars->v = reallocarray(vars->v, vars->n + 1, sizeof(*vars->v));
	if (vars->v == NULL)
		abort();
	memmove(&vars->v[at + 1], &vars->v[at], (vars->n - at) * sizeof(*vars->v));
	vars->v[at] = (struct var){str_dup(name), NULL};
	vars->n++;
}

int
vars_set(struct vars *vars, const char *name, const char *value, size_t len, struct err *err)
{
	int rc = check_var(name, value, len, err);
	size_t at = place(vars, name);
	size_t more;

	if (rc < 0)
		return rc;
	if (!is_at(vars, at, name) && vars->n == VARS_MAX)
		return err_set(err, E2BIG, "an app has at most %d variables", VARS_MAX);
	more = strlen(name) + len + 2;
	if (vars->bytes - (is_at(vars, at, name) ? bytes(&vars->v[at]) : 0) + more > VARS_BYTES_MAX)
		return err_set(
		    err, E2BIG, "the variables of an app have at most %d KiB together", VARS_BYTES_MAX >> 10);
	if (!is_at(vars, at, name))
		insert(vars, at, name);
	vars->bytes += more - bytes(&vars->v[at]);
	str_wipe(vars->v[at].value);
	vars->v[at].value = str_printf("%.*s", (int)len, value);
	return 0;
}

bool
vars_unset(struct vars *vars, const char *name)
{
	size_t at = place(vars, name);

	if (!is_at(vars, at, name))
		return false;
	vars->bytes -= bytes(&vars->v[at]);
	free(vars->v[at].name);
	str_wipe(vars->v[at].value);
	vars->n--;
	memmove(&vars->v[at], &vars->v[at + 1], (vars->n - at) * sizeof(*vars->v));
	return true;
}

int
vars_merge(struct vars *vars, const struct vars *with, struct err *err)
{
	for (size_t i = 0; i < with->n; i++) {
		int rc = vars_set(vars, with->v[i].name, with->v[i].value, strlen(with->v[i].value), err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

bool
vars_equal(const struct vars *a, const struct vars *b)
{
	for (size_t i = 0; a->n == b->n && i < a->n; i++) {
		if (!str_eq(a->v[i].name, b->v[i].name) || !str_eq(a->v[i].value, b->v[i].value))
			return false;
	}
	return a->n == b->n;
}

void
vars_packed(const struct vars *vars, struct buf *ret)
{
	for (size_t i = 0; i < vars->n; i++) {
		buf_printf(ret, "%s=%s", vars->v[i].name, vars->v[i].value);
		buf_add(ret, "", 1);
	}
}
