/* `domains`: the names that an app has beside those of its repository. What is added is answered when visitors are led
 * there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "core/app_names.h"
#include "core/client.h"
#include "core/naming.h"
#include "core/op.h"
#include "core/service.h"
#include "ipc/hostname.h"

enum {
	ADDED_MAX = 256, /* names by hand of one app */
	SHOWN_MAX = 1 << 20,
};

/* What the first word asks for; names are those behind it. Returns 0, or < 0 with a sentence: then nothing changes. */
struct verb {
	const char *name;
	int (*change)(struct client *c, struct strv *added, const struct strv *names, struct buf *out, struct err *err);
	bool names; /* wants some */
};

/* Foreign until it is checked. */
static int
check(const char *name, struct err *err)
{
	auto_buf struct buf shown = BUF_INIT(4 * HOSTNAME_MAX);
	struct err why = ERR_INIT;

	if (hostname_check(name, &why) >= 0)
		return 0;
	buf_vis(&shown, name, strnlen(name, HOSTNAME_MAX), false);
	return err_set(err, EINVAL, "%s %s", buf_str(&shown), why.msg);
}

static int
add(struct client *c, struct strv *added, const struct strv *names, struct buf *out, struct err *err)
{
	const char *app = c->svc->app->name;
	auto_domains struct domains all = {0};
	auto_strv struct strv had = {NULL, 0};
	int rc = 0;

	names_all(c->core, true, &all);
	names_of(c->svc, &had);
	for (size_t i = 0; rc == 0 && i < names->n; i++) {
		const char *name = names->v[i];

		rc = check(name, err);
		if (rc == 0)
			rc = domains_judge(&all, app, name, err);
		if (rc < 0)
			return rc;
		if (strv_has(&had, name)) {
			buf_printf(out, "Skipping: %s already added to %s\n", name, app);
			continue;
		}
		strv_add(added, name);
		strv_add(&had, name);
		buf_printf(out, "-----> Added %s to %s\n", name, app);
	}
	if (added->n > ADDED_MAX)
		return err_set(err, E2BIG, "more than %d names of an app are not added", ADDED_MAX);
	return 0;
}

/* A name of the repository's would be back with the next push. */
static int
cannot_go(const struct client *c, const char *name, struct err *err)
{
	auto_strv struct strv cname = {NULL, 0}, all = {NULL, 0};

	names_lines(c->svc->app->row.cname, &cname);
	names_of(c->svc, &all);
	if (strv_has(&cname, name))
		return err_set(
		    err, EINVAL, "%s stands in the file CNAME of the commit: take it out there and push", name);
	if (strv_has(&all, name))
		return err_set(err, EINVAL, "%s is the app's own name, which it always has", name);
	return 0;
}

static int
take_out(struct client *c, struct strv *added, const struct strv *names, struct buf *out, struct err *err)
{
	const char *app = c->svc->app->name;
	struct strv left = {NULL, 0};

	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->v[i];

		if (check(name, err) < 0 || (!strv_has(added, name) && cannot_go(c, name, err) < 0))
			return -EINVAL;
		if (strv_has(added, name))
			buf_printf(out, "-----> Removed %s from %s\n", name, app);
		else
			buf_printf(out, "Skipping: %s is not a name of %s\n", name, app);
	}
	for (size_t i = 0; i < added->n; i++) {
		if (!strv_has(names, added->v[i]))
			strv_add(&left, added->v[i]);
	}
	strv_done(added);
	*added = left;
	return 0;
}

static int
clear(struct client *c, struct strv *added, const struct strv *names, struct buf *out, struct err *err)
{
	(void)names;
	(void)err;
	for (size_t i = 0; i < added->n; i++)
		buf_printf(out, "-----> Removed %s from %s\n", added->v[i], c->svc->app->name);
	strv_done(added);
	return 0;
}

/* "a.com,b.com" and "a.com b.com" alike. */
static void
split_commas(const struct strv *words, struct strv *ret)
{
	for (size_t i = 0; i < words->n; i++) {
		const char *at = words->v[i];

		while (*at != '\0') {
			size_t len = strcspn(at, ",");
			auto_free char *name = str_printf("%.*s", (int)len, at);

			if (len > 0 && !strv_has(ret, name))
				strv_add(ret, name);
			at += len + (at[len] == ',' ? 1 : 0);
		}
	}
}

