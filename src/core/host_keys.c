/* host://upload-key and host://keys: who may push although his key is in no repository. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "compose/model.h"
#include "core/client.h"
#include "core/host.h"
#include "core/keys.h"
#include "core/op.h"
#include "core/uploaded.h"

enum { TEXT_MAX = 4 * 1024 * 1024, RIGHTS_MAX = 128 * 1024 };

/* --- what is told of a key --- */

json_t *
host_uploaded_json(const struct pushkey *k)
{
	auto_buf struct buf rights = BUF_INIT(RIGHTS_MAX);
	char sha256[KEYS_FINGERPRINT_SIZE];
	char md5[KEYS_MD5_SIZE];
	json_t *apps = k->all ? json_null() : json_array();

	for (size_t i = 0; !k->all && i < k->apps.n; i++)
		host_append(apps, json_string(k->apps.v[i]));
	keys_fingerprint(k->auth.blob, k->auth.blob_len, sha256);
	keys_fingerprint_md5(k->auth.blob, k->auth.blob_len, md5);
	pushkey_rights(k, &rights);
	return json_pack("{ss ss ss ss so so sb ss sI so}", "name", k->name, "type", k->auth.type, "fingerprint",
	    sha256, "md5", md5, "comment", client_text_json(k->auth.comment), "apps", apps, "makes",
	    (int)(k->makes || k->all), "may", buf_str(&rights), "uploaded_ms", (json_int_t)k->made_ms, "by",
	    client_text_json(k->maker));
}

void
host_uploaded_text(const json_t *row, struct buf *out)
{
	const char *comment = json_string_value(json_object_get(row, "comment"));
	char when[IO_UTC_TEXT];

	io_utc_text(json_integer_value(json_object_get(row, "uploaded_ms")), when);
	buf_printf(out, "  %s  %s  %s  %s\n", json_string_value(json_object_get(row, "name")),
	    json_string_value(json_object_get(row, "type")), json_string_value(json_object_get(row, "fingerprint")),
	    comment != NULL ? comment : "");
	buf_printf(out, "    may: %s\n    uploaded %s UTC by %s\n", json_string_value(json_object_get(row, "may")),
	    when, json_string_value(json_object_get(row, "by")));
}

/* An operator of some services only hears of the keys that may act on one of them. */
static bool
concerns(const struct conf_operator *o, const struct pushkey *k)
{
	bool theirs = o->names.n == 0 || k->all;

	for (size_t i = 0; i < k->apps.n && !theirs; i++)
		theirs = operator_has(o, k->apps.v[i]);
	return theirs;
}

json_t *
host_uploaded_list(const struct client *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->core->uploaded.n; i++) {
		if (concerns(c->access.operator, & c->core->uploaded.v[i]))
			host_append(list, host_uploaded_json(&c->core->uploaded.v[i]));
	}
	return list;
}

/* Nobody gives, or takes, what he has not: whoever may act on some services only gives these away. */
static int
check_scope(const struct client *c, const struct pushkey *k, struct err *err)
{
	const struct conf_operator *o = c->access.operator;

	if (o->names.n == 0)
		return 0;
	if (k->all || k->makes)
		return err_set(
		    err, EPERM, "operator %s may act on some services only, and %s would on more", o->name, k->name);
	for (size_t i = 0; i < k->apps.n; i++) {
		if (!operator_has(o, k->apps.v[i]))
			return err_set(err, EPERM, "operator %s may not act on %s", o->name, k->apps.v[i]);
	}
	return 0;
}

/* --- upload-key --- */

struct upload {
	struct pushkey key; /* all of it but the key itself, which comes on standard input */
	bool listed;	    /* with --apps */
	bool json;
};

void
host_upload_free(struct upload *u)
{
	if (u == NULL)
		return;
	pushkey_done(&u->key);
	free(u);
}

