/* When a release that was brought up counts as running well, and when it never will. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "core/watch.h"
#include "engine/engine.h"
#include "fake_view.h"

struct row {
	enum watch_state state;
	const char *says; /* NULL: nothing */
	enum model_restart restart;
	bool healthcheck; /* of the model */
	int scale;
	struct container boxes[2];
	size_t n;
};

static const struct row rows[] = {
    /* without a healthcheck it has to stay for a while */
    {WATCH_SETTLE, NULL, MODEL_RESTART_NO, false, 1, {BOX(RUNNING)}, 1},
    {WATCH_WAIT, "web: no container", MODEL_RESTART_NO, false, 1, {BOX(RUNNING)}, 0},
    {WATCH_WAIT, "web: no container", MODEL_RESTART_NO, false, 2, {BOX(RUNNING)}, 1},
    {WATCH_WAIT, "web: no container", MODEL_RESTART_NO, false, 1, {BOX(RUNNING, .oneoff = true)}, 1},
    {WATCH_GOOD, NULL, MODEL_RESTART_NO, false, 0, {BOX(RUNNING)}, 0},
    /* with one, its word counts: the model's or the image's */
    {WATCH_GOOD, NULL, MODEL_RESTART_NO, true, 1, {BOX(RUNNING, .health = HEALTH_HEALTHY)}, 1},
    {WATCH_GOOD, NULL, MODEL_RESTART_NO, false, 1, {BOX(RUNNING, .health = HEALTH_HEALTHY)}, 1},
    {WATCH_WAIT, "healthcheck", MODEL_RESTART_NO, false, 1, {BOX(RUNNING, .health = HEALTH_STARTING)}, 1},
    {WATCH_WAIT, "healthcheck", MODEL_RESTART_NO, true, 1, {BOX(RUNNING)}, 1},
    {WATCH_BAD, "web: unhealthy", MODEL_RESTART_NO, true, 1, {BOX(RUNNING, .health = HEALTH_UNHEALTHY)}, 1},
    /* an end that was meant, and one that was not */
    {WATCH_GOOD, NULL, MODEL_RESTART_NO, true, 1, {BOX(EXITED, .exit_code = 0)}, 1},
    {WATCH_GOOD, NULL, MODEL_RESTART_ON_FAILURE, false, 1, {BOX(EXITED, .exit_code = 0)}, 1},
    {WATCH_BAD, "web: exited with 137 (out of memory)", MODEL_RESTART_NO, false, 1,
	{BOX(EXITED, .exit_code = 137, .oom = true)}, 1},
    {WATCH_BAD, "web: exited with 3", MODEL_RESTART_NO, false, 1, {BOX(EXITED, .exit_code = 3)}, 1},
    {WATCH_WAIT, "exited", MODEL_RESTART_NO, false, 1, {BOX(EXITED, .exit_code = -1)}, 1},
    {WATCH_WAIT, "exited", MODEL_RESTART_ALWAYS, false, 1, {BOX(EXITED, .exit_code = 0)}, 1},
    {WATCH_WAIT, "exited", MODEL_RESTART_ON_FAILURE, false, 1, {BOX(EXITED, .exit_code = 3)}, 1},
    /* a crash loop, whether it was seen or is told */
    {WATCH_WAIT, "restarting", MODEL_RESTART_ALWAYS, false, 1, {BOX(RESTARTING, .deaths = 2)}, 1},
    {WATCH_BAD, "again and again, last with exit status 7", MODEL_RESTART_ALWAYS, false, 1,
	{BOX(RESTARTING, .deaths = 3, .exit_code = 7)}, 1},
    {WATCH_BAD, "again and again", MODEL_RESTART_ALWAYS, false, 1, {BOX(RUNNING, .restarts = 3)}, 1},
    /* the bad one is the reason, not the one that is not there yet */
    {WATCH_BAD, "web: exited with 1", MODEL_RESTART_NO, false, 2, {BOX(CREATED), BOX(EXITED, .exit_code = 1)}, 2},
};

static bool fresh;
static enum probe_state probed; /* PROBE_NOT_ASKED by itself */

static enum probe_state
probe(struct probes *p, const struct container *c, const char **ret_why)
{
	(void)p;
	(void)c;
	if (probed != PROBE_NOT_ASKED)
		*ret_why = "its port 8080 does not answer yet";
	return probed;
}

static void
look(const struct row *row, const char *stopped, const struct watch_death *before, size_t nbefore, struct watch *ret)
{
	struct model_service web = {
	    .name = (char[]){"web"}, .restart = row->restart, .scale = row->scale, .healthcheck = row->healthcheck};
	struct model_services facts = {&web, 1};
	const struct watch_asks asks = {is_stopped, stopped, probe, NULL};

	boxes = row->boxes;
	nboxes = row->n;
	watch_look(NULL, "p", &facts, before, nbefore, fresh, &asks, ret);
}

static void
well_or_not_yet_or_never(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_watch struct watch w = WATCH_INIT;

		look(&rows[i], NULL, NULL, 0, &w);
		if (w.state != rows[i].state || (rows[i].says == NULL) != (w.why.len == 0) ||
		    (rows[i].says != NULL && strstr(buf_str(&w.why), rows[i].says) == NULL))
			fail_msg("row %zu: %d: %s", i, (int)w.state, buf_str(&w.why));
	}
}

