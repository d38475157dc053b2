/* deploy-key: the private half is root's, so pgod is asked for the public one. */
#include "base/io.h"
#include "core/client.h"
#include "core/op.h"
#include "core/service.h"

enum { RENEW_MS = 60 * 1000 };

void
deploy_key_run(struct client *c, const struct op *op, const struct strv *args)
{
	const bool renew = op_has(args, "--new");

	(void)op;
	if (op_has_no_remote(c))
		return;
	/* A new key is work for pgod itself, and for whoever has to add it to the repository. */
	if (renew && c->svc->key_renewed_ms != 0 && io_now_ms() - c->svc->key_renewed_ms < RENEW_MS) {
		client_answer(c, 2, 1, "the deploy key of %s was made anew less than a minute ago: wait a little\n",
		    c->svc->name);
		return;
	}
	if (renew)
		c->svc->key_renewed_ms = io_now_ms();
	c->json = op_has(args, "--json");
	c->deploy_key = ++c->core->last_hold_id;
	channel_send(c->core->pgod,
	    msg_new("deploy-key", "sIsssb", "id", (json_int_t)c->deploy_key, "service", c->svc->conf->name, "renew",
		(int)renew),
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
	all = json_pack("{ss ss}", "service", c->svc->name, "deploy_key", line);
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
