#include "core/uploaded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "core/keys.h"

static bool
add_row(void *ctx, const struct store_pushkey *row)
{
	struct pushkeys *keys = ctx;
	struct pushkey k = {0};
	struct err err = ERR_INIT;

	if (pushkey_read(row->line, strlen(row->line), &k.auth, &err) < 0) {
		log_warn("the uploaded key %s gives nothing: %s", row->name, err.msg);
		return true;
	}
	k.name = str_dup(row->name);
	k.maker = str_dup(row->maker);
	k.made_ms = row->made_ms;
	pushkey_set_apps(&k, row->apps);
	pushkeys_add(keys, &k);
	return true;
}

int
uploaded_load(struct core *core, struct err *err)
{
	return store_pushkey_each(core->store, add_row, &core->uploaded, err);
}

static int
put(struct core *core, const struct pushkey *k, char *apps, struct err *err)
{
	auto_free char *line = pushkey_line(&k->auth);

	return store_pushkey_put(core->store,
	    &(struct store_pushkey){
		.name = k->name,
		.line = line,
		.apps = apps,
		.maker = k->maker,
		.made_ms = k->made_ms,
	    },
	    err);
}

int
uploaded_add(struct core *core, struct pushkey *take_key, struct err *err)
{
	auto_free char *apps = pushkey_apps(take_key);
	int rc = put(core, take_key, apps, err);

	if (rc >= 0)
		pushkeys_add(&core->uploaded, take_key);
	return rc;
}

int
uploaded_remove(struct core *core, struct pushkey *k, struct err *err)
{
	int rc = store_pushkey_remove(core->store, k->name, err);

	if (rc >= 0)
		pushkeys_remove(&core->uploaded, k);
	return rc;
}

int
uploaded_change(struct core *core, struct pushkey *k,
    int (*change)(struct pushkey *k, const char *app, struct err *err), const char *app, struct err *err)
{
	auto_free char *before = pushkey_apps(k);
	auto_free char *after = NULL;
	int rc = change(k, app, err);

	after = pushkey_apps(k);
	if (rc >= 0 && !str_eq(before, after))
		rc = put(core, k, after, err);
	if (rc < 0)
		pushkey_set_apps(k, before);
	return rc;
}

static int
rename_one(struct core *core, struct pushkey *k, const char *from, const char *to, struct err *err)
{
	bool had = strv_has(&k->apps, from);
	auto_free char *apps = NULL;

	if (!had && strv_has(&k->apps, to))
		return err_set(err, EEXIST,
		    "the key %s is allowed an app called %s, which is to be another one: `keys deny` takes that away",
		    k->name, to);
	if (!had)
		return 0;
	pushkey_deny(k, from, NULL);
	pushkey_allow(k, to, NULL);
	apps = pushkey_apps(k);
	return put(core, k, apps, err);
}

int
uploaded_rename(struct core *core, const char *from, const char *to, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < core->uploaded.n; i++)
		rc = rename_one(core, &core->uploaded.v[i], from, to, err);
	return rc;
}

void
uploaded_again(struct core *core)
{
	struct err err = ERR_INIT;

	pushkeys_done(&core->uploaded);
	if (uploaded_load(core, &err) < 0)
		log_err("uploaded keys: %s", err.msg);
}

static void
change_or_log(struct core *core, struct pushkey *k, int (*change)(struct pushkey *k, const char *app, struct err *err),
    const char *app)
{
	struct err err = ERR_INIT;

	if (uploaded_change(core, k, change, app, &err) < 0)
		log_warn("the rights of the uploaded key %s for %s are not changed: %s", k->name, app, err.msg);
}

void
uploaded_made(struct core *core, const char *who, const char *app)
{
	for (size_t i = 0; i < core->uploaded.n; i++) {
		struct pushkey *k = &core->uploaded.v[i];
		char fingerprint[KEYS_FINGERPRINT_SIZE];

		keys_fingerprint(k->auth.blob, k->auth.blob_len, fingerprint);
		if (str_starts(who, fingerprint))
			change_or_log(core, k, pushkey_allow, app);
	}
}

void
uploaded_forget(struct core *core, const char *app)
{
	for (size_t i = 0; i < core->uploaded.n; i++) {
		if (strv_has(&core->uploaded.v[i].apps, app))
			change_or_log(core, &core->uploaded.v[i], pushkey_deny, app);
	}
}
