/* hold and release: the stop file lies in root's directory, so pgod writes it, and tells of it as of one that was put
 * there by hand. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "core/client.h"
#include "core/op.h"
#include "core/service.h"

enum { REASON_MAX = 100 }; /* bytes that stay of a reason: the whole line has 200 */

static void
ask(struct client *c, bool held, const char *note)
{
	c->hold = ++c->core->last_hold_id;
	channel_send(c->core->pgod,
	    msg_new("hold", "sIsssbss", "id", (json_int_t)c->hold, "service", c->svc->conf->name, "held", held, "note",
		note),
	    NULL, 0);
}

/* "by ssh/tess.pub, 2026-01-02 03:04:05 UTC: disk is full": who, as far as it is known, when and why. The caller frees.
 */
static char *
make_note(const struct client *c, const struct strv *words)
{
	auto_buf struct buf reason = BUF_INIT(REASON_MAX);
	const char *file = strchr(c->who, ' ');
	char when[IO_UTC_TEXT];

	for (size_t i = 0; i < words->n; i++) {
		buf_str_add(&reason, i > 0 ? " " : "");
		buf_vis(&reason, words->v[i], strlen(words->v[i]), false);
	}
	io_utc_text(io_wall_ms(), when);
	return str_printf("by %.60s, %s UTC%s%s", file != NULL ? file + 1 : c->who, when, reason.len > 0 ? ": " : "",
	    buf_str(&reason));
}

/* How it is now: a sentence, or one JSON object. */
static void
answer(struct client *c, const char *sentence)
{
	const struct service *svc = c->svc;
	auto_json json_t *all = NULL;

	if (!c->json) {
		client_answer(c, 1, 0, "%s %s%s%s\n", svc->name, sentence, svc->held ? " held " : "",
		    svc->held ? svc->hold_note : "");
		return;
	}
	all = json_pack("{ss sb so}", "service", svc->name, "held", (int)svc->held, "note",
	    svc->held ? client_text_json(svc->hold_note) : json_null());
	client_answer_json(c, 0, all);
}

void
hold_run(struct client *c, const struct op *op, const struct strv *args)
{
	struct strv words = *args;
	auto_free char *note = NULL;

	(void)op;
	c->json = words.n > 0 && str_eq(words.v[0], "--json");
	if (c->json || (words.n > 0 && str_eq(words.v[0], "--")))
		words = (struct strv){words.v + 1, words.n - 1};
	if (c->svc->held) {
		answer(c, "is held already, and stays down until release:");
		return;
	}
	note = make_note(c, &words);
	ask(c, true, note);
}

void
release_run(struct client *c, const struct op *op, const struct strv *args)
{
	(void)op;
	c->json = op_has(args, "--json");
	if (c->svc->held)
		ask(c, false, "");
	else
		answer(c, "is not held");
}

void
hold_answered(struct core *core, int64_t id, const char *error)
{
	struct client *c;

	TAILQ_FOREACH(c, &core->clients, entry)
	{
		if (c->hold == id)
			break;
	}
	if (c == NULL)
		return; /* it has left */
	c->hold = 0;
	if (error[0] != '\0')
		client_answer(c, 2, 500, "%s\n", error);
	else
		answer(c, c->svc->held ? "stays down until release:" : "is released: what was held comes up");
}
