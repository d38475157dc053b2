#include "core/pushkey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "ipc/appname.h"
#include "ipc/sshkey.h"

enum { SHOWN_MAX = 64 };

static const char blanks[] = " \t";

/* --- the keys of a host --- */

void
pushkey_done(struct pushkey *k)
{
	free(k->name);
	authkey_done(&k->auth);
	strv_done(&k->apps);
	free(k->maker);
	*k = (struct pushkey){0};
}

void
pushkeys_done(struct pushkeys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		pushkey_done(&keys->v[i]);
	free(keys->v);
	*keys = (struct pushkeys){NULL, 0};
}

void
pushkeys_add(struct pushkeys *keys, struct pushkey *take_key)
{
	struct pushkey *grown = reallocarray(keys->v, keys->n + 1, sizeof(*keys->v));
	size_t at = keys->n;

	if (grown == NULL)
		abort();
	keys->v = grown;
	for (; at > 0 && strcmp(grown[at - 1].name, take_key->name) > 0; at--)
		grown[at] = grown[at - 1];
	grown[at] = *take_key;
	keys->n++;
	*take_key = (struct pushkey){0};
}

void
pushkeys_remove(struct pushkeys *keys, struct pushkey *k)
{
	size_t at = (size_t)(k - keys->v);

	pushkey_done(k);
	memmove(k, k + 1, (keys->n - at - 1) * sizeof(*k));
	keys->n--;
}

struct pushkey *
pushkeys_find(const struct pushkeys *keys, const char *name)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (str_eq(keys->v[i].name, name))
			return &keys->v[i];
	}
	return NULL;
}

struct pushkey *
pushkeys_with(const struct pushkeys *keys, const void *blob, size_t len)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (authkey_is(&keys->v[i].auth, blob, len))
			return &keys->v[i];
	}
	return NULL;
}

/* --- what is uploaded --- */

/* A line that holds a second key behind its comment, or instead of one, is two keys to whoever wrote it. */
static bool
names_a_type(const char *comment)
{
	while (*comment != '\0') {
		size_t len;

		comment += strspn(comment, blanks);
		len = strcspn(comment, blanks);
		if (sshkey_type(comment, len) != NULL)
			return true;
		comment += len;
	}
	return false;
}

/* What people send instead of a public key, in the words that help. */
static const char *
mistaken_for_a_key(const char *line)
{
	if (line[0] == '\0')
		return "nothing came: send the line of the public key on standard input";
	if (strstr(line, "PRIVATE KEY") != NULL)
		return "this is a private key: send the public one, and make a new pair";
	if (memmem(line, strcspn(line, blanks), "-cert-v01@", strlen("-cert-v01@")) != NULL)
		return "this is a certificate: send the public key itself";
	return NULL;
}

/* Is it one line, the newline that may end it apart? *len is then without that. No byte may begin another line. */
static int
check_line(const char *text, size_t *len, struct err *err)
{
	size_t n = *len;

	if (n > PUSHKEY_TEXT_MAX)
		return err_set(err, EINVAL, "this is no public key: it is longer than %d bytes", AUTHKEY_LINE_MAX);
	n -= n > 0 && text[n - 1] == '\n';
	n -= n > 0 && text[n - 1] == '\r';
	if (memmem(text, n, "PRIVATE KEY", strlen("PRIVATE KEY")) == NULL && memchr(text, '\n', n) != NULL)
		return err_set(err, EINVAL, "there are several lines: send one key at a time, each under its name");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == 0x7f || (c < ' ' && c != '\t' && c != '\n'))
			return err_set(err, EINVAL,
			    "this is no public key: byte %zu of it is the control character \\x%02x", i + 1, c);
	}
	*len = n;
	return 0;
}

static bool
has_options(const char *line)
{
	size_t len = 0;
	const char *key;

	if (sshkey_type(line, strcspn(line, blanks)) != NULL)
		return false;
	(void)key_options_len(line, &len);
	key = line + len + strspn(line + len, blanks);
	return sshkey_type(key, strcspn(key, blanks)) != NULL;
}

int
pushkey_read(const char *text, size_t len, struct authkey *ret, struct err *err)
{
	auto_authkey struct authkey key = {0};
	auto_free char *line = NULL;
	const char *why;
	const char *at;

	if (check_line(text, &len, err) < 0)
		return -EINVAL;
	line = str_printf("%.*s", (int)len, text);
	at = line + strspn(line, blanks);
	if ((why = mistaken_for_a_key(at)) != NULL)
		return err_set(err, EINVAL, "%s", why);
	if (has_options(at))
		return err_set(err, EINVAL,
		    "there are options in front of the key: send it without, and say with --apps what it may");
	if (authkey_parse(at, &key, err) < 0)
		return err_wrap(err, "this is no usable public key");
	if (names_a_type(key.comment))
		return err_set(
		    err, EINVAL, "there is a second key in the line: send one at a time, each under its name");
	*ret = key;
	key = (struct authkey){0};
	return 0;
}

