#include "core/op.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"
#include "compose/model.h"
#include "core/client.h"
#include "core/peek.h"
#include "core/receive.h"
#include "core/service.h"
#include "ipc/opname.h"

static void run_verb(struct client *c, const struct op *op, const struct strv *args);
static void run_git(struct client *c, const struct op *op, const struct strv *args);
static void run_ping(struct client *c, const struct op *op, const struct strv *args);
static void run_help(struct client *c, const struct op *op, const struct strv *args);
static void run_for_git(struct client *c, const struct op *op, const struct strv *args);

static const struct op ops[] = {
    {.name = "up",
	.usage = "[-q] [--plan DIGEST | SERVICE...]",
	.help = "bring the tracked commit up: judge it again, apply what waits, start what is down",
	.options = op_up_options,
	.operands_max = -1,
	.changes = true,
	.run = op_up},
    {.name = "down",
	.usage = "[-t SECONDS]",
	.help = "stop and remove the containers and networks; they stay down until up",
	.options = op_down_options,
	.run = run_verb},
    {.name = "stop",
	.usage = "[-t SECONDS] [SERVICE...]",
	.help = "stop the containers; they stay down until start or up",
	.options = op_timeout_options,
	.operands_max = -1,
	.names = true,
	.run = run_verb},
    {.name = "start",
	.usage = "[SERVICE...]",
	.help = "start the containers that stop stopped",
	.operands_max = -1,
	.names = true,
	.changes = true,
	.run = run_verb},
    {.name = "restart",
	.usage = "[-t SECONDS] [--no-deps] [SERVICE...]",
	.help = "stop and start the containers",
	.options = op_restart_options,
	.operands_max = -1,
	.names = true,
	.changes = true,
	.run = run_verb},
    {.name = "ps",
	.usage = "[-a] [-q] [--services] [--status STATUS] [--json] [SERVICE...]",
	.help = "list the containers",
	.raw = true,
	.looks = true,
	.run = ps_run},
    {.name = "pull",
	.usage = "[-q] [SERVICE...]",
	.help = "ask the registries for newer images; deploy when a name has moved",
	.options = op_pull_options,
	.operands_max = -1,
	.changes = true,
	.run = op_pull},
    {.name = "logs",
	.usage = "[-f] [-n LINES] [-t] [--since T] [--until T] [SERVICE...] | [-f] deploy [N]",
	.help = "what the containers print; what a deploy said (for a compose service of that name: logs -- deploy)",
	.options = op_logs_options,
	.operands_max = -1,
	.run = logs_run},
    {.name = "journal",
	.usage = "[-f] [-n LINES] [--since T] [--json]",
	.help = "what pgod's log says of the service",
	.options = op_journal_options,
	.looks = true,
	.run = journal_run},
    {.name = "exec",
	.usage = "[-d] [-it] [-e VAR=VALUE] [-w DIR] [--index N] SERVICE COMMAND [ARG...]",
	.help = "run a command in a container; with -t on a terminal",
	.options = op_exec_options,
	.operands_max = 1,
	.command = true,
	.run = exec_run},
    {.name = "run",
	.usage = "[-it] [-e VAR=VALUE] [-w DIR] [SERVICE] [--] COMMAND [ARG...]",
	.help = "run a command in a container of its own, which goes with you; of web, or the only compose service",
	.options = op_run_options,
	.bare = true,
	.changes = true,
	.run = oneoff_run},
    {.name = "config",
	.usage =
	    "set NAME=VALUE... | set NAME | unset NAME... | get NAME | list [--show] [--json] | export [--format F] | import | options",
	.help = "the variables of an app; a change is a deploy, and stands when that is live",
	.options = op_config_options,
	.raw = true,
	.run = config_run},
    {.name = "domains",
	.usage = "[list] [--json] | add DOMAIN... | remove DOMAIN... | set DOMAIN,... | clear",
	.help = "the names by which an app is asked for on the web, beside its own and those of its file CNAME",
	.options = op_json_options,
	.operands_max = -1,
	.words = true,
	.run = domains_run},
    {.name = "tags",
	.usage = "[--json]",
	.help = "what the app's variable CONSUL_TAGS says, or that of its image; else http",
	.options = op_json_options,
	.looks = true,
	.run = tags_run},
    {.name = "links",
	.usage = "[--json]",
	.help = "the containers that those of the app are linked with",
	.options = op_json_options,
	.looks = true,
	.run = links_run},
    {.name = "scale",
	.usage = "[--json | SERVICE=NUMBER...]",
	.help = "how many containers an app has of each compose service; each has to run well, or none is changed",
	.options = op_json_options,
	.raw = true,
	.run = scale_run},
    {.name = "load",
	.usage = "[--json]",
	.help = "check the compose file of the tracked commit against the policy",
	.options = op_json_options,
	.run = op_load},
    {.name = "plan",
	.usage = "[--json]",
	.help = "what up would do to each compose service, and why; ends with 0 nothing to do, 2 changes, 1 refused",
	.options = op_json_options,
	.run = op_plan},
    {.name = "history",
	.usage = "[-n DEPLOYS] [--json]",
	.help = "the deploys, newest first",
	.options = op_history_options,
	.looks = true,
	.run = history_run},
    {.name = "deploys",
	.usage = "[--json] [N]",
	.help = "a deploy with its steps and its log; without N the newest",
	.options = op_json_options,
	.operands_max = 1,
	.looks = true,
	.run = deploys_run},
    {.name = "rollback",
	.usage = "[--json] [N]",
	.help = "bring release N up again from what is on this machine; without N the last good one before",
	.options = op_json_options,
	.operands_max = 1,
	.changes = true,
	.run = op_rollback},
    {.name = "cancel",
	.usage = "[--json]",
	.help = "end the deploy that runs, or waits for its turn",
	.options = op_json_options,
	.run = op_cancel},
    {.name = "hold",
	.usage = "[--json] [REASON]",
	.help = "stop the containers; they stay down, whatever comes, until release",
	.options = op_json_options,
	.raw = true,
	.run = hold_run},
    {.name = "release",
	.usage = "[--json]",
	.help = "end the hold: what was held comes up",
	.options = op_json_options,
	.run = release_run},
    {.name = "sync",
	.usage = "[--json]",
	.help = "look at the repository now, and tell what follows",
	.options = op_json_options,
	.run = op_sync},
    {.name = "deploy-key",
	.usage = "[--new] [--json]",
	.help =
	    "the public half of the service's key for its repository, made when there is none; --new: make another one",
	.options = op_deploy_key_options,
	.run = deploy_key_run},
    {.name = "git",
	.usage = "pull | hash [--json]",
	.help = "look at the repository now; the commit that the files are of",
	.raw = true,
	.looks = true,
	.run = run_git},
    {.name = "push",
	.usage = "",
	.help = "what git push asks for: take its commits, and deploy them; of an app",
	.raw = true,
	.run = run_for_git},
    {.name = "fetch",
	.usage = "",
	.help = "what git clone, fetch and archive ask for: give what was pushed; of an app",
	.raw = true,
	.looks = true,
	.run = run_for_git},
    {.name = "ping",
	.usage = "[--json]",
	.help = "is the key known?",
	.options = op_json_options,
	.looks = true,
	.run = run_ping},
    {.name = "status",
	.usage = "[--json]",
	.help = "what is deployed, healthy and in sync, and why not",
	.options = op_json_options,
	.looks = true,
	.run = status_run},
    {.name = "help",
	.usage = "[--json]",
	.help = "this list",
	.options = op_json_options,
	.looks = true,
	.run = run_help},
};

