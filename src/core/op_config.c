/* `config`: the variables of an app. A change is one deploy of the commit that runs, and stands when that is live. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "compose/app.h"
#include "compose/pins.h"
#include "compose/runline.h"
#include "core/app.h"
#include "core/appvars.h"
#include "core/client.h"
#include "core/op.h"
#include "core/service.h"

enum { FILE_MAX = 8 * VARS_BYTES_MAX, SHOWN_MAX = FILE_MAX + VARS_MAX * VAR_NAME_MAX, ASKED_MAX = 200 };

/* What the first word asks for; words are those behind it. */
struct verb {
	const char *name;
	void (*run)(struct client *c, const struct strv *words);
};

/* --- what is there --- */

/* False after the client was told why they cannot be read. */
static bool
load(struct client *c, struct vars *ret)
{
	struct err err = ERR_INIT;

	if (appvars_load(c->svc, c->svc->row.vars, ret, &err) >= 0)
		return true;
	client_answer(c, 2, 1, "config: %s\n", err.msg);
	return false;
}

static void
get(struct client *c, const struct strv *words)
{
	auto_vars struct vars vars = {0};
	auto_buf struct buf name = BUF_INIT(512);
	const char *value;

	if (words->n != 1) {
		client_answer(c, 2, 1, "config: which variable? config get NAME\n");
		return;
	}
	if (!load(c, &vars))
		return;
	value = vars_get(&vars, words->v[0]);
	buf_vis(&name, words->v[0], strlen(words->v[0]), false);
	if (value == NULL)
		client_answer(c, 2, 1, "config: there is no variable %s\n", buf_str(&name));
	else
		client_answer_bytes(c, value, strlen(value));
}

static void
list_json(struct client *c, const struct vars *vars, bool show)
{
	auto_json json_t *all = json_object();

	for (size_t i = 0; i < vars->n; i++)
		json_object_set_new(all, vars->v[i].name, show ? json_string(vars->v[i].value) : json_null());
	client_answer_json(c, 0, all);
}

static void
list(struct client *c, const struct strv *words)
{
	auto_vars struct vars vars = {0};
	struct buf text = BUF_INIT(SHOWN_MAX);
	bool show = strv_has(words, "--show"), json = strv_has(words, "--json");

	if (words->n != (size_t)show + (size_t)json) {
		client_answer(c, 2, 1, "config: list takes --show and --json, once, and nothing else\n");
		return;
	}
	if (!load(c, &vars))
		return;
	if (json) {
		list_json(c, &vars, show);
		return;
	}
	if (show)
		vars_export(&vars, VARS_DOTENV, &text);
	for (size_t i = 0; !show && i < vars.n; i++)
		buf_printf(&text, "%s=***\n", vars.v[i].name);
	client_output(c, 1, buf_str(&text), text.len);
	client_exit(c, 0);
	buf_wipe(&text);
}

static void export(struct client *c, const struct strv *words)
{
	auto_vars struct vars vars = {0};
	struct buf text = BUF_INIT(FILE_MAX);
	enum vars_format format = VARS_DOTENV;
	const char *word = words->n == 2 && str_eq(words->v[0], "--format")	   ? words->v[1]
			   : words->n == 1 && str_starts(words->v[0], "--format=") ? words->v[0] + strlen("--format=")
										   : NULL;

	if (words->n > 0 && (word == NULL || !vars_format_of(word, &format))) {
		client_answer(c, 2, 1, "config: export takes --format dotenv, shell or json\n");
		return;
	}
	if (!load(c, &vars))
		return;
	vars_export(&vars, format, &text);
	client_answer_bytes(c, buf_str(&text), text.len);
	buf_wipe(&text);
}

/* --- what changes --- */

/* What is set or unset: names, and no values. */
struct asked_change {
	const char *verb;
	struct buf said;  /* to who asks, a line each */
	struct buf asked; /* in the history, as many as fit a line */
};
#define CHANGE_INIT(word)                                                                 \
	{                                                                                 \
		.verb = (word), .said = BUF_INIT(SHOWN_MAX), .asked = BUF_INIT(ASKED_MAX) \
	}

