/* What operators ask of the host as a whole: host://status and the like. Whoever may act on some services only sees no
 * others. */
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "core/client.h"
#include "core/host.h"
#include "core/op.h"
#include "core/status.h"
#include "core/urls.h"
#include "engine/engine.h"
#include "ipc/opname.h"

enum { STATUS_GOOD = 0, STATUS_PROBLEMS = 2, COLUMN_GAP = 2, TEXT_MAX = 1024 * 1024 };

static void run_services(struct client *c, const struct op *op, const struct strv *args);
static void run_status(struct client *c, const struct op *op, const struct strv *args);
static void run_help(struct client *c, const struct op *op, const struct strv *args);

static const struct op host_ops[] = {
    {.name = OPNAME_HOST "services",
	.usage = "[--json]",
	.help = "the services of this host, and how they are",
	.options = op_json_options,
	.looks = true,
	.run = run_services},
    {.name = OPNAME_HOST "status",
	.usage = "[--json]",
	.help = "pgod, the engine, and what is not well; ends with 0 when all is, else with 2",
	.options = op_json_options,
	.looks = true,
	.run = run_status},
    {.name = OPNAME_HOST "who",
	.usage = "[--json]",
	.help = "who may do what: the operators, the keys of each service, and who is connected",
	.options = op_json_options,
	.run = host_who_run},
    {.name = OPNAME_HOST "config",
	.usage = "[--json]",
	.help = "the configuration as pgod runs it, without its secrets",
	.options = op_json_options,
	.run = host_config_run},
    {.name = OPNAME_HOST "apps",
	.usage =
	    "[list] | info NAME | create NAME | destroy NAME NAME | rename NAME NEW | lock NAME [REASON] | unlock NAME [--json]",
	.help = "the apps of this host; make one, end one, give one another name, accept nothing for one for a while",
	.options = op_json_options,
	.operands_max = -1,
	.words = true,
	.run = host_apps_run},
    {.name = OPNAME_HOST "upload-key",
	.usage = "NAME [--apps APP,...|'*'] [--json]",
	.help =
	    "take the public key on standard input: who has it may push. Without --apps it makes apps, which are its own",
	.options = op_upload_key_options,
	.operands_max = 1,
	.words = true,
	.run = host_upload_key_run},
    {.name = OPNAME_HOST "keys",
	.usage = "[list] | remove NAME | allow NAME APP | deny NAME APP [--json]",
	.help = "the uploaded keys; take one away; let it act on an app or on all of them, '*', or no more",
	.options = op_json_options,
	.operands_max = 3,
	.words = true,
	.run = host_keys_run},
    {.name = OPNAME_HOST "help",
	.usage = "[--json]",
	.help = "this list",
	.options = op_json_options,
	.looks = true,
	.run = run_help},
};

const struct op *
host_op_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(host_ops);
	return host_ops;
}

const struct service *
host_service(const struct client *c, size_t i)
{
	const struct service *svc = core_service(c->core, conf_at(c->core->conf, i)->name);

	return svc != NULL && operator_has(c->access.operator, svc->name) ? svc : NULL;
}

void
host_append(json_t *list, json_t *take_item)
{
	if (take_item == NULL || json_array_append_new(list, take_item) != 0)
		abort();
}

/* --- services --- */

static json_t *
service_json(const struct service *svc)
{
	auto_status struct status s;

	status_look(svc, &s);
	return json_pack("{so ss so so so so so so so}", "name", client_text_json(svc->name), "state", s.state,
	    "healthy", answer_json(&s.healthy), "in_sync", answer_json(&s.in_sync), "commit",
	    client_text_json(svc->row.live), "account", client_text_json(svc->conf->user), "repository",
	    client_text_json(svc->conf->repository), "branch", client_text_json(service_branch(svc)), "urls",
	    urls_json(svc));
}

static const char *
is_word(const json_t *service, const char *name)
{
	const json_t *is = json_object_get(json_object_get(service, name), "is");

	return json_is_null(is) ? "unknown" : json_is_true(is) ? "yes" : "no";
}

enum { COLUMNS = 7 };

static void
row_of(const json_t *service, const char *cells[COLUMNS])
{
	const char *commit = json_string_value(json_object_get(service, "commit"));
	const char *repository = json_string_value(json_object_get(service, "repository"));

	cells[0] = json_string_value(json_object_get(service, "name"));
	cells[1] = json_string_value(json_object_get(service, "state"));
	cells[2] = is_word(service, "healthy");
	cells[3] = is_word(service, "in_sync");
	cells[4] = commit != NULL ? commit : "-";
	cells[5] = json_string_value(json_object_get(service, "account"));
	cells[6] = repository != NULL ? repository : "(pushed here)";
}

