#include "compose/limit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "compose/json.h"
#include "compose/policy_table.h"

enum { DEFAULT_PERIOD_US = 100000 }; /* of cpu_quota, the engine's */

enum given {
	GIVEN_NOTHING,
	GIVEN_NUMBER,
	GIVEN_ELSE, /* something that is not understood */
};

/* 0 means to the engine what nothing means. */
static enum given
read_number(const json_t *value, double *ret)
{
	const char *text = json_string_value(value);
	char *end = NULL;

	if (value == NULL || json_is_null(value))
		return GIVEN_NOTHING;
	if (!json_is_number(value) && (text == NULL || text[0] == '\0'))
		return GIVEN_ELSE;
	*ret = text == NULL ? json_number_value(value) : strtod(text, &end);
	if ((end != NULL && *end != '\0') || !isfinite(*ret))
		return GIVEN_ELSE;
	return *ret == 0 ? GIVEN_NOTHING : GIVEN_NUMBER;
}

/* `deploy.resources.limits`, which says the same as three keys of the service; NULL without. */
static json_t *
deploy_limits(const json_t *service)
{
	json_t *limits = json_object_get(json_object_get(json_object_get(service, "deploy"), "resources"), "limits");

	return json_is_object(limits) ? limits : NULL;
}

static const json_t *
deploy_limit(const json_t *service, const char *key)
{
	return json_object_get(deploy_limits(service), key);
}

static void
judge_limit(struct check *c, const char *at, const json_t *value, double most, const char *what)
{
	double n = 0;

	switch (read_number(value, &n)) {
	case GIVEN_NOTHING:
		break;
	case GIVEN_ELSE:
		check_fail(c, at, "write a number", "this %s limit is not understood", what);
		break;
	case GIVEN_NUMBER:
		if (n < 0 || n > most)
			check_fail(c, at, "write less or remove the key",
			    "more than the %s limit of this service, which is %g, is not allowed", what, most);
		break;
	}
}

/* cpu_quota microseconds of each cpu_period. */
static void
judge_quota(struct check *c, const json_t *service, double most)
{
	double quota = 0, period = DEFAULT_PERIOD_US;
	enum given given = read_number(json_object_get(service, "cpu_quota"), &quota);

	if (given == GIVEN_NOTHING)
		return;
	if (given == GIVEN_ELSE || read_number(json_object_get(service, "cpu_period"), &period) == GIVEN_ELSE)
		check_fail(c, ".cpu_quota", "write a number", "this cpu limit is not understood");
	else if (quota < 0 || period < 0 || quota / period > most)
		check_fail(c, ".cpu_quota", "write less or remove the key",
		    "more than the cpu limit of this service, which is %g, is not allowed", most);
}

void
check_limits(struct check *c, const json_t *service)
{
	const struct model_limits *limits = &c->policy->limits;
	double cpus = (double)limits->cpus_milli / 1000, memory = (double)limits->memory_bytes;

	if (limits->cpus_milli > 0) {
		judge_limit(c, ".cpus", json_object_get(service, "cpus"), cpus, "cpu");
		judge_limit(c, ".deploy.resources.limits.cpus", deploy_limit(service, "cpus"), cpus, "cpu");
		judge_quota(c, service, cpus);
	}
	if (limits->memory_bytes > 0) {
		judge_limit(c, ".mem_limit", json_object_get(service, "mem_limit"), memory, "memory");
		judge_limit(c, ".deploy.resources.limits.memory", deploy_limit(service, "memory"), memory, "memory");
		/* Memory and swap together; without the key the engine grants as much swap as memory. */
		judge_limit(
		    c, ".memswap_limit", json_object_get(service, "memswap_limit"), 2 * memory, "memory and swap");
	}
	if (limits->pids > 0) {
		judge_limit(c, ".pids_limit", json_object_get(service, "pids_limit"), (double)limits->pids, "process");
		judge_limit(
		    c, ".deploy.resources.limits.pids", deploy_limit(service, "pids"), (double)limits->pids, "process");
	}
}

static bool
is_given(const json_t *service, const char *key, const char *in_deploy)
{
	double n;

	return read_number(json_object_get(service, key), &n) != GIVEN_NOTHING ||
	       (in_deploy != NULL && read_number(deploy_limit(service, in_deploy), &n) != GIVEN_NOTHING);
}

static void
set_new(json_t *object, const char *key, json_t *take_value)
{
	if (take_value == NULL || json_object_set_new(object, key, take_value) < 0)
		abort();
}

/* A service that has `limits` gets it there: compose takes the key beside them for a contradiction. */
static void
set_limit(json_t *service, const char *key, const char *in_deploy, json_t *take_value)
{
	json_t *limits = deploy_limits(service);

	set_new(limits != NULL ? limits : service, limits != NULL ? in_deploy : key, take_value);
}

static bool
has_cpu_limit(const json_t *service)
{
	return is_given(service, "cpus", "cpus") || is_given(service, "cpu_quota", NULL);
}

/* The engine takes either cpus or a period with its quota. */
static void
limit_cpus(json_t *service, int64_t cpus_milli)
{
	double period = DEFAULT_PERIOD_US;

	if (has_cpu_limit(service))
		return;
	if (read_number(json_object_get(service, "cpu_period"), &period) == GIVEN_NUMBER)
		set_new(service, "cpu_quota", json_integer((json_int_t)(period * (double)cpus_milli / 1000)));
	else
		set_limit(service, "cpus", "cpus", json_real((double)cpus_milli / 1000));
}

void
model_limit(json_t *model, const struct model_limits *limits)
{
	const char *name;
	json_t *service;

	json_object_foreach(json_object_get(model, "services"), name, service)
	{
		if (limits->cpus_milli > 0)
			limit_cpus(service, limits->cpus_milli);
		if (limits->memory_bytes > 0 && !is_given(service, "mem_limit", "memory")) {
			auto_free char *bytes = str_printf("%lld", (long long)limits->memory_bytes);

			set_limit(service, "mem_limit", "memory", json_string(bytes));
		}
		if (limits->pids > 0 && !is_given(service, "pids_limit", "pids"))
			set_limit(service, "pids_limit", "pids", json_integer(limits->pids));
	}
}

static void
judge_unlimited(const char *name, bool is_wanted, bool is_there, const char *what, struct violations *ret)
{
	if (is_wanted && !is_there)
		violations_add(ret, str_printf("services.%s", name),
		    str_printf("it has no %s limit, and this service must have one", what),
		    str_dup("bring up a commit that is approved today: it gets the limit"));
}

void
policy_unlimited(const json_t *model, const struct policy *policy, struct violations *ret)
{
	const struct model_limits *limits = &policy->limits;
	const char *name;
	json_t *service;

	json_object_foreach(json_object_get(model, "services"), name, service)
	{
		judge_unlimited(name, limits->cpus_milli > 0, has_cpu_limit(service), "cpu", ret);
		judge_unlimited(
		    name, limits->memory_bytes > 0, is_given(service, "mem_limit", "memory"), "memory", ret);
		judge_unlimited(name, limits->pids > 0, is_given(service, "pids_limit", "pids"), "process", ret);
	}
	violations_sort(ret);
}
