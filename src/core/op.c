#include "core/op.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"
#include "core/client.h"
#include "core/service.h"
#include "engine/engine.h"
#include "engine/ps.h"

static void run_up(struct client *c, const struct op *op, const struct strv *args);
static void run_pull(struct client *c, const struct op *op, const struct strv *args);
static void run_verb(struct client *c, const struct op *op, const struct strv *args);
static void run_piped(struct client *c, const struct op *op, const struct strv *args);
static void run_ps(struct client *c, const struct op *op, const struct strv *args);
static void run_load(struct client *c, const struct op *op, const struct strv *args);
static void run_git(struct client *c, const struct op *op, const struct strv *args);
static void run_ping(struct client *c, const struct op *op, const struct strv *args);
static void run_help(struct client *c, const struct op *op, const struct strv *args);

static const struct op_option up_options[] = {
    {"-d --detach", false, NULL},
    {NULL, false, NULL},
};
static const struct op_option timeout_options[] = {
    {"-t --timeout", true, NULL},
    {NULL, false, NULL},
};
static const struct op_option restart_options[] = {
    {"-t --timeout", true, NULL},
    {"--no-deps", false, NULL},
    {NULL, false, NULL},
};
static const struct op_option down_options[] = {
    {"-t --timeout", true, NULL},
    {"--remove-orphans", false, NULL},
    {"-v --volumes", false, "volumes hold data, and pgo deletes none; ask the administrator"},
    {"--rmi", true, "images of earlier releases are needed to go back"},
    {NULL, false, NULL},
};
static const struct op_option pull_options[] = {
    {"-q --quiet", false, NULL},
    {NULL, false, NULL},
};
static const struct op_option logs_options[] = {
    {"-f --follow", false, NULL},
    {"-n --tail", true, NULL},
    {"-t --timestamps", false, NULL},
    {"--since", true, NULL},
    {"--until", true, NULL},
    {"--no-color", false, NULL},
    {"--no-log-prefix", false, NULL},
    {"--index", true, NULL},
    {NULL, false, NULL},
};
static const struct op_option exec_options[] = {
    {"-T --no-TTY", false, NULL},
    {"-d --detach", false, NULL},
    {"-e --env", true, NULL},
    {"-w --workdir", true, NULL},
    {"--index", true, NULL},
    {"-i --interactive", false, NULL},
    {"-t --tty", false, "a terminal is not yet supported: leave it out"},
    {"--privileged", false, "it would make the command root on the server"},
    {"-u --user", true, "commands run as the image's own user"},
    {NULL, false, NULL},
};

static const struct op ops[] = {
    {.name = "up",
	.usage = "[SERVICE...]",
	.help = "bring the tracked commit up: judge it again, apply what waits, start what is down",
	.options = up_options,
	.operands_max = -1,
	.changes = true,
	.run = run_up},
    {.name = "down",
	.usage = "[-t SECONDS]",
	.help = "stop and remove the containers and networks; they stay down until up",
	.options = down_options,
	.run = run_verb},
    {.name = "stop",
	.usage = "[-t SECONDS] [SERVICE...]",
	.help = "stop the containers; they stay down until start or up",
	.options = timeout_options,
	.operands_max = -1,
	.run = run_verb},
    {.name = "start",
	.usage = "[SERVICE...]",
	.help = "start the containers that stop stopped",
	.operands_max = -1,
	.changes = true,
	.run = run_verb},
    {.name = "restart",
	.usage = "[-t SECONDS] [--no-deps] [SERVICE...]",
	.help = "stop and start the containers",
	.options = restart_options,
	.operands_max = -1,
	.changes = true,
	.run = run_verb},
    {.name = "ps",
	.usage = "[-a] [-q] [--services] [--format json] [SERVICE...]",
	.help = "list the containers",
	.raw = true,
	.looks = true,
	.run = run_ps},
    {.name = "pull",
	.usage = "[SERVICE...]",
	.help = "ask the registries for newer images; deploy when a name has moved",
	.options = pull_options,
	.operands_max = -1,
	.changes = true,
	.run = run_pull},
    {.name = "logs",
	.usage = "[-f] [-n LINES] [-t] [--since T] [--until T] [SERVICE...]",
	.help = "what the containers print",
	.options = logs_options,
	.operands_max = -1,
	.run = run_piped},
    {.name = "exec",
	.usage = "[-d] [-e VAR=VALUE] [-w DIR] [--index N] SERVICE COMMAND [ARG...]",
	.help = "run a command in a container",
	.options = exec_options,
	.operands_max = 1,
	.command = true,
	.run = run_piped},
    {.name = "load",
	.usage = "",
	.help = "check the compose file of the tracked commit against the policy",
	.run = run_load},
    {.name = "git",
	.usage = "pull|hash",
	.help = "look at the repository now; the commit that the files are of",
	.raw = true,
	.looks = true,
	.run = run_git},
    {.name = "ping", .usage = "", .help = "is the key known?", .looks = true, .run = run_ping},
    {.name = "status",
	.usage = "",
	.help = "what is deployed, healthy and in sync, and why not",
	.looks = true,
	.run = status_run},
    {.name = "help", .usage = "", .help = "this list", .looks = true, .run = run_help},
};