const struct op *
op_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(ops);
	return ops;
}

/* In the table of the host names begin with OPNAME_HOST, which `name` does not. */
static const struct op *
find(bool of_host, const char *name)
{
	size_t skip = of_host ? strlen(OPNAME_HOST) : 0;
	size_t n;
	const struct op *table = of_host ? host_op_table(&n) : op_table(&n);

	for (size_t i = 0; i < n; i++) {
		if (str_eq(table[i].name + skip, name))
			return &table[i];
	}
	return NULL;
}

void
op_hint_at_host(struct client *c)
{
	auto_free char *hint = NULL;

	if (!str_eq(c->line.service, "host") || c->git || find(true, c->line.op) == NULL)
		return;
	hint = str_printf("What is asked of the host itself has a colon before the slashes: host://%s\n", c->line.op);
	client_output(c, 2, hint, strlen(hint));
}

/* Whose journal the line is for: the service's, whatever people call it. */
static const char *
log_name(const struct client *c)
{
	return c->svc != NULL ? c->svc->conf->name : c->line.service;
}

/* A key that is limited to some operations asks for another. */
static void
refuse_op(struct client *c, const struct op *op)
{
	auto_buf struct buf may = BUF_INIT(2048);

	for (size_t i = 0; i < c->access.may.n; i++)
		buf_printf(&may, "%s%s", i > 0 ? ", " : "", c->access.may.v[i]);
	log_info("operation %s refused service=%s key=\"%s\" peer=%s", op->name, log_name(c), c->who, c->peer);
	client_answer(c, 1, 401, "Unauthorized: Key for user \"%s\", %s, may not ask for %s%s%s: it may ask for %s\n",
	    c->user, c->access.place, op->name, c->svc != NULL ? " of " : "", c->svc != NULL ? c->line.service : "",
	    may.len > 0 ? buf_str(&may) : "nothing");
}

void
op_run(struct client *c)
{
	const struct op *op = find(c->svc == NULL, c->line.op);
	auto_strv struct strv args = {NULL, 0};
	auto_free char *refusal = NULL;
	struct err err = ERR_INIT;

	if (op == NULL) {
		auto_buf struct buf name = BUF_INIT(512);

		buf_vis(&name, c->line.op, strlen(c->line.op), false);
		op_hint_at_host(c);
		client_answer(c, 1, 406, "Not Acceptable: Command \"%s\" does not match any route\n", buf_str(&name));
		return;
	}
	if (!access_may(&c->access, op->name)) {
		refuse_op(c, op);
		return;
	}
	(op->looks ? log_debug : log_info)(
	    "operation %s service=%s key=\"%s\" peer=%s", op->name, log_name(c), c->who, c->peer);
	if (!op->raw && op_args(op, &c->line.args, &args, &err) < 0) {
		client_answer(c, 2, 1, "%s\n", err.msg);
		return;
	}
	refusal = op->changes && c->svc != NULL ? op_refusal(c->svc) : NULL;
	if (refusal != NULL) {
		client_answer(c, 2, 1, "%s\n", refusal);
		return;
	}
	if (op->names) {
		struct strv names = op_operands(&args);

		if (!op_names_known(c, op, &names))
			return;
	}
	op->run(c, op, op->raw ? &c->line.args : &args);
}