char *
pushkey_line(const struct authkey *key)
{
	auto_free char *base64 = str_base64(key->blob, key->blob_len);

	return str_printf("%s %s%s%s", key->type, base64, key->comment[0] != '\0' ? " " : "", key->comment);
}

/* --- rights --- */

int
pushkey_read_app(const char *name, char **ret, struct err *err)
{
	auto_buf struct buf shown = BUF_INIT(4 * SHOWN_MAX);
	char service[APPNAME_MAX + 1];

	if (appname_check(name, err) >= 0) {
		appname_service(name, service);
		*ret = str_dup(service);
		return 0;
	}
	/* An app in pgo.toml is a service, whose name may hold what an app's may not. */
	if (str_is_service_name(name)) {
		*ret = str_dup(name);
		return 0;
	}
	buf_vis(&shown, name, strnlen(name, SHOWN_MAX), false);
	return err_wrap(err, "the name of an app, \"%s\"", buf_str(&shown));
}

int
pushkey_allow(struct pushkey *k, const char *app, struct err *err)
{
	if (str_eq(app, "*"))
		k->all = true;
	else if (strv_has(&k->apps, app))
		return 0;
	else if (k->apps.n < PUSHKEY_APPS_MAX)
		strv_add(&k->apps, app);
	else
		return err_set(
		    err, EINVAL, "a key is allowed at most %d apps by name: allow it all, \"*\"", PUSHKEY_APPS_MAX);
	return 0;
}

int
pushkey_deny(struct pushkey *k, const char *app, struct err *err)
{
	struct strv left = {NULL, 0};

	(void)err;
	if (str_eq(app, "*")) {
		k->all = k->makes = false;
		return 0;
	}
	for (size_t i = 0; i < k->apps.n; i++) {
		if (!str_eq(k->apps.v[i], app))
			strv_add(&left, k->apps.v[i]);
	}
	strv_done(&k->apps);
	k->apps = left;
	return 0;
}

int
pushkey_read_apps(const char *list, struct pushkey *ret, struct err *err)
{
	ret->makes = list == NULL;
	ret->all = list != NULL && str_eq(list, "*");
	if (list == NULL || ret->all)
		return 0;
	for (;;) {
		size_t len = strcspn(list, ",");
		auto_free char *name = str_printf("%.*s", (int)len, list);
		auto_free char *app = NULL;

		if (pushkey_read_app(name, &app, err) < 0 || pushkey_allow(ret, app, err) < 0)
			return -EINVAL;
		if (list[len] == '\0')
			return 0;
		list += len + 1;
	}
}

char *
pushkey_apps(const struct pushkey *k)
{
	auto_buf struct buf text = BUF_INIT((PUSHKEY_APPS_MAX + 2) * (APPNAME_MAX + 1));

	for (size_t i = 0; i < k->apps.n; i++)
		buf_printf(&text, "%s\n", k->apps.v[i]);
	buf_str_add(&text, k->all ? "*\n" : "");
	buf_str_add(&text, k->makes ? "+\n" : "");
	return buf_take(&text);
}

void
pushkey_set_apps(struct pushkey *k, const char *text)
{
	strv_done(&k->apps);
	k->all = k->makes = false;
	for (size_t len; *text != '\0'; text += len + (text[len] != '\0')) {
		auto_free char *line = str_printf("%.*s", (int)strcspn(text, "\n"), text);

		len = strlen(line);
		if (str_eq(line, "*"))
			k->all = true;
		else if (str_eq(line, "+"))
			k->makes = true;
		else
			strv_add(&k->apps, line);
	}
}

bool
pushkey_may(const struct pushkey *k, const char *app)
{
	return k->all || strv_has(&k->apps, app);
}

bool
pushkey_may_make(const struct pushkey *k, const char *app)
{
	return k->makes || pushkey_may(k, app);
}

void
pushkey_rights(const struct pushkey *k, struct buf *out)
{
	char name[APPNAME_MAX + 1];

	if (k->all) {
		buf_str_add(out, "all apps");
		return;
	}
	for (size_t i = 0; i < k->apps.n; i++) {
		appname_of_service(k->apps.v[i], name);
		buf_printf(out, "%s%s", i > 0 ? ", " : "", name);
	}
	if (k->makes)
		buf_printf(out, "%smakes apps", k->apps.n > 0 ? "; " : "");
	else if (k->apps.n == 0)
		buf_str_add(out, "nothing");
}
