/* deploy-key: the private half is root's, so pgod is asked for the public one. */
#include "core/client.h"
#include "core/op.h"
#include "core/service.h"

void
deploy_key_run(struct client *c, const struct op *op, const struct strv *args)
{
	(void)op;
	c->json = op_has(args, "--json");
	c->deploy_key = ++c->core->last_hold_id;
	channel_send(c->core->pgod,
	    msg_new("deploy-key", "sIsssb", "id", (json_int_t)c->deploy_key, "service", c->svc->conf->name, "renew",
		(int)op_has(args, "--new")),
	    NULL, 0);
}

static void
answer(struct client *c, const char *line)
{
	json_t *all = NULL;

	if (!c->json) {
		client_answer(c, 1, 0, "%s\n", line);
		return;
	}
	all = json_pack("{ss ss}", "service", c->svc->conf->name, "deploy_key", line);
	client_answer_json(c, 0, all);
	json_decref(all);
}

void
deploy_key_answered(struct core *core, int64_t id, const char *line, const char *error)
{
	struct client *c;

	TAILQ_FOREACH(c, &core->clients, entry)
	{
		if (c->deploy_key == id)
			break;
	}
	if (c == NULL)
		return; /* it has left */
	c->deploy_key = 0;
	if (error[0] != '\0')
		client_answer(c, 2, 500, "%s\n", error);
	else
		answer(c, line);
}
