/* host://apps: the apps of this host, made, looked at, renamed, locked and destroyed by operators. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "core/app.h"
#include "core/app_names.h"
#include "core/client.h"
#include "core/host.h"
#include "core/naming.h"
#include "core/op.h"
#include "core/status.h"
#include "core/urls.h"

enum { TEXT_MAX = 1024 * 1024, REASON_MAX = 200, COLUMNS = 6, COLUMN_GAP = 2, COMMIT_SHOWN = 8 };

/* --- list, info --- */

static json_t *
app_json(const struct service *svc)
{
	const struct store_app *row = &svc->app->row;
	auto_status struct status s = {0};

	status_look(svc, &s);
	return json_pack("{ss ss ss so so ss so so so so so ss sI sb}", "name", svc->app->name, "service",
	    svc->conf->name, "state", svc->ending ? "ending" : s.state, "healthy", answer_json(&s.healthy), "commit",
	    client_text_json(svc->row.live), "repository", app_main(svc), "branch", client_text_json(row->branch),
	    "scale", client_text_json(row->scale), "locked", client_text_json(row->locked), "urls", urls_json(svc),
	    "by", client_text_json(row->maker), "account", svc->conf->user, "made_ms", (json_int_t)row->made_ms,
	    "configured", (int)!svc->app->made);
}

static const char *
text_of(const json_t *app, const char *name, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(app, name));

	return s != NULL ? s : otherwise;
}

static const char *
is_word(const json_t *app)
{
	const json_t *is = json_object_get(json_object_get(app, "healthy"), "is");

	return json_is_null(is) ? "unknown" : json_is_true(is) ? "yes" : "no";
}

static void
row_of(const json_t *app, const char *cells[COLUMNS])
{
	const char *url = json_string_value(json_array_get(json_object_get(app, "urls"), 0));

	cells[0] = text_of(app, "name", "-");
	cells[1] = text_of(app, "state", "-");
	cells[2] = is_word(app);
	cells[3] = text_of(app, "commit", "-");
	cells[4] = json_is_null(json_object_get(app, "locked")) ? "no" : "yes";
	cells[5] = url != NULL ? url : "-";
}

static size_t
width_of(size_t column, const char *cell)
{
	size_t len = strlen(cell);

	return column == 3 && len > COMMIT_SHOWN ? COMMIT_SHOWN : len;
}

static void
print_row(struct buf *out, const char *const cells[COLUMNS], const size_t widths[COLUMNS])
{
	for (size_t i = 0; i + 1 < COLUMNS; i++)
		buf_printf(out, "%-*.*s", (int)widths[i] + COLUMN_GAP, (int)widths[i], cells[i]);
	buf_printf(out, "%s\n", cells[COLUMNS - 1]);
}

static void
print_list(const json_t *list, struct buf *out)
{
	static const char *const head[COLUMNS] = {"NAME", "STATE", "HEALTHY", "COMMIT", "LOCKED", "URL"};
	size_t widths[COLUMNS];
	const char *cells[COLUMNS];
	size_t i;
	json_t *app;

	for (size_t k = 0; k < COLUMNS; k++)
		widths[k] = strlen(head[k]);
	json_array_foreach(list, i, app)
	{
		row_of(app, cells);
		for (size_t k = 0; k < COLUMNS; k++)
			widths[k] = width_of(k, cells[k]) > widths[k] ? width_of(k, cells[k]) : widths[k];
	}
	print_row(out, head, widths);
	json_array_foreach(list, i, app)
	{
		row_of(app, cells);
		print_row(out, cells, widths);
	}
}

static void
run_list(struct client *c, struct service *svc, const struct strv *words)
{
	auto_json json_t *list = json_array();
	auto_buf struct buf out = BUF_INIT(TEXT_MAX);

	(void)svc;
	(void)words;
	for (size_t i = 0; i < conf_count(c->core->conf); i++) {
		const struct service *app = host_service(c, i);

		if (app != NULL && app->app != NULL)
			host_append(list, app_json(app));
	}
	if (c->json) {
		client_answer_json(c, 0, list);
		return;
	}
	print_list(list, &out);
	client_output(c, 1, buf_str(&out), out.len);
	client_exit(c, 0);
}