bool
op_has(const struct strv *args, const char *option)
{
	for (size_t i = 0; i < args->n && args->v[i][0] == '-'; i++) {
		if (str_eq(args->v[i], option))
			return true;
	}
	return false;
}

const char *
op_value(const struct strv *args, const char *option)
{
	size_t len = strlen(option);

	for (size_t i = 0; i < args->n && args->v[i][0] == '-'; i++) {
		if (str_starts(args->v[i], option) && args->v[i][len] == '=')
			return args->v[i] + len + 1;
	}
	return NULL;
}

struct strv
op_operands(const struct strv *args)
{
	size_t i = 0;

	while (i < args->n && args->v[i][0] == '-')
		i++;
	return (struct strv){args->n > i ? args->v + i : NULL, args->n - i};
}

void
op_queue(struct client *c, struct task task)
{
	auto_free char *why = task.why != NULL ? str_printf("%s, by %s", task.why, c->access.place) : NULL;

	task.why = why;
	task.client = c;
	task.trigger = "operator";
	snprintf(task.who, sizeof(task.who), "%s", c->who);
	if (!service_queue(c->svc, &task))
		client_answer(c, 2, 1, "too much waits to be done for %s: try again later\n", c->svc->name);
	else if (task.kind == TASK_LOOK)
		peek_now(c->svc);
}

static void
run_verb(struct client *c, const struct op *op, const struct strv *args)
{
	op_queue(c, (struct task){.kind = TASK_VERB, .verb = op->name, .args = *args});
}

static void
answer_hash(struct client *c, bool json)
{
	const struct store_service *row = &c->svc->row;
	auto_json json_t *all = NULL;

	if (!json) {
		client_answer(c, 1, 0, "%.8s", row->live);
		return;
	}
	all = json_pack("{ss so so}", "service", c->svc->name, "branch", client_text_json(service_branch(c->svc)),
	    "commit", client_text_json(row->live));
	client_answer_json(c, 0, all);
}

static void
run_git(struct client *c, const struct op *op, const struct strv *args)
{
	bool json = args->n == 2 && str_eq(args->v[1], "--json");

	(void)op;
	if (args->n == 0)
		client_answer(c, 1, 1, "expected git command, got nothing\n");
	else if (str_eq(args->v[0], "hash") && (args->n == 1 || json))
		answer_hash(c, json);
	else if (str_eq(args->v[0], "pull") && args->n == 1)
		op_look(c, (struct task){.kind = TASK_LOOK});
	else
		client_answer(c, 2, 1, "unrecognized command: git %s\n", args->v[0]);
}

/* Both go by names of git's own: as words of ours they only say who may. */
static void
run_for_git(struct client *c, const struct op *op, const struct strv *args)
{
	(void)args;
	if (c->git)
		receive_run(c);
	else
		client_answer(
		    c, 2, 1, "%s is what git asks for: git %s ssh://HOST:PORT/%s\n", op->name, op->name, c->svc->name);
}

static void
run_ping(struct client *c, const struct op *op, const struct strv *args)
{
	char host[256] = "";

	auto_json json_t *all = NULL;

	(void)op;
	gethostname(host, sizeof(host) - 1);
	if (!op_has(args, "--json")) {
		client_answer(c, 1, 0, "pong! - %s\n", host);
		return;
	}
	all =
	    json_pack("{ss so ss}", "service", c->line.service, "host", client_text_json(host), "version", PGO_VERSION);
	client_answer_json(c, 0, all);
}

static json_t *
help_json(const struct client *c, const struct op *table, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		if (access_may(&c->access, table[i].name))
			json_array_append_new(list, json_pack("{ss ss ss}", "operation", table[i].name, "arguments",
							table[i].usage, "help", table[i].help));
	}
	return list;
}

void
op_help(struct client *c, const struct op *table, size_t n, bool json)
{
	auto_buf struct buf text = BUF_INIT(16 * 1024);

	if (json) {
		auto_json json_t *list = help_json(c, table, n);

		client_answer_json(c, 0, list);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (access_may(&c->access, table[i].name))
			buf_printf(&text, "%s%s%s\n        %s\n", table[i].name, table[i].usage[0] != '\0' ? " " : "",
			    table[i].usage, table[i].help);
	}
	client_answer(c, 1, 0, "%s", buf_str(&text));
}

static void
run_help(struct client *c, const struct op *op, const struct strv *args)
{
	(void)op;
	op_help(c, ops, ARRAY_LEN(ops), op_has(args, "--json"));
}
