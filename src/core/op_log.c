/* `logs deploy [N]`: what a deploy said; with -f as long as it says something. */
#include "base/auto.h"
#include "core/client.h"
#include "core/deploy.h"
#include "core/journal.h"
#include "core/op.h"
#include "core/service.h"

/* The exit status of one who waited for a deploy. */
static int
status_of(const struct store_deploy *d)
{
	static const char *const well[] = {"", "live", "unchanged", "pending"};

	for (size_t i = 0; i < ARRAY_LEN(well); i++) {
		if (str_eq(d->outcome, well[i]))
			return 0;
	}
	return 1;
}

static void
on_text(void *ctx, const char *data, size_t len)
{
	client_output(ctx, 1, data, len);
}

static void
on_end(void *ctx)
{
	struct client *c = ctx;
	auto_store_deploy struct store_deploy d = {0};
	struct err err = ERR_INIT;

	if (store_deploy_get(c->core->store, c->svc->conf->name, c->followed, &d, &err) > 0)
		client_exit(c, status_of(&d));
	else
		client_exit(c, 1);
}

static void
print(struct client *c, const struct store_deploy *d, bool follow)
{
	auto_buf struct buf text = BUF_INIT(2 * JOURNAL_MAX);
	struct err err = ERR_INIT;

	if (journal_read(c->svc->conf->name, d->id, &text, &err) < 0) {
		client_answer(c, 2, 1, "%s\n", err.msg);
		return;
	}
	client_output(c, 1, buf_str(&text), text.len);
	client_exit(c, follow ? status_of(d) : 0);
}

void
log_run(struct client *c, const struct strv *args, const struct strv *operands)
{
	bool follow = op_has(args, "-f") || op_has(args, "--follow");
	auto_store_deploy struct store_deploy d = {0};
	struct journal *j;

	for (size_t i = 0; i < args->n && args->v[i][0] == '-'; i++) {
		if (!str_eq(args->v[i], "-f") && !str_eq(args->v[i], "--follow")) {
			client_answer(c, 2, 1, "logs deploy: the only option is -f\n");
			return;
		}
	}
	if (!history_find(c, operands, &d))
		return;
	j = deploy_journal(c->svc, &c->followed);
	if (!follow || j == NULL || c->followed != d.id) {
		print(c, &d, follow);
		return;
	}
	c->follower.text = on_text;
	c->follower.end = on_end;
	c->follower.ctx = c;
	journal_follow(j, &c->follower);
}
