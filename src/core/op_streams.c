/* Operations whose bytes go straight between the job and the client. */
#include <string.h>

#include "base/auto.h"
#include "compose/model.h"
#include "core/client.h"
#include "core/op.h"

/* Options come first: is one of these two there? */
static bool
has_either(const struct strv *args, const char *letter, const char *name)
{
	return op_has(args, letter) || op_has(args, name);
}

/* `logs deploy` is pgod's; a compose service of that name is behind "--". */
void
logs_run(struct client *c, const struct op *op, const struct strv *args)
{
	struct strv operands = op_operands(args);

	if (operands.n > 0 && str_eq(operands.v[0], "deploy") && !strv_has(&c->line.args, "--"))
		log_run(c, args, &(struct strv){operands.v + 1, operands.n - 1});
	else if (op_names_known(c, op, &operands))
		client_run_job(c, c->cols > 0 ? "logs-colour" : op->name, args);
}

/* May the client have a terminal? Else it is told why not. */
static bool
may_have_terminal(struct client *c, const struct op *op)
{
	if (c->cols > 0 && c->access.terminal)
		return true;
	if (!c->access.terminal) {
		client_answer(
		    c, 2, 1, "%s: no terminal for your key (no-pty in %s): leave -t out\n", op->name, c->access.place);
		return false;
	}
	client_answer(c, 2, 1,
	    "%s: -t runs the command on your terminal, and your client has asked for none: leave -t out, or use ssh -t\n",
	    op->name);
	return false;
}

/* What compose gets of the options: not those that say whether there is a terminal, which the job's stdin tells it. */
static void
add_words(const struct strv *args, struct strv *ret_words)
{
	static const char *const ours[] = {"-i", "--interactive", "-t", "--tty", "-T", "--no-TTY"};
	size_t i = 0;

	for (; i < args->n && args->v[i][0] == '-'; i++) {
		bool is_ours = false;

		for (size_t j = 0; j < ARRAY_LEN(ours); j++)
			is_ours = is_ours || str_eq(args->v[i], ours[j]);
		if (!is_ours)
			strv_add(ret_words, args->v[i]);
	}
	for (; i < args->n; i++)
		strv_add(ret_words, args->v[i]);
}

/* The engine takes its arguments as JSON, where compose would put other characters for what is no UTF-8: the command
 * would get something else than was asked for. */
static bool
can_be_passed(struct client *c, const struct op *op, const struct strv *args)
{
	for (size_t i = 0; i < args->n; i++) {
		auto_json json_t *text = json_string(args->v[i]);

		if (text != NULL)
			continue;
		client_answer(c, 2, 1,
		    "%s: \"%s\" is no UTF-8, and the engine takes nothing else: pass it through standard input\n",
		    op->name, args->v[i]);
		return false;
	}
	return true;
}

bool
op_command_may(struct client *c, const struct op *op, const struct strv *args, bool *ret_terminal)
{
	*ret_terminal = has_either(args, "-t", "--tty") && !has_either(args, "-T", "--no-TTY") &&
			!has_either(args, "-d", "--detach");
	return (!*ret_terminal || may_have_terminal(c, op)) && can_be_passed(c, op, args);
}

void
op_command_words(const struct client *c, bool terminal, const struct strv *args, struct strv *ret_words)
{
	if (!terminal)
		strv_add(ret_words, "-T"); /* compose would look for one */
	else if (c->term[0] != '\0')	   /* before the client's own variables, of which the last counts */
		strv_add_take(ret_words, str_printf("--env=TERM=%s", c->term));
	add_words(args, ret_words);
}

void
exec_run(struct client *c, const struct op *op, const struct strv *args)
{
	auto_strv struct strv words = {NULL, 0};
	bool terminal = false;

	if (!op_command_may(c, op, args, &terminal))
		return;
	op_command_words(c, terminal, args, &words);
	if (terminal)
		client_run_on_terminal(c, "exec-terminal", &words, -1);
	else
		client_run_job(c, op->name, &words);
}
