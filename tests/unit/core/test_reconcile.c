/* The decision of what to do for a service by itself: every combination of facts, and the healing budget. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/auto.h"
#include "core/reconcile.h"

static const struct reconcile_facts calm = {
    .ready = true,
    .engine_up = true,
    .released = true,
    .running = true,
    .satisfied = true,
};

/* All facts from the bits of a number. */
static struct reconcile_facts
facts_of(unsigned bits)
{
	struct reconcile_facts f;
	bool *const field[] = {&f.ready, &f.quitting, &f.engine_up, &f.held, &f.stopped, &f.resume, &f.new_commit,
	    &f.retry_wait, &f.released, &f.running, &f.satisfied, &f.restore, &f.broken, &f.heal_wait, &f.unhealthy,
	    &f.routes, &f.nameless, &f.unsettled};

	for (size_t i = 0; i < ARRAY_LEN(field); i++)
		*field[i] = (bits >> i & 1) != 0;
	return f;
}

/* What must hold whatever else is true: I11, holds, an operator's stop, a shutdown. */
static void
every_combination_keeps_the_rules(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 1u << 18; bits++) {
		struct reconcile_facts f = facts_of(bits);
		enum action a = reconcile_decide(&f);

		if (!f.ready || f.quitting)
			assert_int_equal(a, ACTION_NONE);
		if (f.held)
			assert_true(a == ACTION_NONE || a == ACTION_STOP || a == ACTION_SETTLE);
		if (a == ACTION_SETTLE)
			assert_true(f.unsettled && !f.resume && !f.retry_wait);
		if (a == ACTION_STOP)
			assert_true(f.held && f.running && f.engine_up);
		if (f.stopped)
			assert_true(a != ACTION_HEAL && a != ACTION_RESTORE && a != ACTION_RESUME);
		if (a == ACTION_HEAL)
			assert_true(
			    f.released && (!f.satisfied || f.unhealthy) && !f.broken && !f.heal_wait && f.engine_up);
		if (a == ACTION_DEPLOY)
			assert_true(f.new_commit && !f.retry_wait);
		if (!f.engine_up)
			assert_true(a == ACTION_NONE || a == ACTION_DEPLOY || a == ACTION_SETTLE);
		if (a == ACTION_ROUTES)
			assert_true(f.routes && f.released && f.engine_up && !f.held);
		if (a == ACTION_NAMES)
			assert_true(f.nameless && f.released && f.engine_up && !f.held);
		if (!f.new_commit && !f.resume && !f.held && f.satisfied && !f.unhealthy && !f.restore && !f.routes &&
		    !f.nameless && !f.unsettled)
			assert_int_equal(a, ACTION_NONE);
	}
}

static void
unchanged_service_is_left_alone(void **state)
{
	(void)state;
	assert_int_equal(reconcile_decide(&calm), ACTION_NONE);
}

static void
each_action_has_its_cause(void **state)
{
	struct reconcile_facts f = calm;

	(void)state;
	f.held = true;
	assert_int_equal(reconcile_decide(&f), ACTION_STOP);
	f = calm;
	f.new_commit = true;
	assert_int_equal(reconcile_decide(&f), ACTION_DEPLOY);
	f.resume = true;
	assert_int_equal(reconcile_decide(&f), ACTION_RESUME);
	f = calm;
	f.satisfied = false;
	assert_int_equal(reconcile_decide(&f), ACTION_HEAL);
	f.restore = true;
	assert_int_equal(reconcile_decide(&f), ACTION_RESTORE);
	f = calm;
	f.unhealthy = true;
	assert_int_equal(reconcile_decide(&f), ACTION_HEAL);
	/* The routes do not wait for a deploy, nor for a service that has been given up. */
	f = calm;
	f.routes = f.new_commit = f.broken = true;
	assert_int_equal(reconcile_decide(&f), ACTION_ROUTES);
	f.routes = false;
	f.nameless = true;
	assert_int_equal(reconcile_decide(&f), ACTION_NAMES);
	/* Of a push that was interrupted nobody knows the end before it has been finished. */
	f = calm;
	f.unsettled = f.held = true;
	assert_int_equal(reconcile_decide(&f), ACTION_SETTLE);
	f.held = false;
	f.resume = true;
	assert_int_equal(reconcile_decide(&f), ACTION_RESUME);
	/* A new commit that cannot be deployed now does not keep the old release from being healed. */
	f = calm;
	f.new_commit = true;
	f.retry_wait = true;
	f.satisfied = false;
	assert_int_equal(reconcile_decide(&f), ACTION_HEAL);
}

static void
a_crash_loop_is_given_up_and_not_hammered(void **state)
{
	struct heal_budget b = {0, 0};
	int64_t now = 1000000;
	int64_t last = -1;
	int heals = 0;

	(void)state;
	for (;;) {
		int64_t wait = heal_delay_ms(&b, now);

		if (wait < 0)
			break;
		now += wait;
		if (heals == HEAL_ATTEMPTS_MAX) {
			assert_int_equal(wait, HEAL_LAST_MS);
			continue;
		}
		assert_true(wait >= last && wait <= HEAL_BACKOFF_MAX_MS);
		last = wait;
		heal_spend(&b, now);
		heals++;
	}
	assert_int_equal(heals, HEAL_ATTEMPTS_MAX);
}

static void
the_first_heal_is_at_once_and_calm_renews_the_budget(void **state)
{
	struct heal_budget b = {0, 0};

	(void)state;
	assert_int_equal(heal_delay_ms(&b, 5), 0);
	for (int i = 0; i < HEAL_ATTEMPTS_MAX; i++)
		heal_spend(&b, 1000 + i);
	assert_int_equal(heal_delay_ms(&b, 2000 + HEAL_LAST_MS), -1);
	assert_int_equal(heal_delay_ms(&b, 2000 + HEAL_CALM_MS), 0);
	heal_spend(&b, 2000 + HEAL_CALM_MS);
	assert_int_equal(b.attempts, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_combination_keeps_the_rules),
	    cmocka_unit_test(unchanged_service_is_left_alone),
	    cmocka_unit_test(each_action_has_its_cause),
	    cmocka_unit_test(a_crash_loop_is_given_up_and_not_hammered),
	    cmocka_unit_test(the_first_heal_is_at_once_and_calm_renews_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