static int
read_request(const struct client *c, const struct op *op, const struct strv *args, struct upload *u, struct err *err)
{
	struct strv operands = op_operands(args);

	if (c->core->conf->push == NULL)
		return err_set(err, EINVAL, "nothing is pushed to this host: its pgo.toml has no [push]");
	if (operands.n == 0)
		return err_set(err, EINVAL, "under which name? %s %s", op->name, op->usage);
	if (rule_operator(operands.v[0], err) < 0)
		return err_wrap(err, "the name");
	u->key.name = str_dup(operands.v[0]);
	u->key.maker = str_dup(c->access.place);
	u->key.made_ms = io_wall_ms();
	u->listed = op_value(args, "--apps") != NULL;
	u->json = op_has(args, "--json");
	if (pushkey_read_apps(op_value(args, "--apps"), &u->key, err) < 0)
		return -err->num;
	return check_scope(c, &u->key, err);
}

/* The same key under the same name is no mistake, unless it was to be allowed more than it is. */
static int
check_same(const struct pushkey *is, const struct upload *u, struct err *err)
{
	bool may = !u->key.all || is->all;

	for (size_t i = 0; i < u->key.apps.n; i++)
		may = may && pushkey_may(is, u->key.apps.v[i]);
	if (u->listed && !may)
		return err_set(
		    err, EEXIST, "%s has this key already, and may less: `keys allow` lets it act on more", is->name);
	return 0;
}

/* 1: it is known, as it is to be. -EEXIST with a sentence when something stands in its way. */
static int
is_known(const struct core *core, const struct upload *u, struct err *err)
{
	const struct conf_operators *operators = &core->conf->operators;
	const struct authkey *key = &u->key.auth;
	const struct pushkey *named = pushkeys_find(&core->uploaded, u->key.name);
	const struct pushkey *same = pushkeys_with(&core->uploaded, key->blob, key->blob_len);

	for (size_t i = 0; i < operators->n; i++) {
		if (authkey_is(&operators->v[i].key, key->blob, key->blob_len))
			return err_set(err, EEXIST, "this is the key of operator %s, who may push with it as it is",
			    operators->v[i].name);
	}
	if (same != NULL && same != named)
		return err_set(err, EEXIST,
		    "this key is there already, under the name %s: `keys allow` lets it act on more", same->name);
	if (same != NULL)
		return check_same(same, u, err) < 0 ? -err->num : 1;
	if (named != NULL)
		return err_set(err, EEXIST, "%s has another key: `keys remove %s` first, or choose another name",
		    named->name, named->name);
	if (core->uploaded.n >= PUSHKEYS_MAX)
		return err_set(err, ENOSPC, "this host has %d uploaded keys, and takes no more", PUSHKEYS_MAX);
	return 0;
}

static void
answer_upload(struct client *c, const struct upload *u, bool known)
{
	const struct pushkey *k = pushkeys_find(&c->core->uploaded, u->key.name);
	auto_json json_t *row = host_uploaded_json(k);

	if (u->json) {
		json_object_set_new(row, "known", json_boolean(known));
		client_answer_json(c, 0, row);
		return;
	}
	client_answer(c, 1, 0, "%s\n%s\n%s  %s  %s\nmay: %s\n%s",
	    json_string_value(json_object_get(row, "fingerprint")), json_string_value(json_object_get(row, "md5")),
	    k->name, k->auth.type, k->auth.comment, json_string_value(json_object_get(row, "may")),
	    known ? "It was there already.\n" : "");
}

static void
on_key(struct client *c, const struct buf *text)
{
	struct upload *u = c->upload;
	auto_free char *name = str_dup(u->key.name);
	struct err err = ERR_INIT;
	int rc = pushkey_read(buf_str(text), text->len, &u->key.auth, &err);
	bool known = false;

	if (rc >= 0)
		rc = is_known(c->core, u, &err);
	known = rc == 1;
	if (rc == 0)
		rc = uploaded_add(c->core, &u->key, &err);
	if (rc < 0) {
		client_answer(c, 2, 1, "%s\n", err.msg);
		return;
	}
	str_set(&u->key.name, name);
	answer_upload(c, u, known);
}

void
host_upload_key_run(struct client *c, const struct op *op, const struct strv *args)
{
	struct upload *u = calloc(1, sizeof(*u));
	struct err err = ERR_INIT;

	if (u == NULL)
		abort();
	c->upload = u;
	if (read_request(c, op, args, u, &err) < 0)
		client_answer(c, 2, 1, "%s\n", err.msg);
	else
		client_read_stdin(c, PUSHKEY_TEXT_MAX, "the key", on_key);
}