const struct op *
op_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(ops);
	return ops;
}

const struct op *
op_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		if (str_eq(ops[i].name, name))
			return &ops[i];
	}
	return NULL;
}

/* Why nothing may be changed now; NULL when it may. The caller frees. */
static char *
why_not(const struct service *svc)
{
	if (svc->problem[0] != '\0')
		return str_printf("%s is not managed: %s", svc->conf->name, svc->problem);
	if (svc->held)
		return str_printf("%s is held down%s%s: remove %s.stop in pgod's directory to release it",
		    svc->conf->name, svc->hold_note[0] != '\0' ? ": " : "", svc->hold_note, svc->conf->name);
	return NULL;
}

void
op_run(struct client *c)
{
	const struct op *op = op_find(c->line.op);
	auto_strv struct strv args = {NULL, 0};
	auto_free char *refusal = NULL;
	struct err err = ERR_INIT;

	if (op == NULL) {
		auto_buf struct buf name = BUF_INIT(512);

		buf_vis(&name, c->line.op, strlen(c->line.op), false);
		client_answer(c, 1, 406, "Not Acceptable: Command \"%s\" does not match any route\n", buf_str(&name));
		return;
	}
	(op->looks ? log_debug : log_info)(
	    "operation %s service=%s key=\"%s\" peer=%s", op->name, c->svc->conf->name, c->who, c->peer);
	if (!op->raw && op_args(op, &c->line.args, &args, &err) < 0) {
		client_answer(c, 2, 1, "%s\n", err.msg);
		return;
	}
	refusal = op->changes ? why_not(c->svc) : NULL;
	if (refusal != NULL) {
		client_answer(c, 2, 1, "%s\n", refusal);
		return;
	}
	op->run(c, op, op->raw ? &c->line.args : &args);
}

static void
queue(struct client *c, struct task task)
{
	task.client = c;
	task.trigger = "operator";
	snprintf(task.who, sizeof(task.who), "%s", c->who);
	if (!service_queue(c->svc, &task))
		client_answer(c, 2, 1, "too much waits to be done for %s: try again later\n", c->svc->conf->name);
}

/* The names among checked arguments, where options come first. */
static struct strv
names_of(const struct strv *args)
{
	size_t i = 0;

	while (i < args->n && args->v[i][0] == '-')
		i++;
	return (struct strv){args->n > i ? args->v + i : NULL, args->n - i};
}

static void
run_up(struct client *c, const struct op *op, const struct strv *args)
{
	(void)op;
	if (c->svc->row.tracked[0] == '\0') {
		client_answer(c, 2, 1, "nothing has been fetched yet%s%s\n", c->svc->look_error[0] != '\0' ? ": " : "",
		    c->svc->look_error);
		return;
	}
	queue(c, (struct task){.kind = TASK_DEPLOY, .mode = DEPLOY_UP, .args = names_of(args)});
}

