#include "core/reconcile.h"

enum action
reconcile_decide(const struct reconcile_facts *f)
{
	if (!f->ready || f->quitting)
		return ACTION_NONE;
	/* Its refs say what was applied, whatever became of that since. */
	if (f->unsettled && !f->resume && !f->retry_wait)
		return ACTION_SETTLE;
	if (f->held)
		return f->running && f->engine_up && !f->retry_wait ? ACTION_STOP : ACTION_NONE;
	if (f->resume && !f->stopped)
		return f->engine_up ? ACTION_RESUME : ACTION_NONE;
	/* They are quick, and a deploy may take long. */
	if (f->routes && f->released && f->engine_up)
		return ACTION_ROUTES;
	if (f->nameless && f->released && f->engine_up)
		return ACTION_NAMES;
	if (f->new_commit && !f->retry_wait)
		return ACTION_DEPLOY;
	if (!f->released || f->stopped || !f->engine_up)
		return ACTION_NONE;
	if (f->broken || f->heal_wait)
		return ACTION_NONE;
	if (f->restore)
		return ACTION_RESTORE;
	return f->satisfied && !f->unhealthy ? ACTION_NONE : ACTION_HEAL;
}

const char *
action_text(enum action a)
{
	static const char *const text[] = {
	    [ACTION_NONE] = "nothing",
	    [ACTION_STOP] = "stop",
	    [ACTION_RESUME] = "resume",
	    [ACTION_SETTLE] = "settle",
	    [ACTION_ROUTES] = "routes",
	    [ACTION_NAMES] = "names",
	    [ACTION_DEPLOY] = "deploy",
	    [ACTION_RESTORE] = "restore",
	    [ACTION_HEAL] = "heal",
	};

	return text[a];
}

bool
heal_is_spent(const struct heal_budget *b, int64_t now_ms)
{
	return b->attempts >= HEAL_ATTEMPTS_MAX && now_ms - b->last_ms <= HEAL_CALM_MS;
}

int64_t
heal_delay_ms(const struct heal_budget *b, int64_t now_ms)
{
	int64_t wait = HEAL_BACKOFF_MIN_MS;
	int64_t due;

	if (b->attempts == 0 || now_ms - b->last_ms > HEAL_CALM_MS)
		return 0;
	if (heal_is_spent(b, now_ms))
		return now_ms - b->last_ms < HEAL_LAST_MS ? b->last_ms + HEAL_LAST_MS - now_ms : -1;
	for (int i = 1; i < b->attempts && wait < HEAL_BACKOFF_MAX_MS; i++)
		wait *= 2;
	if (wait > HEAL_BACKOFF_MAX_MS)
		wait = HEAL_BACKOFF_MAX_MS;
	due = b->last_ms + wait - now_ms;
	return due > 0 ? due : 0;
}

void
heal_spend(struct heal_budget *b, int64_t now_ms)
{
	if (now_ms - b->last_ms > HEAL_CALM_MS)
		b->attempts = 0;
	b->attempts++;
	b->last_ms = now_ms;
}
