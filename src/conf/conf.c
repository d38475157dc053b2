#include "conf/conf.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/auto.h"
#include "base/path.h"
#include "conf/fields.h"
#include "conf/rules.h"
#include "conf/settings.h"
#include "ipc/appname.h"

enum { CONF_VERSION = 1 };

/* A service as it stands in a document: borrowed from it. Which of the two documents decides what is there. */
struct raw {
	const char *name;
	const char *user;
	const char *repository;
	int hosted;
	const char *source;
	const char *branch;
	const json_t *auth;
	const json_t *compose;
	const json_t *env;
	const json_t *registries;
	const json_t *networks;
	json_t *settings;
	json_int_t uid;
	json_int_t gid;
	int line;
	int user_line;
	int user_column;
};

static void
strv_done_secret(struct strv *sv)
{
	for (size_t i = 0; i < sv->n; i++)
		str_wipe(TAKE(sv->v[i]));
	strv_done(sv);
}

static void
service_done(struct conf_service *s)
{
	free(s->name);
	free(s->user);
	free(s->repository);
	str_wipe(s->auth);
	free(s->source);
	free(s->branch);
	free(s->compose);
	strv_done_secret(&s->env);
	strv_done_secret(&s->registries);
	strv_done(&s->networks);
	free(s->signers);
	free(s->mount);
	settings_done(s);
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->nservices; i++)
		service_done(&c->services[i]);
	free(c->services);
	for (size_t i = 0; i < c->napps; i++)
		conf_app_free(c->apps[i]);
	free(c->apps);
	operators_done(&c->operators);
	json_decref(c->shown);
	proxy_free(c->proxy);
	push_free(c->push);
	free(c->dir);
	free(c->datadir);
	free(c->pins);
	free(c);
}

/* The credentials have a field of their own: in the URL they would end up in argv. */
static int
rule_no_auth(const char *s, struct err *err)
{
	auto_free char *url = NULL;
	auto_free char *auth = NULL;
	int r = rule_split_repository(s, &url, &auth, err);

	return r < 0 || auth == NULL ? r : err_set(err, EINVAL, "has credentials in it");
}

/* It becomes a header of git's requests. */
static int
rule_auth(const char *s, struct err *err)
{
	for (const char *p = s; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(err, EINVAL, "has a control character");
	}
	return strchr(s, ':') != NULL ? 0 : err_set(err, EINVAL, "has no colon");
}

/* Of what is pushed to us there is no repository to ask. */
static int
take_source(const struct raw *raw, struct conf_service *s, struct err *err)
{
	s->hosted = raw->hosted != 0;
	if (s->hosted && (raw->repository[0] != '\0' || !str_eq(raw->source, CONF_SOURCE_HOSTED)))
		return err_set(err, EINVAL, "\"repository\" stands beside \"hosted\"");
	s->repository = s->hosted ? str_dup("") : NULL;
	return s->hosted ? 0 : field_string(raw->repository, "repository", rule_no_auth, &s->repository, err);
}

/* What both documents have. */
static int
take_common(const struct raw *raw, struct conf_service *s, struct err *err)
{
	int r = 0;

	if ((r = field_string(raw->name, "name", rule_name, &s->name, err)) < 0 ||
	    (r = field_string(raw->user, "user", rule_user, &s->user, err)) < 0 ||
	    (r = field_string(raw->source, "source", rule_digest, &s->source, err)) < 0 ||
	    (r = take_source(raw, s, err)) < 0 ||
	    (r = field_string(raw->branch, "branch", rule_branch, &s->branch, err)) < 0 ||
	    (r = field_optional(raw->compose, "compose", rule_compose, &s->compose, err)) < 0)
		return r;
	s->has_networks = !json_is_null(raw->networks);
	if (s->has_networks && (r = field_list(raw->networks, "networks", rule_network, &s->networks, err)) < 0)
		return r;
	return settings_read(raw->settings, s, err);
}