static void
change_done(struct asked_change *ch)
{
	buf_done(&ch->said);
	buf_done(&ch->asked);
}
#define auto_change __attribute__((cleanup(change_done)))

static void
change_add(struct asked_change *ch, const char *name)
{
	buf_printf(&ch->said, "       %s\n", name);
	buf_printf(&ch->asked, " %s", name);
}

/* They are what the first push gets. */
static void
keep(struct client *c, int64_t version)
{
	struct service *svc = c->svc;
	int64_t before = svc->row.vars;
	struct err err = ERR_INIT;

	svc->row.vars = version;
	if (service_save(svc, &err) < 0) {
		svc->row.vars = before;
		client_answer(c, 2, 1, "config: %s\n", err.msg);
		return;
	}
	appvars_tidy(svc);
	client_answer(c, 1, 0, "       stored: the first push gets them\n");
}

static void
deploy_with(struct client *c, int64_t version, const struct asked_change *ch)
{
	auto_free char *asked =
	    str_printf("config %s%s%s", ch->verb, buf_str(&ch->asked), ch->asked.full ? " and more" : "");
	struct task task = {.kind = TASK_DEPLOY, .mode = DEPLOY_PUSH, .vars = version, .why = asked};

	snprintf(task.commit, sizeof(task.commit), "%s", c->svc->release.commit);
	op_queue(c, task);
}

/* All of them, as they are to be. */
static void
apply(struct client *c, const struct vars *before, const struct vars *vars, const struct asked_change *ch)
{
	auto_free char *refusal = op_app_refusal(c->svc);
	struct err err = ERR_INIT;
	int64_t version = 0;

	if (refusal != NULL) {
		client_answer(c, 2, 1, "config: %s\n", refusal);
		return;
	}
	if (vars_equal(before, vars)) {
		client_answer(c, 1, 0, "-----> Nothing to change\n");
		return;
	}
	if (appvars_store(c->svc, vars, &version, &err) < 0) {
		client_answer(c, 2, 1, "config: %s\n", err.msg);
		return;
	}
	client_output(c, 1, buf_str(&ch->said), ch->said.len);
	if (c->svc->row.release == 0)
		keep(c, version);
	else
		deploy_with(c, version, ch);
}

/* Sets what is in the other set as well. */
static void
change(struct client *c, const struct vars *with)
{
	auto_vars struct vars before = {0}, vars = {0};
	auto_change struct asked_change ch = CHANGE_INIT("set");
	struct err err = ERR_INIT;

	if (!load(c, &before))
		return;
	buf_str_add(&ch.said, "-----> Setting config vars\n");
	for (size_t i = 0; i < with->n; i++)
		change_add(&ch, with->v[i].name);
	if (vars_merge(&vars, &before, &err) < 0 || vars_merge(&vars, with, &err) < 0)
		client_answer(c, 2, 1, "config: %s\n", err.msg);
	else
		apply(c, &before, &vars, &ch);
}

static void
on_value(struct client *c, const struct buf *bytes)
{
	auto_vars struct vars with = {0};
	struct err err = ERR_INIT;

	if (vars_set(&with, c->line.args.v[1], buf_str(bytes), bytes->len, &err) < 0) {
		client_answer(c, 2, 1, "config: %s\n", err.msg);
		return;
	}
	if (bytes->len > 0 && bytes->data[bytes->len - 1] == '\n')
		client_output(c, 2, "the value ends with a newline\n", strlen("the value ends with a newline\n"));
	change(c, &with);
}

static void
set(struct client *c, const struct strv *words)
{
	auto_vars struct vars with = {0};
	struct err err = ERR_INIT;

	if (words->n == 0) {
		client_answer(
		    c, 2, 1, "config: which? config set NAME=VALUE..., or set NAME with the value on standard input\n");
		return;
	}
	if (words->n == 1 && strchr(words->v[0], '=') == NULL) {
		if (vars_check_name(words->v[0], &err) < 0)
			client_answer(c, 2, 1, "config: %s\n", err.msg);
		else
			client_read_stdin(c, VAR_VALUE_MAX, "the value", on_value);
		return;
	}
	for (size_t i = 0; i < words->n; i++) {
		const char *word = words->v[i];
		size_t len = strcspn(word, "=");
		auto_free char *name = str_printf("%.*s", (int)len, word);
		int rc = word[len] == '=' ? vars_set(&with, name, word + len + 1, strlen(word + len + 1), &err)
					  : err_set(&err, 1, "of several each is NAME=VALUE");

		if (rc < 0) {
			client_answer(c, 2, 1, "config: %s\n", err.msg);
			return;
		}
	}
	change(c, &with);
}