static void
add_row(struct buf *out, const char *const cells[COLUMNS], const size_t widths[COLUMNS])
{
	for (size_t i = 0; i < COLUMNS; i++)
		buf_printf(out, "%-*.*s", (int)widths[i] + COLUMN_GAP, i == 4 ? 8 : (int)widths[i], cells[i]);
}

static void
add_urls(struct buf *out, const json_t *urls)
{
	size_t i;
	json_t *url;

	json_array_foreach(urls, i, url) buf_printf(out, "%s%s", i == 0 ? "" : " ", json_string_value(url));
	buf_str_add(out, i == 0 ? "-\n" : "\n");
}

static void
print_services(const json_t *list, struct buf *out)
{
	static const char *const head[COLUMNS] = {
	    "NAME", "STATE", "HEALTHY", "IN SYNC", "COMMIT", "ACCOUNT", "REPOSITORY"};
	size_t widths[COLUMNS];
	const char *cells[COLUMNS];
	size_t i;
	json_t *service;

	for (i = 0; i < COLUMNS; i++)
		widths[i] = strlen(head[i]);
	widths[4] = 8;
	json_array_foreach(list, i, service)
	{
		row_of(service, cells);
		for (size_t k = 0; k < COLUMNS; k++) {
			if (k != 4 && strlen(cells[k]) > widths[k])
				widths[k] = strlen(cells[k]);
		}
	}
	add_row(out, head, widths);
	buf_str_add(out, "URLS\n");
	json_array_foreach(list, i, service)
	{
		row_of(service, cells);
		add_row(out, cells, widths);
		add_urls(out, json_object_get(service, "urls"));
	}
}

static void
run_services(struct client *c, const struct op *op, const struct strv *args)
{
	auto_json json_t *list = json_array();
	auto_buf struct buf out = BUF_INIT(TEXT_MAX);

	(void)op;
	for (size_t i = 0; i < conf_count(c->core->conf); i++) {
		const struct service *svc = host_service(c, i);

		if (svc != NULL)
			host_append(list, service_json(svc));
	}
	if (op_has(args, "--json")) {
		client_answer_json(c, STATUS_GOOD, list);
		return;
	}
	print_services(list, &out);
	client_output(c, 1, buf_str(&out), out.len);
	client_exit(c, STATUS_GOOD);
}

/* --- status --- */

/* What is not well, told of a service, or of the host (NULL). */
static void
add_problem(json_t *list, const char *service, const char *what, const char *text)
{
	host_append(list, json_pack("{so ss so}", "service", client_text_json(service), "problem", what, "reason",
			      client_text_json(text)));
}

/* Of an app that nobody has pushed to yet nothing is wrong. */
static bool
waits_for_push(const struct service *svc)
{
	return svc->app != NULL && svc->row.tracked[0] == '\0' && svc->row.release == 0;
}

static void
add_service_problems(const struct service *svc, const struct status *s, json_t *list)
{
	const char *name = svc->name;
	auto_free char *keys = NULL;

	if (svc->problem[0] != '\0')
		add_problem(list, name, "not managed", svc->problem);
	if (svc->held)
		add_problem(list, name, "held", svc->hold_note);
	else if (s->healthy.is == STATUS_NO && !waits_for_push(svc))
		add_problem(list, name, "not healthy", s->healthy.text);
	/* Of a commit that is on its way nobody needs to hear. */
	if (s->in_sync.is == STATUS_NO && (svc->running == NULL || svc->running->kind != TASK_DEPLOY))
		add_problem(list, name, "not in sync", s->in_sync.text);
	if (s->sites.text != NULL && s->sites.is == STATUS_NO)
		add_problem(list, name, "sites", s->sites.text);
	if (s->routes.text != NULL && s->routes.is == STATUS_NO)
		add_problem(list, name, "routes", s->routes.text);
	if (svc->look_error[0] != '\0')
		add_problem(list, name, "the last look failed", svc->look_error);
	if (svc->keys.refused == 0)
		return;
	keys = str_printf(
	    "%zu lines refused: %s", svc->keys.refused, svc->keys.problems.n > 0 ? svc->keys.problems.v[0] : "");
	add_problem(list, name, "keys", keys);
}

static void
add_operator_problems(const struct client *c, json_t *list)
{
	const struct conf_operators *operators = &c->core->conf->operators;

	for (size_t i = 0; i < operators->n; i++) {
		const struct conf_operator *o = &operators->v[i];
		auto_free char *text = str_printf("operator %s", o->name);

		if (o->key.limits.until_s != 0 && io_wall_ms() / 1000 > o->key.limits.until_s)
			add_problem(list, NULL, "the key has expired", text);
	}
}