static void
print_info(const json_t *app, const struct service *svc, struct buf *out)
{
	const json_t *urls = json_object_get(app, "urls");
	char made[IO_UTC_TEXT];
	size_t i;
	json_t *url;

	status_fact(out, "app", svc->app->name);
	status_fact(out, "service", svc->conf->name);
	status_fact(out, "state", text_of(app, "state", "-"));
	status_fact(out, "healthy", is_word(app));
	status_fact(out, "commit", text_of(app, "commit", "none"));
	status_fact(out, "repository", text_of(app, "repository", "-"));
	status_fact(out, "branch", text_of(app, "branch", "whichever is pushed first"));
	json_array_foreach(urls, i, url) status_fact(out, i == 0 ? "urls" : "", json_string_value(url));
	status_fact(out, "scale", text_of(app, "scale", "as the commit says"));
	status_fact(out, "locked", text_of(app, "locked", "no"));
	status_fact(out, "account", text_of(app, "account", "-"));
	if (!svc->app->made) {
		status_fact(out, "made", "it stands in pgo.toml");
		return;
	}
	io_utc_text(svc->app->row.made_ms, made);
	buf_printf(out, "%-12s%s UTC by %s\n", "made", made, text_of(app, "by", "-"));
}

static void
run_info(struct client *c, struct service *svc, const struct strv *words)
{
	auto_json json_t *app = app_json(svc);
	auto_buf struct buf out = BUF_INIT(TEXT_MAX);

	(void)words;
	if (c->json) {
		client_answer_json(c, 0, app);
		return;
	}
	print_info(app, svc, &out);
	client_output(c, 1, buf_str(&out), out.len);
	client_exit(c, 0);
}

/* --- create, destroy --- */

static void
answer_app_with(struct client *c, int status, const struct service *svc, const char *sentence)
{
	auto_json json_t *app = c->json ? app_json(svc) : NULL;

	if (c->json)
		client_answer_json(c, status, app);
	else
		client_answer(c, 1, status, "%s %s\n", svc->app->name, sentence);
}

static void
answer_app(struct client *c, const struct service *svc, const char *sentence)
{
	answer_app_with(c, 0, svc, sentence);
}

static void
on_made(void *ctx, struct service *svc, const char *error)
{
	struct client *c = ctx;

	if (svc == NULL)
		client_answer(c, 2, 1, "%s\n", error);
	else
		answer_app(c, svc, "is there: push to it");
}

static void
run_create(struct client *c, struct service *svc, const struct strv *words)
{
	const struct conf_operator *o = c->access.operator;
	char service[APPNAME_MAX + 1];
	struct err err = ERR_INIT;

	(void)svc;
	if (appname_check(words->v[1], &err) < 0) {
		client_answer(c, 2, 1, "the name of an app %s\n", err.msg);
		return;
	}
	appname_service(words->v[1], service);
	if (!operator_has(o, service))
		client_answer(c, 2, 1, "operator %s may not act on %s\n", o->name, words->v[1]);
	else
		app_create(
		    c->core, &(struct app_spec){.name = words->v[1], .maker = c->who, .anyone = true}, on_made, c);
}

static void
run_destroy(struct client *c, struct service *svc, const struct strv *words)
{
	auto_free char *kept = app_why_kept(svc);

	if (svc->app->made && (words->n != 3 || !str_eq(words->v[1], words->v[2])))
		client_answer(c, 2, 1,
		    "this ends %s, its containers, its releases and its repository; its volumes stay. If that is meant, write "
		    "the name twice: apps destroy %s %s\n",
		    svc->app->name, svc->app->name, svc->app->name);
	else if (kept != NULL)
		client_answer(c, 2, 1, "%s\n", kept);
	else {
		c->svc = svc; /* who leaves is forgotten by it */
		if (!app_destroy(svc, "operator", c->who, c))
			client_answer(c, 2, 1, "too much waits to be done for %s: try again later\n", svc->app->name);
	}
}

/* --- rename --- */

/* It, or one of its branches, which is called after it. */
static bool
is_led(const struct service *svc)
{
	const struct service *other;
	bool is = names_led(svc);

	TAILQ_FOREACH(other, &svc->core->services, entry)
	{
		if (other->app != NULL && str_eq(other->app->row.main, svc->conf->name))
			is = is || names_led(other);
	}
	return is;
}