static int
read_checked(json_t *row, struct conf_service *s, struct err *err)
{
	struct raw raw = {0};
	const json_t *signers = NULL;
	const json_t *mount = NULL;
	json_error_t e;
	int r = 0;

	if (json_unpack_ex(row, &e, JSON_STRICT,
		"{s:s, s:s, s:s, s:b, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i}", "name",
		&raw.name, "user", &raw.user, "repository", &raw.repository, "hosted", &raw.hosted, "auth", &raw.auth,
		"source", &raw.source, "branch", &raw.branch, "compose", &raw.compose, "env", &raw.env, "registries",
		&raw.registries, "networks", &raw.networks, "signers", &signers, "mount", &mount, "settings",
		&raw.settings, "line", &raw.line, "user_line", &raw.user_line, "user_column", &raw.user_column) < 0)
		return err_set(err, EINVAL, "%s", e.text);
	if (raw.line < 1 || raw.user_line < 1 || raw.user_column < 1)
		return err_set(err, EINVAL, "a line or column is not positive");
	if ((r = take_common(&raw, s, err)) < 0 ||
	    (r = field_optional(raw.auth, "auth", rule_auth, &s->auth, err)) < 0 ||
	    (r = field_optional(signers, "signers", rule_signers, &s->signers, err)) < 0 ||
	    (r = field_optional(mount, "mount", rule_mount, &s->mount, err)) < 0 ||
	    (r = field_list(raw.registries, "registries", rule_registry, &s->registries, err)) < 0)
		return r;
	s->signed_only = s->signers != NULL;
	s->shared = s->mount != NULL;
	s->line = raw.line;
	s->user_line = raw.user_line;
	s->user_column = raw.user_column;
	return field_list(raw.env, "env", rule_env, &s->env, err);
}

static int
read_for_core(json_t *row, struct conf_service *s, struct err *err)
{
	struct raw raw = {0};
	int signed_only = 0;
	int shared = 0;
	json_error_t e;

	if (json_unpack_ex(row, &e, JSON_STRICT,
		"{s:s, s:s, s:I, s:I, s:s, s:b, s:s, s:s, s:i, s:o, s:o, s:b, s:b, s:o}", "name", &raw.name, "user",
		&raw.user, "uid", &raw.uid, "gid", &raw.gid, "repository", &raw.repository, "hosted", &raw.hosted,
		"source", &raw.source, "branch", &raw.branch, "remote", &s->remote, "compose", &raw.compose, "networks",
		&raw.networks, "signed_only", &signed_only, "shared", &shared, "settings", &raw.settings) < 0)
		return err_set(err, EINVAL, "%s", e.text);
	/* The highest number means "no change" to chown and setuid. */
	if (raw.uid < 0 || raw.uid >= UINT32_MAX || raw.gid < 0 || raw.gid >= UINT32_MAX)
		return err_set(err, EINVAL, "\"uid\" or \"gid\" is out of range");
	if (s->remote < (raw.hosted != 0 ? -1 : 0))
		return err_set(err, EINVAL, "\"remote\" is out of range");
	s->uid = (uid_t)raw.uid;
	s->gid = (gid_t)raw.gid;
	s->signed_only = signed_only != 0;
	s->shared = shared != 0;
	return take_common(&raw, s, err);
}

static int
read_services(const json_t *list, bool checked, struct conf *c, struct err *err)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list))
		return err_set(err, EINVAL, "\"services\" is not a list");
	if (n > 0 && (c->services = calloc(n, sizeof(*c->services))) == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		json_t *row = json_array_get(list, i);
		struct conf_service s = {0};
		int r = checked ? read_checked(row, &s, err) : read_for_core(row, &s, err);

		if (r == 0 && conf_find(c, s.name) != NULL)
			r = err_set(err, EINVAL, "the name is there twice");
		if (r == 0 && s.hosted && c->push != NULL)
			push_hide(c->push, &s.masks);
		s.place = c->nservices;
		c->services[c->nservices++] = s; /* also what is half read: conf_free frees it */
		if (r < 0)
			return err_wrap(err, "services[%zu]", i);
	}
	return 0;
}