/* Counts the services by state. */
static void
count(json_t *states, const char *state)
{
	if (json_object_set_new(states, state, json_integer(1 + json_integer_value(json_object_get(states, state)))) !=
	    0)
		abort();
}

static json_t *
engine_json(const struct core *core)
{
	return json_pack("{sb sI so}", "answers", (int)core->engine_up, "containers",
	    (json_int_t)(core->engine_up ? engine_container_count(core->engine) : 0), "reason",
	    core->engine_up ? json_null() : client_text_json(core->engine_reason));
}

static json_t *
status_json(const struct client *c)
{
	const struct core *core = c->core;
	json_t *states = json_object();
	json_t *problems = json_array();
	json_int_t n = 0;
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	if (!core->engine_up)
		add_problem(problems, NULL, "the engine does not answer", core->engine_reason);
	for (size_t i = 0; i < conf_count(core->conf); i++) {
		const struct service *svc = host_service(c, i);
		auto_status struct status s = {0};

		if (svc == NULL)
			continue;
		n++;
		status_look(svc, &s);
		count(states, s.state);
		add_service_problems(svc, &s, problems);
	}
	if (c->access.operator->names.n == 0)
		add_operator_problems(c, problems);
	return json_pack("{ss so sI so sI so so}", "version", PGO_VERSION, "host", client_text_json(host), "started_ms",
	    (json_int_t)core->conf->started_ms, "engine", engine_json(core), "services", n, "states", states,
	    "problems", problems);
}

/* "3 d 4 h", "4 h 5 min", "5 min": the caller frees. */
static char *
duration_text(int64_t ms)
{
	long long min = ms / 60000;

	if (min >= 24 * 60)
		return str_printf("%lld d %lld h", min / (24 * 60), min / 60 % 24);
	return min >= 60 ? str_printf("%lld h %lld min", min / 60, min % 60) : str_printf("%lld min", min);
}

static void
print_head(const struct client *c, const json_t *all, struct buf *out)
{
	const struct core *core = c->core;
	char since[IO_UTC_TEXT];
	auto_free char *up = duration_text(io_wall_ms() - core->conf->started_ms);
	auto_free char *pgod = NULL;
	auto_free char *engine = core->engine_up
				     ? str_printf("answers, %zu containers", engine_container_count(core->engine))
				     : str_printf("does not answer: %s", core->engine_reason);

	io_utc_text(core->conf->started_ms, since);
	pgod = str_printf("%s on %s, up for %s, since %s UTC", PGO_VERSION,
	    json_string_value(json_object_get(all, "host")), up, since);
	status_fact(out, "pgod", pgod);
	status_fact(out, "engine", engine);
}

static void
print_states(const json_t *all, struct buf *out)
{
	auto_buf struct buf text = BUF_INIT(4096);
	const char *state;
	json_t *n;

	buf_printf(&text, "%lld", (long long)json_integer_value(json_object_get(all, "services")));
	json_object_foreach(json_object_get(all, "states"), state, n)
	{
		buf_printf(&text, "%s %lld %s", strchr(buf_str(&text), ':') != NULL ? "," : ":",
		    (long long)json_integer_value(n), state);
	}
	status_fact(out, "services", buf_str(&text));
}

static void
print_problems(const json_t *problems, struct buf *out)
{
	size_t i;
	json_t *p;

	if (json_array_size(problems) == 0)
		status_fact(out, "problems", "none");
	json_array_foreach(problems, i, p)
	{
		const char *service = json_string_value(json_object_get(p, "service"));
		const char *reason = json_string_value(json_object_get(p, "reason"));
		auto_free char *text = str_printf("%s%s%s%s%s", service != NULL ? service : "",
		    service != NULL ? ": " : "", json_string_value(json_object_get(p, "problem")),
		    reason != NULL ? ": " : "", reason != NULL ? reason : "");

		status_fact(out, i == 0 ? "problems" : "", text);
	}
}

static void
run_status(struct client *c, const struct op *op, const struct strv *args)
{
	auto_json json_t *all = status_json(c);
	const json_t *problems = json_object_get(all, "problems");
	int status = json_array_size(problems) == 0 ? STATUS_GOOD : STATUS_PROBLEMS;
	auto_buf struct buf out = BUF_INIT(TEXT_MAX);

	(void)op;
	if (op_has(args, "--json")) {
		client_answer_json(c, status, all);
		return;
	}
	print_head(c, all, &out);
	print_states(all, &out);
	print_problems(problems, &out);
	client_output(c, 1, buf_str(&out), out.len);
	client_exit(c, status);
}

static void
run_help(struct client *c, const struct op *op, const struct strv *args)
{
	(void)op;
	op_help(c, host_ops, ARRAY_LEN(host_ops), op_has(args, "--json"));
}