/* --- keys --- */

static void
run_list(struct client *c, struct pushkey *k, const char *app)
{
	auto_json json_t *list = host_uploaded_list(c);
	auto_buf struct buf out = BUF_INIT(TEXT_MAX);
	size_t i;
	json_t *row;

	(void)k;
	(void)app;
	if (c->json) {
		client_answer_json(c, 0, list);
		return;
	}
	json_array_foreach(list, i, row) host_uploaded_text(row, &out);
	if (json_array_size(list) == 0)
		buf_str_add(&out, "no keys were uploaded\n");
	client_output(c, 1, buf_str(&out), out.len);
	client_exit(c, 0);
}

static void
run_remove(struct client *c, struct pushkey *k, const char *app)
{
	auto_json json_t *row = host_uploaded_json(k);
	struct err err = ERR_INIT;

	(void)app;
	if (check_scope(c, k, &err) < 0 || uploaded_remove(c->core, k, &err) < 0)
		client_answer(c, 2, 1, "%s\n", err.msg);
	else if (c->json)
		client_answer_json(c, 0, row);
	else
		client_answer(c, 1, 0, "%s  %s may nothing any more; what it has deployed runs on\n",
		    json_string_value(json_object_get(row, "name")),
		    json_string_value(json_object_get(row, "fingerprint")));
}

/* What is given or taken is an app, or all of them. */
static void
change(struct client *c, struct pushkey *k, const char *name,
    int (*how)(struct pushkey *k, const char *app, struct err *err))
{
	struct pushkey given = {.name = k->name};
	auto_free char *app = NULL;
	auto_json json_t *row = NULL;
	struct err err = ERR_INIT;
	int rc = pushkey_read_apps(name, &given, &err);

	if (rc >= 0)
		rc = check_scope(c, &given, &err);
	if (rc >= 0) {
		app = str_dup(given.all ? "*" : given.apps.v[0]);
		rc = given.apps.n > 1 ? err_set(&err, EINVAL, "name one app at a time, or \"*\" for all")
				      : uploaded_change(c->core, k, how, app, &err);
	}
	strv_done(&given.apps);
	if (rc < 0) {
		client_answer(c, 2, 1, "%s\n", err.msg);
		return;
	}
	row = host_uploaded_json(k);
	if (c->json)
		client_answer_json(c, 0, row);
	else
		client_answer(c, 1, 0, "%s may: %s\n", k->name, json_string_value(json_object_get(row, "may")));
}

static void
run_allow(struct client *c, struct pushkey *k, const char *app)
{
	change(c, k, app, pushkey_allow);
}

static void
run_deny(struct client *c, struct pushkey *k, const char *app)
{
	if (k->all && !str_eq(app, "*"))
		client_answer(c, 2, 1,
		    "%s may act on all apps: `keys deny %s '*'` leaves it those that it is allowed by name\n", k->name,
		    k->name);
	else
		change(c, k, app, pushkey_deny);
}

static const struct {
	const char *name;
	size_t operands; /* behind the name: that of a key, that of an app */
	void (*run)(struct client *c, struct pushkey *k, const char *app);
} verbs[] = {
    {"list", 0, run_list},
    {"remove", 1, run_remove},
    {"allow", 2, run_allow},
    {"deny", 2, run_deny},
};

void
host_keys_run(struct client *c, const struct op *op, const struct strv *args)
{
	struct strv words = op_operands(args);
	struct pushkey *k = words.n > 1 ? pushkeys_find(&c->core->uploaded, words.v[1]) : NULL;

	c->json = op_has(args, "--json");
	if (words.n == 0) {
		run_list(c, NULL, NULL);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (words.n != 1 + verbs[i].operands || !str_eq(words.v[0], verbs[i].name))
			continue;
		if (words.n > 1 && (k == NULL || !concerns(c->access.operator, k)))
			client_answer(c, 2, 1,
			    "no uploaded key has the name %s: `keys list` shows those that there are\n", words.v[1]);
		else
			verbs[i].run(c, k, words.n > 2 ? words.v[2] : NULL);
		return;
	}
	client_answer(c, 2, 1, "%s: %s %s\n", op->name, op->name, op->usage);
}
