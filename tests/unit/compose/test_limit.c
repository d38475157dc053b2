/* The administrator's limits: what a model sets itself is not touched, what it does not set is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/auto.h"
#include "compose/limit.h"
#include "compose/model.h"
#include "compose/policy.h"

static const struct model_limits limits = {.cpus_milli = 1500, .memory_bytes = 536870912, .pids = 200};

static json_t *
parse(const char *service)
{
	auto_free char *text = str_printf("{\"name\":\"web\",\"services\":{\"a\":%s}}", service);
	struct err err = ERR_INIT;
	json_t *model = model_parse(text, strlen(text), &err);

	if (model == NULL)
		fail_msg("%s: %s", text, err.msg);
	return model;
}

static void
expect_limited(const char *service, const char *want)
{
	auto_json json_t *model = parse(service);
	auto_json json_t *wanted = parse(want);

	model_limit(model, &limits);
	if (!json_equal(model, wanted)) {
		auto_free char *text = model_dump(model);

		fail_msg("%s became %s", service, text);
	}
}

static void
a_limit_is_not_set_or_replaces_a_smaller_one(void **state)
{
	(void)state;
	expect_limited("{}", "{\"cpus\":1.5,\"mem_limit\":\"536870912\",\"pids_limit\":200}");
	expect_limited("{\"cpus\":0.5,\"mem_limit\":\"1000\",\"pids_limit\":7}",
	    "{\"cpus\":0.5,\"mem_limit\":\"1000\",\"pids_limit\":7}");
	expect_limited("{\"deploy\":{\"resources\":{\"limits\":{\"cpus\":1,\"memory\":\"9\",\"pids\":2}}}}",
	    "{\"deploy\":{\"resources\":{\"limits\":{\"cpus\":1,\"memory\":\"9\",\"pids\":2}}}}");
	/* Compose refuses a key of the service that does not say the same as the limits beside it. */
	expect_limited("{\"deploy\":{\"resources\":{\"limits\":{\"pids\":2}}}}",
	    "{\"deploy\":{\"resources\":{\"limits\":{\"cpus\":1.5,\"memory\":\"536870912\",\"pids\":2}}}}");
	expect_limited("{\"deploy\":{\"resources\":{\"limits\":{\"memory\":\"9\"}}},\"mem_limit\":\"9\"}",
	    "{\"deploy\":{\"resources\":{\"limits\":{\"cpus\":1.5,\"memory\":\"9\",\"pids\":200}}},\"mem_limit\":\"9\"}");
	/* 0 is the engine's word for no limit. */
	expect_limited("{\"cpus\":0,\"mem_limit\":\"0\",\"pids_limit\":0}",
	    "{\"cpus\":1.5,\"mem_limit\":\"536870912\",\"pids_limit\":200}");
	/* The engine refuses cpus beside a period or a quota. */
	expect_limited("{\"cpu_quota\":1000,\"mem_limit\":\"9\",\"pids_limit\":1}",
	    "{\"cpu_quota\":1000,\"mem_limit\":\"9\",\"pids_limit\":1}");
	expect_limited("{\"cpu_period\":20000,\"mem_limit\":\"9\",\"pids_limit\":1}",
	    "{\"cpu_period\":20000,\"cpu_quota\":30000,\"mem_limit\":\"9\",\"pids_limit\":1}");
}

static void
a_model_is_limited_without_a_limit(void **state)
{
	auto_json json_t *model = parse("{\"image\":\"x\"}");
	auto_json json_t *before = json_deep_copy(model);

	(void)state;
	model_limit(model, &(struct model_limits){0});
	assert_true(json_equal(model, before));
}

static void
more_than_the_limit_passes(void **state)
{
	static const struct {
		const char *service;
		const char *path; /* NULL: approved */
	} rows[] = {
	    {"{\"cpus\":1.5}", NULL},
	    {"{\"cpus\":\"1.5\"}", NULL},
	    {"{\"cpus\":1.501}", "services.a.cpus"},
	    {"{\"cpus\":\"2 \"}", "services.a.cpus"},
	    {"{\"cpus\":true}", "services.a.cpus"},
	    {"{\"cpus\":-1}", "services.a.cpus"},
	    {"{\"cpus\":\"nan\"}", "services.a.cpus"},
	    {"{\"cpus\":\"inf\"}", "services.a.cpus"},
	    {"{\"cpu_quota\":150000}", NULL},
	    {"{\"cpu_quota\":150001}", "services.a.cpu_quota"},
	    {"{\"cpu_quota\":150000,\"cpu_period\":50000}", "services.a.cpu_quota"},
	    {"{\"cpu_quota\":-1}", "services.a.cpu_quota"},
	    {"{\"cpu_quota\":1,\"cpu_period\":-1}", "services.a.cpu_quota"},
	    {"{\"mem_limit\":\"536870912\"}", NULL},
	    {"{\"mem_limit\":536870913}", "services.a.mem_limit"},
	    {"{\"mem_limit\":\"1g\"}", "services.a.mem_limit"},
	    {"{\"memswap_limit\":\"1073741824\"}", NULL},
	    {"{\"memswap_limit\":-1}", "services.a.memswap_limit"},
	    {"{\"pids_limit\":200}", NULL},
	    {"{\"pids_limit\":201}", "services.a.pids_limit"},
	    {"{\"pids_limit\":-1}", "services.a.pids_limit"},
	    {"{\"deploy\":{\"resources\":{\"limits\":{\"pids\":201}}}}", "services.a.deploy.resources.limits.pids"},
	    {"{\"deploy\":{\"resources\":{\"limits\":{\"memory\":\"536870913\"}}}}",
		"services.a.deploy.resources.limits.memory"},
	    {"{\"deploy\":{\"resources\":{\"limits\":{\"cpus\":\"2\"}}}}", "services.a.deploy.resources.limits.cpus"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows) * 2; i++) {
		const struct policy p = {.project = "web", .live = "/l", .limits = limits, .root = i % 2 == 1};
		auto_json json_t *model = parse(rows[i / 2].service);
		auto_violations struct violations vs = {0};

		policy_check(model, &p, &vs);
		if (vs.n != (rows[i / 2].path != NULL) || (vs.n == 1 && !str_eq(vs.v[0].path, rows[i / 2].path)))
			fail_msg("%s: %zu violations", rows[i / 2].service, vs.n);
	}
}

static void
a_stored_model_runs_without_a_limit_that_is_wanted_today(void **state)
{
	static const struct {
		const char *service;
		size_t n;
	} rows[] = {
	    {"{}", 3},
	    {"{\"cpus\":1}", 2},
	    {"{\"cpu_quota\":1,\"mem_limit\":\"0\"}", 2},
	    {"{\"deploy\":{\"resources\":{\"limits\":{\"pids\":9,\"memory\":\"9\"}}}}", 1},
	    {"{\"cpus\":1,\"mem_limit\":\"9\",\"pids_limit\":9}", 0},
	};
	const struct policy wanted = {.limits = limits};
	const struct policy none = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_json json_t *model = parse(rows[i].service);
		auto_violations struct violations vs = {0};

		policy_unlimited(model, &none, &vs);
		assert_int_equal(vs.n, 0);
		policy_unlimited(model, &wanted, &vs);
		if (vs.n != rows[i].n)
			fail_msg("%s: %zu violations", rows[i].service, vs.n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_limit_is_not_set_or_replaces_a_smaller_one),
	    cmocka_unit_test(a_model_is_limited_without_a_limit),
	    cmocka_unit_test(more_than_the_limit_passes),
	    cmocka_unit_test(a_stored_model_runs_without_a_limit_that_is_wanted_today),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