/* These and no others; octohost's domains:set. */
static int
set(struct client *c, struct strv *added, const struct strv *words, struct buf *out, struct err *err)
{
	auto_strv struct strv names = {NULL, 0}, go = {NULL, 0}, come = {NULL, 0}, had = {NULL, 0};
	int rc;

	split_commas(words, &names);
	names_of(c->svc, &had);
	for (size_t i = 0; i < added->n; i++) {
		if (!strv_has(&names, added->v[i]))
			strv_add(&go, added->v[i]);
	}
	for (size_t i = 0; i < names.n; i++) {
		if (!strv_has(&had, names.v[i]))
			strv_add(&come, names.v[i]);
	}
	rc = take_out(c, added, &go, out, err);
	return rc < 0 ? rc : add(c, added, &come, out, err);
}

static const struct verb verbs[] = {
    {"add", add, true},
    {"set", set, true},
    {"remove", take_out, true},
    {"clear", clear, false},
};

/* --- what there is --- */

static const char *
source_of(const struct service *svc, const char *name)
{
	auto_strv struct strv cname = {NULL, 0}, added = {NULL, 0};

	names_lines(svc->app->row.cname, &cname);
	names_lines(svc->app->row.domains, &added);
	return strv_has(&cname, name) ? "CNAME" : strv_has(&added, name) ? "added" : "own";
}

static void
list(struct client *c, bool json)
{
	auto_strv struct strv names = {NULL, 0};
	auto_domains struct domains all = {0};
	auto_json json_t *rows = json_array();
	auto_buf struct buf out = BUF_INIT(SHOWN_MAX);

	names_of(c->svc, &names);
	names_all(c->core, false, &all);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.v[i], *from = source_of(c->svc, name);
		struct err err = ERR_INIT;
		bool lost = domains_judge(&all, c->svc->app->name, name, &err) < 0;

		buf_printf(&out, "%-6s %s%s%s\n", from, name, lost ? ": left out: " : "", err.msg);
		json_array_append_new(
		    rows, json_pack("{ss ss so}", "name", name, "from", from, "problem", client_text_json(err.msg)));
	}
	if (json)
		client_answer_json(c, 0, rows);
	else
		client_answer(c, 1, 0, "%s", buf_str(&out));
}

/* --- a change, and its answer --- */

/* Unless they have been changed once more, by somebody who waits himself. */
static bool
take_back(const struct client *c, const struct naming *n)
{
	const struct service *svc = c->svc;

	if (!str_eq(svc->app->row.domains, n->after))
		return false;
	str_set(&svc->app->row.domains, n->before);
	if (app_save(svc, NULL) < 0)
		return false;
	lead_changed(svc->core, svc->conf->name);
	return true;
}

static void
tell(struct client *c, const struct naming *n, enum lead how, const char *why)
{
	if (how == LEAD_DONE)
		client_answer(c, 1, 0, "%s", n->said);
	else if (how == LEAD_REFUSED && take_back(c, n))
		client_answer(
		    c, 2, 1, "domains: the proxy does not take it in, so the names are as they were: %s\n", why);
	else {
		client_output(c, 1, n->said, strlen(n->said));
		client_answer(c, 2, 1,
		    "domains: the names are these now, but visitors are not led there yet, `status` tells when: %s\n",
		    why);
	}
}

static void
change(struct client *c, const struct verb *v, const struct strv *names)
{
	struct app *app = c->svc->app;
	auto_strv struct strv added = {NULL, 0};
	auto_buf struct buf out = BUF_INIT(SHOWN_MAX);
	auto_free char *before = NULL;
	struct err err = ERR_INIT;

	names_lines(app->row.domains, &added);
	if (v->change(c, &added, names, &out, &err) < 0) {
		client_answer(c, 2, 1, "domains: %s\n", err.msg);
		return;
	}
	before = TAKE(app->row.domains);
	app->row.domains = names_join(&added);
	if (app_save(c->svc, &err) < 0) {
		str_set(&app->row.domains, before);
		client_answer(c, 2, 500, "domains: %s\n", err.msg);
		return;
	}
	naming_await(c, c->svc, names_led(c->svc),
	    &(struct naming){
		.told = tell, .said = buf_take(&out), .before = TAKE(before), .after = str_dup(app->row.domains)});
}

void
domains_run(struct client *c, const struct op *op, const struct strv *args)
{
	struct strv words = op_operands(args);
	const char *word = words.n > 0 ? words.v[0] : "list";
	struct strv names = words.n > 0 ? (struct strv){words.v + 1, words.n - 1} : words;

	if (c->svc->app == NULL) {
		client_answer(c, 2, 1, "domains: %s is not pushed to this host: its sites are the urls of pgo.toml\n",
		    c->svc->name);
		return;
	}
	if (str_eq(word, "list") && names.n == 0) {
		list(c, op_has(args, "--json"));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (str_eq(word, verbs[i].name) && verbs[i].names == (names.n > 0)) {
			change(c, &verbs[i], &names);
			return;
		}
	}
	client_answer(c, 2, 1, "domains: %s %s\n", op->name, op->usage);
}
