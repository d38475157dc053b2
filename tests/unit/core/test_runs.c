/* What of a release runs, on a view that the test makes up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "core/runs.h"
#include "engine/engine.h"
#include "fake_view.h"

struct row {
	const char *says; /* part of why; NULL: all is well */
	enum model_restart restart;
	int scale;
	struct container boxes[2];
	size_t n;
	bool engine_restarts;
};

static const struct row rows[] = {
    {NULL, MODEL_RESTART_NO, 1, {BOX(RUNNING)}, 1, false},
    {NULL, MODEL_RESTART_NO, 1, {BOX(PAUSED)}, 1, false},
    {"no container", MODEL_RESTART_NO, 1, {BOX(RUNNING)}, 0, false},
    {"no container", MODEL_RESTART_NO, 2, {BOX(RUNNING)}, 1, false},
    {NULL, MODEL_RESTART_NO, 0, {BOX(RUNNING)}, 0, false},
    /* one-off containers of `compose run` are nobody's */
    {"no container", MODEL_RESTART_NO, 1, {BOX(RUNNING, .oneoff = true)}, 1, false},
    /* exit 0 is an end, unless it was to run for ever */
    {NULL, MODEL_RESTART_NO, 1, {BOX(EXITED, .exit_code = 0)}, 1, false},
    {NULL, MODEL_RESTART_ON_FAILURE, 1, {BOX(EXITED, .exit_code = 0)}, 1, false},
    {"exited with 0", MODEL_RESTART_ALWAYS, 1, {BOX(EXITED, .exit_code = 0)}, 1, true},
    {"exited with 0", MODEL_RESTART_UNLESS_STOPPED, 1, {BOX(EXITED, .exit_code = 0)}, 1, true},
    {"exited with 3", MODEL_RESTART_NO, 1, {BOX(EXITED, .exit_code = 3)}, 1, false},
    {"exited with 137", MODEL_RESTART_ON_FAILURE, 1, {BOX(EXITED, .exit_code = 137)}, 1, true},
    {"exited with 137 (out of memory)", MODEL_RESTART_NO, 1, {BOX(EXITED, .exit_code = 137, .oom = true)}, 1, false},
    /* an exit status that nobody knows is no good end */
    {"exited", MODEL_RESTART_NO, 1, {BOX(EXITED, .exit_code = -1)}, 1, false},
    {"created", MODEL_RESTART_ALWAYS, 1, {BOX(CREATED)}, 1, false},
    {"dead", MODEL_RESTART_ALWAYS, 1, {BOX(DEAD)}, 1, false},
    {"exited with 1", MODEL_RESTART_NO, 2, {BOX(RUNNING), BOX(EXITED, .exit_code = 1)}, 2, false},
};

static void
what_must_come_back_is_told_from_what_has_finished(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct model_service web = {
		    .name = (char[]){"web"}, .restart = rows[i].restart, .scale = rows[i].scale};
		struct model_services facts = {&web, 1};
		auto_runs struct runs runs = RUNS_INIT;

		boxes = rows[i].boxes;
		nboxes = rows[i].n;
		runs_look(NULL, "p", &facts, is_stopped, NULL, &runs);
		if ((runs.missing.n == 0) != (rows[i].says == NULL) ||
		    (rows[i].says != NULL && strstr(buf_str(&runs.why), rows[i].says) == NULL) ||
		    runs.engine_restarts != rows[i].engine_restarts)
			fail_msg("row %zu: %zu missing: %s", i, runs.missing.n, buf_str(&runs.why));
	}
}

static void
an_operators_stop_is_not_a_loss(void **state)
{
	struct model_service web = {.name = (char[]){"web"}, .scale = 1};
	struct model_services facts = {&web, 1};
	auto_runs struct runs runs = RUNS_INIT;

	(void)state;
	nboxes = 0;
	runs_look(NULL, "p", &facts, is_stopped, "web", &runs);
	assert_int_equal(runs.missing.n, 0);
}

static void
unhealthy_and_restarting_run_but_are_told(void **state)
{
	static const struct container bad[] = {
	    BOX(RUNNING, .health = HEALTH_UNHEALTHY), BOX(RESTARTING), BOX(RESTARTING, .oom = true)};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct model_service web = {.name = (char[]){"web"}, .scale = 1};
		struct model_services facts = {&web, 1};
		auto_runs struct runs runs = RUNS_INIT;

		boxes = &bad[i];
		nboxes = 1;
		runs_look(NULL, "p", &facts, is_stopped, NULL, &runs);
		assert_int_equal(runs.missing.n, 0);
		assert_true(runs.dying);
		assert_int_equal(runs.running, 1);
		assert_int_equal(strstr(buf_str(&runs.why), "(out of memory)") != NULL, bad[i].oom);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_must_come_back_is_told_from_what_has_finished),
	    cmocka_unit_test(an_operators_stop_is_not_a_loss),
	    cmocka_unit_test(unhealthy_and_restarting_run_but_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