static void
tell_renamed(struct client *c, const struct naming *n, enum lead how, const char *why)
{
	if (how != LEAD_DONE) {
		auto_free char *late =
		    str_printf("visitors are not led there by its new name yet, `status` tells when: %s\n", why);

		client_output(c, 2, late, strlen(late));
	}
	answer_app_with(c, how == LEAD_DONE ? 0 : 1, c->svc, n->said);
}

static void
run_rename(struct client *c, struct service *svc, const struct strv *words)
{
	const struct conf_operator *o = c->access.operator;
	auto_free char *sentence = str_printf("is what %s is called now: push to it by that name", svc->app->name);
	char service[APPNAME_MAX + 1];
	struct err err = ERR_INIT;

	if (strlen(words->v[2]) <= APPNAME_MAX) {
		appname_service(words->v[2], service);
		if (!operator_has(o, service)) {
			client_answer(c, 2, 1, "operator %s may not act on %s\n", o->name, words->v[2]);
			return;
		}
	}
	if (app_rename(svc, words->v[2], c->access.place, &err) < 0) {
		client_answer(c, 2, 1, "%s\n", err.msg);
		return;
	}
	c->svc = svc; /* who waits is turned away when it goes */
	naming_await(c, svc, is_led(svc), &(struct naming){.told = tell_renamed, .said = TAKE(sentence)});
}

/* --- lock, unlock --- */

static void
set_lock(struct client *c, struct service *svc, const char *text, const char *sentence)
{
	auto_free char *before = str_dup(svc->app->row.locked);
	struct err err = ERR_INIT;

	str_set(&svc->app->row.locked, text);
	if (app_save(svc, &err) < 0) {
		str_set(&svc->app->row.locked, before);
		client_answer(c, 2, 1, "%s\n", err.msg);
		return;
	}
	answer_app(c, svc, sentence);
}

static void
run_lock(struct client *c, struct service *svc, const struct strv *words)
{
	auto_buf struct buf reason = BUF_INIT(REASON_MAX);

	/* The reason of whoever was first stays. */
	if (words->n == 2 && svc->app->row.locked[0] != '\0') {
		answer_app(c, svc, "is locked already");
		return;
	}
	for (size_t i = 2; i < words->n; i++) {
		if (i > 2)
			buf_str_add(&reason, " ");
		buf_vis(&reason, words->v[i], strlen(words->v[i]), false);
	}
	buf_printf(&reason, "%sby %s", reason.len > 0 ? ", " : "", c->access.place);
	set_lock(c, svc, buf_str(&reason), "is locked: nothing is accepted until `apps unlock`; what runs goes on");
}

static void
run_unlock(struct client *c, struct service *svc, const struct strv *words)
{
	(void)words;
	set_lock(c, svc, "", "is unlocked");
}

static const struct {
	const char *name;
	size_t min, max; /* words, its own among them */
	bool of_app;	 /* the second is an app that is there */
	void (*run)(struct client *c, struct service *svc, const struct strv *words);
} verbs[] = {
    {"list", 1, 1, false, run_list},
    {"info", 2, 2, true, run_info},
    {"create", 2, 2, false, run_create},
    {"destroy", 2, 3, true, run_destroy},
    {"rename", 3, 3, true, run_rename},
    {"lock", 2, STRV_MAX, true, run_lock},
    {"unlock", 2, 2, true, run_unlock},
};

/* The app that is meant, by its name or that of its service. */
static struct service *
find_app(const struct client *c, const char *name)
{
	char service[APPNAME_MAX + 1];
	struct service *svc;

	if (strlen(name) > APPNAME_MAX)
		return NULL;
	appname_service(name, service);
	svc = core_named(c->core, service);
	return svc != NULL && svc->app != NULL && operator_has(c->access.operator, service) ? svc : NULL;
}

void
host_apps_run(struct client *c, const struct op *op, const struct strv *args)
{
	struct strv words = op_operands(args);
	struct service *svc = words.n > 1 ? find_app(c, words.v[1]) : NULL;

	c->json = op_has(args, "--json");
	if (words.n == 0) {
		run_list(c, NULL, &words);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (words.n < verbs[i].min || words.n > verbs[i].max || !str_eq(words.v[0], verbs[i].name))
			continue;
		if (verbs[i].of_app && svc == NULL)
			client_answer(
			    c, 2, 1, "there is no app of this name: `apps list` shows those that there are\n");
		else
			verbs[i].run(c, svc, &words);
		return;
	}
	client_answer(c, 2, 1, "%s: %s %s\n", op->name, op->name, op->usage);
}
