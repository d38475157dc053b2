/* The keys that operators have uploaded: who may push, and to which apps. They stand in no repository, so that a first
 * push can be made. Pure. */
#ifndef PGO_CORE_PUSHKEY_H
#define PGO_CORE_PUSHKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "ipc/authkey.h"

enum {
	PUSHKEYS_MAX = 1024,	/* of a host */
	PUSHKEY_APPS_MAX = 256, /* that a key may be allowed by name */
	PUSHKEY_TEXT_MAX = AUTHKEY_LINE_MAX + 2,
};

struct pushkey {
	char *name;
	struct authkey auth; /* without options */
	struct strv apps;    /* that it may act on: their names as services; those that it has made are among them */
	bool all;	     /* it may act on every app, and make any */
	bool makes; /* it may make apps of any name; without, those that it is allowed and that are not there yet */
	int64_t made_ms; /* wall clock */
	char *maker;	 /* who uploaded it, as logs name them */
};

struct pushkeys {
	struct pushkey *v; /* in the order of their names */
	size_t n;
};

void pushkey_done(struct pushkey *k);
void pushkeys_done(struct pushkeys *keys);
/* Takes the key over, whose name none of them has. */
void pushkeys_add(struct pushkeys *keys, struct pushkey *take_key);
void pushkeys_remove(struct pushkeys *keys, struct pushkey *k);
struct pushkey *pushkeys_find(const struct pushkeys *keys, const char *name);
/* The key with this blob, NULL when there is none. Constant time per key. */
struct pushkey *pushkeys_with(const struct pushkeys *keys, const void *blob, size_t len);

/* Reads what was uploaded: the one line of one public key, as ssh-keygen writes it. -EINVAL with a sentence that says
 * what to send; ret is untouched then. The caller frees with authkey_done. */
int pushkey_read(const char *text, size_t len, struct authkey *ret, struct err *err);
/* The key as a line of its own: "type base64 comment". The caller frees. */
char *pushkey_line(const struct authkey *key);

/* Reads the list of apps after --apps, "blog,shop" or "*": names as in `git push`, or of services. -EINVAL with a
 * sentence. NULL is no list: the key makes apps. */
int pushkey_read_apps(const char *list, struct pushkey *ret, struct err *err);
/* One of them: its name as a service. The caller frees. -EINVAL with the end of a sentence. */
int pushkey_read_app(const char *name, char **ret, struct err *err);
/* May the key act on the app, or make it when it is not there? `app` is its name as a service. */
bool pushkey_may(const struct pushkey *k, const char *app);
bool pushkey_may_make(const struct pushkey *k, const char *app);
/* Allows it one more app, or one less: the app's name as a service, or "*", all of them and what it could make;
 * those that it has by name it keeps then. -EINVAL with a sentence for one app too many. */
int pushkey_allow(struct pushkey *k, const char *app, struct err *err);
int pushkey_deny(struct pushkey *k, const char *app, struct err *err);
/* What it may as a text that pushkey_set_apps reads: its apps, "*" and "+" (it makes apps), one a line. The caller
 * frees. */
char *pushkey_apps(const struct pushkey *k);
void pushkey_set_apps(struct pushkey *k, const char *text);
/* What the key may, in words: "all apps"; "blog, shop; makes apps". */
void pushkey_rights(const struct pushkey *k, struct buf *out);

#endif