static void
what_an_operator_stopped_is_not_waited_for(void **state)
{
	static const struct row row = {.scale = 1};
	auto_watch struct watch w = WATCH_INIT;

	(void)state;
	look(&row, "web", NULL, 0, &w);
	assert_int_equal(w.state, WATCH_GOOD);
}

/* In-place leaves containers alone: what they died of before is not this deploy's. */
static void
deaths_of_before_do_not_count(void **state)
{
	static const struct row before = {.scale = 1, .boxes = {BOX(RUNNING, .deaths = 7, .restarts = 7)}, .n = 1};
	static const struct row after = {.scale = 1, .boxes = {BOX(RUNNING, .deaths = 9, .restarts = 9)}, .n = 1};
	auto_watch struct watch w = WATCH_INIT;
	auto_watch struct watch again = WATCH_INIT;
	size_t n = 0;
	struct watch_death *deaths;

	(void)state;
	boxes = before.boxes;
	nboxes = before.n;
	deaths = watch_deaths(NULL, "p", &n);
	look(&after, NULL, deaths, n, &w);
	assert_int_equal(w.state, WATCH_SETTLE);
	look(&after, NULL, NULL, 0, &again);
	assert_int_equal(again.state, WATCH_BAD);
	free(deaths);
}

/* compose has just ended: its last events are still on their way. */
static void
what_was_there_before_and_looks_bad_is_given_a_moment(void **state)
{
	static const struct row row = {.scale = 1, .boxes = {BOX(EXITED, .exit_code = 1)}, .n = 1};
	struct watch_death before = {.id = "a"};
	auto_watch struct watch w = WATCH_INIT;
	auto_watch struct watch later = WATCH_INIT;
	auto_watch struct watch other = WATCH_INIT;

	(void)state;
	fresh = true;
	look(&row, NULL, &before, 1, &w);
	assert_int_equal(w.state, WATCH_WAIT);
	/* What this deploy made is not of before. */
	look(&row, NULL, NULL, 0, &other);
	assert_int_equal(other.state, WATCH_BAD);
	fresh = false;
	look(&row, NULL, &before, 1, &later);
	assert_int_equal(later.state, WATCH_BAD);
}

static void
what_is_gone_runs_no_longer_whatever_the_view_says(void **state)
{
	static const struct row row = {.scale = 1, .boxes = {BOX(RUNNING)}, .n = 1};
	struct watch_death before = {.id = "a", .gone = true};
	auto_watch struct watch w = WATCH_INIT;

	(void)state;
	look(&row, NULL, &before, 1, &w);
	assert_int_equal(w.state, WATCH_WAIT);
}

static void
another_container_or_another_death_begins_the_settling_anew(void **state)
{
	static const struct row first = {.scale = 1, .boxes = {BOX(RUNNING)}, .n = 1};
	static const struct row died = {.scale = 1, .boxes = {BOX(RUNNING, .deaths = 1)}, .n = 1};
	struct row other = first;
	struct watch w[4] = {WATCH_INIT, WATCH_INIT, WATCH_INIT, WATCH_INIT};

	(void)state;
	other.boxes[0].id[0] = 'b';
	look(&first, NULL, NULL, 0, &w[0]);
	look(&first, NULL, NULL, 0, &w[1]);
	look(&died, NULL, NULL, 0, &w[2]);
	look(&other, NULL, NULL, 0, &w[3]);
	assert_true(w[0].print == w[1].print);
	assert_true(w[0].print != w[2].print);
	assert_true(w[0].print != w[3].print);
}

static void
an_app_runs_well_when_its_port_answers(void **state)
{
	static const struct {
		enum probe_state probed;
		enum watch_state state;
	} cases[] = {{PROBE_WAITS, WATCH_WAIT}, {PROBE_FAILED, WATCH_BAD}, {PROBE_READY, WATCH_GOOD}};
	const struct row row = {.restart = MODEL_RESTART_ALWAYS, .scale = 1, .boxes = {BOX(RUNNING)}, .n = 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_watch struct watch w = WATCH_INIT;

		probed = cases[i].probed;
		look(&row, NULL, NULL, 0, &w);
		probed = PROBE_NOT_ASKED;
		assert_int_equal(w.state, cases[i].state);
		assert_int_equal(strstr(buf_str(&w.why), "web: its port 8080") != NULL, w.state != WATCH_GOOD);
	}
}

/* Its own word counts more than its port. */
static void
a_healthcheck_is_asked_first(void **state)
{
	const struct row row = {.healthcheck = true,
	    .scale = 1,
	    .boxes = {BOX(RUNNING, .health = HEALTH_HEALTHY), BOX(RUNNING, .health = HEALTH_HEALTHY)},
	    .n = 1};
	auto_watch struct watch w = WATCH_INIT;

	(void)state;
	probed = PROBE_FAILED;
	look(&row, NULL, NULL, 0, &w);
	probed = PROBE_NOT_ASKED;
	assert_int_equal(w.state, WATCH_GOOD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_app_runs_well_when_its_port_answers),
	    cmocka_unit_test(a_healthcheck_is_asked_first),
	    cmocka_unit_test(well_or_not_yet_or_never),
	    cmocka_unit_test(what_an_operator_stopped_is_not_waited_for),
	    cmocka_unit_test(deaths_of_before_do_not_count),
	    cmocka_unit_test(what_was_there_before_and_looks_bad_is_given_a_moment),
	    cmocka_unit_test(what_is_gone_runs_no_longer_whatever_the_view_says),
	    cmocka_unit_test(another_container_or_another_death_begins_the_settling_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