static void
unset(struct client *c, const struct strv *words)
{
	auto_vars struct vars before = {0}, vars = {0};
	auto_change struct asked_change ch = CHANGE_INIT("unset");
	struct err err = ERR_INIT;

	if (words->n == 0) {
		client_answer(c, 2, 1, "config: which variables? config unset NAME...\n");
		return;
	}
	if (!load(c, &before))
		return;
	if (vars_merge(&vars, &before, &err) < 0) {
		client_answer(c, 2, 1, "config: %s\n", err.msg);
		return;
	}
	buf_str_add(&ch.said, "-----> Unsetting config vars\n");
	for (size_t i = 0; i < words->n; i++) {
		if (!vars_unset(&vars, words->v[i])) {
			auto_buf struct buf name = BUF_INIT(512);

			buf_vis(&name, words->v[i], strlen(words->v[i]), false);
			client_answer(c, 2, 1, "config: there is no variable %s\n", buf_str(&name));
			return;
		}
		change_add(&ch, words->v[i]);
	}
	apply(c, &before, &vars, &ch);
}

static void
on_file(struct client *c, const struct buf *bytes)
{
	auto_vars struct vars with = {0};
	struct err err = ERR_INIT;

	if (vars_import(buf_str(bytes), bytes->len, &with, &err) < 0)
		client_answer(c, 2, 1, "config: %s\n", err.msg);
	else if (with.n == 0)
		client_answer(c, 2, 1, "config: standard input has no variable\n");
	else
		change(c, &with);
}

static void
import(struct client *c, const struct strv *words)
{
	if (words->n > 0)
		client_answer(c, 2, 1, "config: import reads standard input and takes no arguments\n");
	else
		client_read_stdin(c, FILE_MAX, "the file of variables", on_file);
}

/* Of what runs: what its Dockerfile and its variables have asked for. */
static void
options(struct client *c, const struct strv *words)
{
	const struct service *svc = c->svc;
	auto_buf struct buf text = BUF_INIT(2 * MODEL_MAX);
	auto_json json_t *approved = NULL;
	auto_json json_t *model = NULL;
	auto_free char *line = NULL;
	struct err err = ERR_INIT;

	if (words->n > 0 || svc->row.release == 0) {
		client_answer(
		    c, 2, 1, words->n > 0 ? "config: options takes no arguments\n" : "config: nothing runs yet\n");
		return;
	}
	if (store_model_read(svc->core->store, svc->conf->name, svc->row.release, &text, &err) >= 0)
		approved = model_parse(buf_str(&text), text.len, &err);
	if (approved == NULL) {
		client_answer(c, 2, 1, "config: %s\n", err.msg);
		return;
	}
	model = model_unpin(approved);
	if (app_web_service(model) == NULL) {
		client_answer(c, 2, 1, "config: none of its compose services is called web\n");
		return;
	}
	line = model_runline(model, app_web_service(model));
	client_answer(c, 1, 0, "%s\n", line);
}

static const struct verb verbs[] = {
    {"set", set},
    {"unset", unset},
    {"get", get},
    {"list", list},
    {"export", export},
    {"import", import},
    {"options", options},
};

void
config_run(struct client *c, const struct op *op, const struct strv *args)
{
	const struct strv words = {args->n > 1 ? args->v + 1 : NULL, args->n > 1 ? args->n - 1 : 0};
	const char *name = args->n > 0 ? args->v[0] : "list";

	if (c->svc->app == NULL) {
		client_answer(c, 2, 1, "%s: nobody pushes to %s: what its compose file reads is `env` in pgo.toml\n",
		    op->name, c->svc->name);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (str_eq(name, verbs[i].name)) {
			verbs[i].run(c, &words);
			return;
		}
	}
	client_answer(c, 2, 1, "%s: there are set, unset, get, list, export, import and options\n", op->name);
}