static void
run_pull(struct client *c, const struct op *op, const struct strv *args)
{
	(void)op;
	if (c->svc->row.tracked[0] == '\0')
		client_answer(c, 2, 1, "nothing has been fetched yet\n");
	else
		queue(c, (struct task){.kind = TASK_DEPLOY, .mode = DEPLOY_PULL, .args = names_of(args)});
}

static void
run_load(struct client *c, const struct op *op, const struct strv *args)
{
	(void)op;
	(void)args;
	if (c->svc->row.tracked[0] == '\0')
		client_answer(c, 2, 1, "nothing has been fetched yet\n");
	else
		queue(c, (struct task){.kind = TASK_DEPLOY, .mode = DEPLOY_CHECK});
}

static void
run_verb(struct client *c, const struct op *op, const struct strv *args)
{
	queue(c, (struct task){.kind = TASK_VERB, .verb = op->name, .args = *args});
}

/* logs and exec: straight between the job and the client. */
static void
run_piped(struct client *c, const struct op *op, const struct strv *args)
{
	auto_strv struct strv words = {NULL, 0};

	/* No terminal: compose would ask for one. */
	if (op->command)
		strv_add(&words, "-T");
	for (size_t i = 0; i < args->n; i++)
		strv_add(&words, args->v[i]);
	client_run_job(c, op->name, &words);
}

static void
run_git(struct client *c, const struct op *op, const struct strv *args)
{
	(void)op;
	if (args->n == 0)
		client_answer(c, 1, 1, "expected git command, got nothing\n");
	else if (str_eq(args->v[0], "hash") && args->n == 1)
		client_answer(c, 1, 0, "%.8s", c->svc->row.live);
	else if (str_eq(args->v[0], "pull") && args->n == 1)
		queue(c, (struct task){.kind = TASK_LOOK});
	else
		client_answer(c, 2, 1, "unrecognized command: git %s\n", args->v[0]);
}

static void
run_ping(struct client *c, const struct op *op, const struct strv *args)
{
	char host[256] = "";

	(void)op;
	(void)args;
	gethostname(host, sizeof(host) - 1);
	client_answer(c, 1, 0, "pong! - %s\n", host);
}

static void
run_help(struct client *c, const struct op *op, const struct strv *args)
{
	auto_buf struct buf text = BUF_INIT(16 * 1024);

	(void)op;
	(void)args;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		buf_printf(&text, "%s%s%s\n        %s\n", ops[i].name, ops[i].usage[0] != '\0' ? " " : "", ops[i].usage,
		    ops[i].help);
	client_answer(c, 1, 0, "%s", buf_str(&text));
}

/* --- ps --------------------------------------------------------------------------------------------------------------
 */

static const char *
image_name(void *ctx, const char *compose_service)
{
	return service_image_name(ctx, compose_service);
}

static void
on_list(void *ctx, const struct engine_reply *reply)
{
	struct client *c = ctx;
	auto_ps_options struct ps_options options = PS_OPTIONS_INIT;
	auto_buf struct buf text = BUF_INIT(1024 * 1024);
	struct err err = ERR_INIT;
	int rc;

	c->req = NULL;
	if (reply->err->num != 0) {
		client_answer(c, 2, 500, "the engine does not answer: %s\n", reply->err->msg);
		return;
	}
	rc = ps_options_parse(&c->line.args, &options, &err);
	if (rc >= 0)
		rc = ps_render(&(struct ps_input){.list = reply->body,
				   .project = c->svc->conf->name,
				   .now = time(NULL),
				   .image_name = image_name,
				   .ctx = c->svc},
		    &options, &text, &err);
	if (rc < 0)
		client_answer(c, 2, 1, "%s\n", err.msg);
	else
		client_answer(c, 1, 0, "%s", buf_str(&text));
}

/* A fresh list: one request to the engine, no process. */
static void
run_ps(struct client *c, const struct op *op, const struct strv *args)
{
	auto_ps_options struct ps_options options = PS_OPTIONS_INIT;
	struct err err = ERR_INIT;

	(void)op;
	if (ps_options_parse(args, &options, &err) < 0)
		client_answer(c, 2, 1, "%s\n", err.msg);
	else
		c->req = engine_list(c->core->engine, c->svc->conf->name, on_list, c);
}
