/* `run`: a command in a container of its own, of the current release, which goes with the client. */
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "compose/model.h"
#include "core/client.h"
#include "core/oneoff.h"
#include "core/op.h"
#include "core/service.h"

/* Which compose service runs the command; NULL after the client was told that he has to say it. Takes the word for it
 * off the operands, when it is one: behind "--" everything is the command. */
static const char *
take_service(struct client *c, struct strv *operands)
{
	const struct model_services *facts = &c->svc->facts;
	const struct strv *line = &c->line.args;
	bool all = line->n > operands->n && str_eq(line->v[line->n - operands->n - 1], "--");

	for (size_t i = 0; i < facts->n && operands->n > 1 && !all; i++) {
		if (str_eq(facts->v[i].name, operands->v[0])) {
			operands->v++;
			operands->n--;
			return facts->v[i].name;
		}
	}
	for (size_t i = 0; i < facts->n; i++) {
		if (facts->n == 1 || str_eq(facts->v[i].name, "web"))
			return facts->v[i].name;
	}
	client_answer(c, 2, 1, "run: there is no compose service web: which one? run SERVICE COMMAND\n");
	return NULL;
}

/* The approved model: a sealed memfd. */
static int
open_model(const struct service *svc, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(2 * MODEL_MAX);
	int rc = appscale_model(svc, svc->row.release, svc->row.vars, &text, err);

	return rc < 0 ? rc : io_memfd("model", buf_str(&text), text.len, err);
}

void
oneoff_run(struct client *c, const struct op *op, const struct strv *args)
{
	auto_strv struct strv words = {NULL, 0};
	struct strv operands = op_operands(args);
	const struct strv options = {args->v, args->n - operands.n};
	struct err err = ERR_INIT;
	auto_close int model = -1;
	const char *service;
	bool terminal = false;

	if (c->svc->row.release == 0) {
		client_answer(c, 2, 1, "%s: nothing has been deployed yet\n", op->name);
		return;
	}
	if (!op_command_may(c, op, args, &terminal))
		return;
	service = take_service(c, &operands);
	if (service == NULL)
		return;
	model = open_model(c->svc, &err);
	if (model < 0) {
		client_answer(c, 2, 1, "%s: %s\n", op->name, err.msg);
		return;
	}
	c->oneoff = oneoff_begin(c->svc);
	strv_add_take(&words, str_printf("--name=%s", c->oneoff));
	op_command_words(c, terminal, &options, &words);
	strv_add(&words, service);
	for (size_t i = 0; i < operands.n; i++)
		strv_add(&words, operands.v[i]);
	if (terminal)
		client_run_on_terminal(c, "run-terminal", &words, model);
	else
		client_run_job_with(c, "run", &words, model);
}
