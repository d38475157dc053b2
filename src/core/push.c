#include "core/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "core/app.h"
#include "core/push_state.h"
#include "core/store_push.h"
#include "core/urls.h"

#define STOPPING_WELL "pgod is stopping: what was pushed is accepted, and the refs follow when it is back"
#define STOPPING_UNDONE "pgod is stopping, and nothing was done yet: push again in a moment"

static void
say(void *ctx, const char *line)
{
	struct push *p = ctx;

	if (p->to != NULL)
		p->pusher->say(p->to, line);
}

struct push *
push_new(struct service *svc, const struct pusher *pusher, void *to, const char *who)
{
	struct push *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->svc = svc;
	p->pusher = pusher;
	p->to = to;
	p->begun_ms = io_wall_ms();
	snprintf(p->who, sizeof(p->who), "%s", who);
	push_text_init(&p->text, say, p);
	svc->push = p;
	return p;
}

void
push_discard(struct service *svc)
{
	struct push *p = TAKE(svc->push);

	if (p == NULL)
		return;
	p->to = NULL;
	journal_unfollow(&p->follower);
	push_text_done(&p->text);
	free(p->no);
	free(p);
}

void
push_answer(struct push *p, const char *no)
{
	void *to = TAKE(p->to);

	if (to != NULL)
		p->pusher->answer(to, no);
}

void
push_give_up(struct push *p, const char *why)
{
	struct service *svc = p->svc;

	push_text_error(&p->text, why);
	push_answer(p, why);
	push_discard(svc);
}

void
push_drop(struct service *svc)
{
	auto_free char *why = NULL;

	if (svc->push == NULL)
		return;
	if (push_deletes(svc)) {
		push_destroyed(svc, NULL);
		return;
	}
	why = str_printf("the app %s has been destroyed", svc->app->name);
	push_give_up(svc->push, why);
}

static bool
is_branch(const struct pushline_ref *ref)
{
	return str_starts(ref->name, "refs/heads/");
}

static const struct pushline_ref *
branch_of(const struct pushline_ref *refs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_branch(&refs[i]))
			return &refs[i];
	}
	return NULL;
}

static void
remember(struct service *svc, const struct pushline_ref *refs, size_t n)
{
	const struct pushline_ref *branch = branch_of(refs, n);

	svc->unsettled = n > 0;
	snprintf(svc->pushed, sizeof(svc->pushed), "%s", branch != NULL ? branch->new : "");
}

int
push_load(struct service *svc, struct err *err)
{
	auto_free struct pushline_ref *refs = calloc(PUSH_REFS_MAX, sizeof(*refs));
	int n;

	if (refs == NULL)
		abort();
	n = store_push_refs(svc->core->store, svc->conf->name, refs, PUSH_REFS_MAX, err);
	if (n >= 0)
		remember(svc, refs, (size_t)n);
	return n;
}

int
push_write_down(struct push *p, const struct pushline_ref *refs, size_t n, struct err *err)
{
	int rc = store_push_begin(p->svc->core->store, p->svc->conf->name,
	    &(struct store_push){.refs = refs, .nrefs = n, .who = p->who}, err);

	if (rc >= 0)
		remember(p->svc, refs, n);
	return rc;
}

static void
on_text(void *ctx, const char *data, size_t len)
{
	struct push *p = ctx;

	push_text_add(&p->text, data, len);
}

static void
on_note(void *ctx, const char *data, size_t len)
{
	struct push *p = ctx;

	push_text_note(&p->text, data, len);
}

static void
on_end(void *ctx)
{
	(void)ctx;
}

void
push_begun(struct service *svc, int64_t deploy, struct journal *journal)
{
	struct push *p = svc->push;
	struct err err = ERR_INIT;

	if (svc->unsettled && store_push_deploy(svc->core->store, svc->conf->name, deploy, &err) < 0)
		log_err("%s service=%s deploy=%lld", err.msg, svc->conf->name, (long long)deploy);
	if (p == NULL)
		return;
	p->deploy = deploy;
	p->follower = (struct journal_follower){.text = on_text, .note = on_note, .end = on_end, .ctx = p};
	if (journal != NULL)
		journal_follow(journal, &p->follower);
}

void
push_warned(struct service *svc, const char *text)
{
	if (svc->push != NULL)
		push_text_error(&svc->push->text, text);
}

void
push_ended(struct service *svc, const struct push_end *end)
{
	struct push *p = svc->push;

	if (p == NULL)
		return;
	journal_unfollow(&p->follower);
	p->unchanged = end->unchanged;
	if (end->well && !svc->core->quitting)
		return; /* push_settled */
	if (end->waits)
		p->no =
		    str_printf("not decided yet: %s. The deploy goes on when that is over: if it ends well then, the "
			       "branch moves to %.8s by itself, and stays where it is if not. Nothing has to be pushed "
			       "again: `logs -f deploy` follows it, and `git ls-remote` shows the branch",
			end->why, svc->pushed);
	else if (!end->well)
		str_set(&p->no, end->why);
	if (!end->well)
		push_text_error(&p->text, p->no);
	if (end->waits || svc->core->quitting) {
		push_answer(p, end->well ? STOPPING_WELL : p->no);
		push_discard(svc);
	}
}

void
push_stopping(struct service *svc)
{
	bool runs = svc->pushed[0] == '\0' || str_eq(svc->pushed, svc->row.tracked);

	if (push_deletes(svc))
		push_destroyed(svc, svc->app->row.gone == APP_GONE ? NULL : STOPPING_UNDONE);
	else if (svc->push != NULL && svc->push->works)
		push_give_up(svc->push, runs ? STOPPING_WELL : STOPPING_UNDONE);
}

static void
tell_accepted(struct push *p)
{
	auto_strv struct strv urls = {NULL, 0};

	if (p->deploy == 0) {
		push_text_head(&p->text, "Done: nothing is deployed from a tag");
		return;
	}
	if (p->unchanged)
		push_text_head(&p->text, "Unchanged: what runs is what this commit says");
	urls_of(p->svc, &urls);
	push_text_deployed(&p->text, &urls);
}

void
push_accepted(struct service *svc)
{
	struct push *p = svc->push;

	if (p == NULL)
		return;
	if (p->no == NULL)
		tell_accepted(p);
	push_answer(p, p->no);
	push_discard(svc);
}

void
push_settled(struct service *svc, const char *no)
{
	struct push *p = svc->push;

	svc->unsettled = false;
	svc->pushed[0] = '\0';
	/* The next failure, of whatever it is, waits as long as a first one. */
	if (svc->settle_trouble[0] != '\0')
		service_retry_cancel(svc);
	str_set(&svc->settle_trouble, "");
	if (p != NULL && no != NULL && p->no == NULL) {
		push_text_error(&p->text, no);
		str_set(&p->no, no);
	}
	push_accepted(svc);
}

void
push_unsettled(struct service *svc, const char *why)
{
	auto_free char *text = str_printf("%s; it runs, so they follow by themselves", why);

	if (svc->push != NULL)
		push_give_up(svc->push, text);
}