/* Of core's document. */
static int
read_apps(const json_t *list, struct conf *c, struct err *err)
{
	size_t i;
	json_t *row;

	if (!json_is_array(list))
		return err_set(err, EINVAL, "\"apps\" is not a list");
	json_array_foreach(list, i, row)
	{
		const struct conf_service *s = NULL;
		const char *name = NULL;
		json_int_t uid = 0;
		json_error_t e;

		if (json_unpack_ex(row, &e, JSON_STRICT, "{s:s, s:I}", "name", &name, "uid", &uid) < 0)
			return err_set(err, EINVAL, "apps[%zu]: %s", i, e.text);
		if (uid < PUSH_ID_MIN || uid >= UINT32_MAX)
			return err_set(err, EINVAL, "apps[%zu]: \"uid\" is out of range", i);
		if (conf_add_app(c, name, (uid_t)uid, &s, err) < 0)
			return err_wrap(err, "apps[%zu]", i);
	}
	return 0;
}

/* What both documents have beside the services. */
static int
read_rest(const json_t *operators, json_t *shown, struct conf *c, struct err *err)
{
	if (!json_is_object(shown))
		return err_set(err, EINVAL, "\"shown\" is not an object");
	c->shown = json_incref(shown);
	return operators_read(operators, &c->operators, err);
}

static int
read_checked_head(json_t *doc, struct conf *c, struct err *err)
{
	json_error_t e;
	int version = 0;
	const json_t *errors = NULL;
	const json_t *services = NULL;
	const json_t *operators = NULL;
	json_t *shown = NULL;
	json_t *proxy = NULL;
	json_t *push = NULL;
	int r;

	if (json_unpack_ex(doc, &e, JSON_STRICT, "{s:i, s:o, s:o, s:o, s:o, s?o, s?o}", "version", &version, "errors",
		&errors, "services", &services, "operators", &operators, "shown", &shown, "proxy", &proxy, "push",
		&push) < 0)
		return err_set(err, EINVAL, "%s", e.text);
	if (version != CONF_VERSION)
		return err_set(err, EINVAL, "version %d is not %d", version, CONF_VERSION);
	if (!json_is_array(errors) || json_array_size(errors) > 0)
		return err_set(err, EINVAL, "it lists %zu errors", json_array_size(errors));
	if (proxy != NULL && proxy_read(proxy, &c->proxy, err) < 0)
		return -EINVAL;
	c->proxied = proxy != NULL;
	c->plain = proxy != NULL && c->proxy->type == PROXY_NGINX && c->proxy->certificate == NULL;
	if (push != NULL && push_read(push, true, &c->push, err) < 0)
		return -EINVAL;
	r = read_services(services, true, c, err);
	return r < 0 ? r : read_rest(operators, shown, c, err);
}

static int
read_core_head(json_t *doc, struct conf *c, struct err *err)
{
	json_error_t e;
	int version = 0;
	const char *dir = NULL;
	const char *datadir = NULL;
	const char *pins = NULL;
	json_int_t poll_ms = 0;
	json_int_t started_ms = 0;
	const json_t *services = NULL;
	const json_t *operators = NULL;
	json_t *shown = NULL;
	json_t *push = NULL;
	const json_t *apps = NULL;
	int proxied = 0;
	int plain = 0;
	int r;

	if (json_unpack_ex(doc, &e, JSON_STRICT, "{s:i, s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s?b, s?b, s?o}",
		"version", &version, "dir", &dir, "datadir", &datadir, "pins", &pins, "poll_ms", &poll_ms, "started_ms",
		&started_ms, "services", &services, "apps", &apps, "operators", &operators, "shown", &shown, "proxied",
		&proxied, "plain", &plain, "push", &push) < 0)
		return err_set(err, EINVAL, "%s", e.text);
	if (version != CONF_VERSION)
		return err_set(err, EINVAL, "version %d is not %d", version, CONF_VERSION);
	if (!path_is_clean(dir) || !path_is_clean(datadir) || !path_is_clean(pins) || poll_ms < 1)
		return err_set(err, EINVAL, "\"dir\", \"datadir\", \"pins\" or \"poll_ms\" is out of range");
	c->dir = str_dup(dir);
	c->datadir = str_dup(datadir);
	c->pins = str_dup(pins);
	c->poll_ms = poll_ms;
	c->proxied = proxied != 0;
	c->plain = plain != 0;
	c->started_ms = started_ms;
	if (push != NULL && push_read(push, false, &c->push, err) < 0)
		return -EINVAL;
	r = read_services(services, false, c, err);
	if (r >= 0)
		r = read_apps(apps, c, err);
	return r < 0 ? r : read_rest(operators, shown, c, err);
}

struct conf *
conf_parse(const char *json, size_t len, struct err *err)
{
	json_error_t e;
	json_t *doc = json_loadb(json, len, JSON_REJECT_DUPLICATES, &e);
	struct conf *c = calloc(1, sizeof(*c));
	int r = 0;

	if (c == NULL)
		abort();
	if (doc == NULL)
		r = err_set(err, EINVAL, "not JSON at byte %d", e.position);
	else
		r = json_object_get(doc, "errors") != NULL ? read_checked_head(doc, c, err)
							   : read_core_head(doc, c, err);
	json_decref(doc);
	if (r < 0) {
		err_wrap(err, "the checked configuration");
		conf_free(c);
		return NULL;
	}
	return c;
}

/* The first service that asks the same of the same server in the same name: tells core that two can share an answer,
 * without a trace of the credentials. */
static int
remote_of(const struct conf *c, const struct conf_service *s)
{
	for (size_t i = 0; !s->hosted && i < c->nservices; i++) {
		const struct conf_service *o = &c->services[i];

		if (!o->hosted && str_eq(o->repository, s->repository) && str_eq(o->branch, s->branch) &&
		    (o->auth == NULL || s->auth == NULL ? o->auth == s->auth : str_eq(o->auth, s->auth)))
			return (int)i;
	}
	return -1;
}

/* Field by field: what is not named here, auth and env above all, core does not get. */
static json_t *
service_for_core(const struct conf *c, const struct conf_service *s)
{
	json_t *row = json_pack("{s:s, s:s, s:I, s:I, s:s, s:b, s:s, s:s, s:i, s:s?, s:o?, s:b, s:b, s:o}", "name",
	    s->name, "user", s->user, "uid", (json_int_t)s->uid, "gid", (json_int_t)s->gid, "repository", s->repository,
	    "hosted", s->hosted, "source", s->source, "branch", s->branch, "remote", remote_of(c, s), "compose",
	    s->compose, "networks", s->has_networks ? field_strings(&s->networks) : NULL, "signed_only", s->signed_only,
	    "shared", s->shared, "settings", settings_json(s));

	if (row == NULL)
		abort();
	return row;
}

static json_t *
apps_for_core(const struct conf *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->napps; i++) {
		char name[APPNAME_MAX + 1];

		appname_of_service(c->apps[i]->name, name);
		if (json_array_append_new(
			list, json_pack("{s:s, s:I}", "name", name, "uid", (json_int_t)c->apps[i]->uid)) != 0)
			abort();
	}
	return list;
}

char *
conf_for_core(const struct conf *c)
{
	json_t *services = json_array();
	json_t *doc = json_pack("{s:i, s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:O, s:o*, s:o*, s:o*}", "version",
	    CONF_VERSION, "dir", c->dir, "datadir", c->datadir, "pins", c->pins, "poll_ms", (json_int_t)c->poll_ms,
	    "started_ms", (json_int_t)c->started_ms, "services", services, "apps", apps_for_core(c), "operators",
	    operators_json(&c->operators), "shown", c->shown, "proxied", c->proxied ? json_true() : NULL, "plain",
	    c->plain ? json_true() : NULL, "push", c->push == NULL ? NULL : push_json(c->push, false));
	char *json = NULL;

	if (doc == NULL)
		abort();
	for (size_t i = 0; i < c->nservices; i++) {
		if (json_array_append_new(services, service_for_core(c, &c->services[i])) != 0)
			abort();
	}
	if ((json = json_dumps(doc, JSON_COMPACT)) == NULL)
		abort();
	json_decref(doc);
	return json;
}
