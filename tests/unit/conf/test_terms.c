#include "samples.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/amounts.h"
#include "conf/rules.h"

static void
ports_that_are_no_range(void **state)
{
	static const struct sample samples[] = {
	    {"5005/5", NULL},
	    {"1/0", NULL},
	    {"65535/0", NULL},
	    {"1/65534", NULL},
	    {"1/65535", "beyond port 65535"},
	    {"65535/1", "beyond port 65535"},
	    {"", "no range"},
	    {"5005", "no range"},
	    {"5005/", "no range"},
	    {"/5", "no range"},
	    {"0/5", "no range"},
	    {"65536/0", "no range"},
	    {"5005/5/5", "no range"},
	    {"5005-5010", "no range"},
	    {"5005/-5", "no range"},
	    {"+5005/5", "no range"},
	    {" 5005/5", "no range"},
	    {"5005/5 ", "no range"},
	    {"5005/4294967296", "no range"},
	    {"99999999999999999999/5", "no range"},
	};

	(void)state;
	try_all(rule_ports, samples, ARRAY_LEN(samples));
}

static void
shares_that_would_be_options_of_mount(void **state)
{
	static const struct sample samples[] = {
	    {"nfs://server.example.org/share", NULL},
	    {"nfs://server/", NULL},
	    {"nfs://server:2049/a/b/", NULL},
	    {"nfs://[fd00::1]/x", NULL},
	    {"nfs://[fd00::1]:2049/x", NULL},
	    {"", "nfs://server/export"},
	    {"server:/share", "nfs://server/export"},
	    {"NFS://server/share", "nfs://server/export"},
	    {"cifs://server/share", "nfs://server/export"},
	    {"nfs://server", "names no export"},
	    {"nfs:///share", "names no host"},
	    {"nfs://-oexec/share", "no proper host"},
	    {"nfs://a b/share", "no proper host"},
	    {"nfs://[fd00::1/share", "no proper host"},
	    {"nfs://server:0/share", "no proper port"},
	    {"nfs://server:65536/share", "no proper port"},
	    {"nfs://server:20,exec/share", "no proper port"},
	    {"nfs://user@server/share", "user name"},
	    {"nfs://server/a b", "may not have"},
	    {"nfs://server/a\n", "may not have"},
	    {"nfs://server/a,exec", "may not have"},
	    {"nfs://server/a\\040b", "may not have"},
	    {"nfs://server/../x", "\"..\""},
	    {"nfs://server/a/./b", "\"..\""},
	    {"nfs://server/a//b", "\"..\""},
	    {"nfs://server//", "\"..\""},
	    {"nfs://server/a/..", "\"..\""},
	    {"nfs://server/...", NULL},
	};

	(void)state;
	try_all(rule_mount, samples, ARRAY_LEN(samples));
}

/* tests/unit/ipc/test_allow.c tries the whole table. */
static void
exceptions_that_name_no_key(void **state)
{
	static const struct sample samples[] = {
	    {"cap_add:NET_ADMIN", NULL},
	    {"privileged", NULL},
	    {"devices:/dev/ttyUSB0:/dev/ttyUSB0", NULL},
	    {"", "nothing that can be allowed"},
	    {"command", "nothing that can be allowed"},
	    {"cap_add", "write it like \"cap_add:NET_ADMIN\""},
	    {"cap_add:x\n", "control character"},
	};

	(void)state;
	try_all(rule_allow, samples, ARRAY_LEN(samples));
}

static void
registries_that_are_no_credentials_for_a_host(void **state)
{
	static const struct sample samples[] = {
	    {"token@registry", NULL},
	    {"user:token@registry.example.org:5000", NULL},
	    {"user:to@k:en@[::1]:5000", NULL},
	    {"a@b@127.0.0.1:5000", NULL},
	    {"", "has no \"@\""},
	    {"registry", "has no \"@\""},
	    {"@registry", "no token"},
	    {":@registry", "no token"},
	    {"user:@registry", "no token"},
	    {":token@registry", "no user"},
	    {"token@", "no registry behind its last"},
	    {"token@Registry", "upper case"},
	    {"token@https://registry", "a scheme or a path"},
	    {"token@registry/library", "a scheme or a path"},
	    {"token@registry:", "no proper port"},
	    {"token@registry:65536", "no proper port"},
	    {"token@-registry", "no proper host"},
	    {"token@reg istry", "no proper host"},
	    {"token@registry\n", "no proper host"},
	    {"to\nken@registry", "control character"},
	};

	(void)state;
	try_all(rule_registry, samples, ARRAY_LEN(samples));
}

static void
a_registry_comes_apart_as(const char *entry, const char *want_user, const char *want_token, const char *want_registry)
{
	auto_free char *user = NULL;
	auto_free char *token = NULL;
	auto_free char *registry = NULL;

	assert_int_equal(rule_split_registry(entry, &user, &token, &registry, NULL), 0);
	assert_int_equal(user == NULL, want_user == NULL);
	if (want_user != NULL)
		assert_string_equal(user, want_user);
	assert_string_equal(token, want_token);
	assert_string_equal(registry, want_registry);
}

static void
tokens_may_hold_what_stands_between_the_parts(void **state)
{
	(void)state;
	a_registry_comes_apart_as("t@r", NULL, "t", "r");
	a_registry_comes_apart_as("u:t@r:5000", "u", "t", "r:5000");
	a_registry_comes_apart_as("u:a:b@c:d@r", "u", "a:b@c:d", "r");
	a_registry_comes_apart_as("a@b@r", NULL, "a@b", "r");
	a_registry_comes_apart_as("u@org:t@r", "u@org", "t", "r");
	/* One registry under two names: images without one are there. */
	a_registry_comes_apart_as("u:t@docker.io", "u", "t", "docker.io");
	a_registry_comes_apart_as("u:t@index.docker.io", "u", "t", "docker.io");
}

static void
signers_that_are_no_plain_absolute_path(void **state)
{
	static const struct sample samples[] = {
	    {"/etc/pgo/signers", NULL},
	    {"/s", NULL},
	    {"", "absolute"},
	    {"signers", "absolute"},
	    {"~/signers", "absolute"},
	    {"/", "plain path"},
	    {"/etc/", "plain path"},
	    {"/etc/../x", "plain path"},
	    {"/etc//x", "plain path"},
	};

	(void)state;
	try_all(rule_signers, samples, ARRAY_LEN(samples));
}

static void
words_of_which_there_are_few(void **state)
{
	static const struct sample updates[] = {{"recreate", NULL}, {"in-place", NULL}, {"start-first", NULL},
	    {"Recreate", "style"}, {"", "style"}, {"rolling", "start-first"}};
	static const struct sample rewinds[] = {
	    {"allow", NULL}, {"refuse", NULL}, {"false", "neither"}, {"", "neither"}};

	(void)state;
	try_all(rule_update, updates, ARRAY_LEN(updates));
	try_all(rule_rewind, rewinds, ARRAY_LEN(rewinds));
}

static void
texts_that_say_how_much(void **state)
{
	static const struct {
		enum amount amount;
		const char *text;
		int64_t n; /* -1: refused */
	} samples[] = {
	    {AMOUNT_TIMEOUT, "90s", 90 * 1000},
	    {AMOUNT_TIMEOUT, "10m", 600 * 1000},
	    {AMOUNT_TIMEOUT, "1h30m", 5400 * 1000},
	    {AMOUNT_TIMEOUT, "24h", 86400 * 1000},
	    {AMOUNT_TIMEOUT, "24h1s", -1},
	    {AMOUNT_TIMEOUT, "999ms", -1},
	    {AMOUNT_TIMEOUT, "0", -1},
	    {AMOUNT_TIMEOUT, "10", -1},
	    {AMOUNT_TIMEOUT, "-10s", -1},
	    {AMOUNT_TIMEOUT, "10 m", -1},
	    {AMOUNT_TIMEOUT, "", -1},
	    {AMOUNT_HEALTH_TIMEOUT, "1h", 3600 * 1000},
	    {AMOUNT_HEALTH_TIMEOUT, "61m", -1},
	    {AMOUNT_SETTLE, "0s", 0},
	    {AMOUNT_SETTLE, "10m", 600 * 1000},
	    {AMOUNT_SETTLE, "10m1s", -1},
	    {AMOUNT_MEMORY, "6291456", 6 << 20},
	    {AMOUNT_MEMORY, "6291455", -1},
	    {AMOUNT_MEMORY, "6291456b", 6 << 20},
	    {AMOUNT_MEMORY, "6144k", 6 << 20},
	    {AMOUNT_MEMORY, "512m", 512 << 20},
	    {AMOUNT_MEMORY, "512M", 512 << 20},
	    {AMOUNT_MEMORY, "512 mb", 512 << 20},
	    {AMOUNT_MEMORY, "512MiB", 512 << 20},
	    {AMOUNT_MEMORY, "2g", INT64_C(2) << 30},
	    {AMOUNT_MEMORY, "1.5g", INT64_C(3) << 29},
	    {AMOUNT_MEMORY, ".5g", INT64_C(1) << 29},
	    {AMOUNT_MEMORY, "1t", INT64_C(1) << 40},
	    {AMOUNT_MEMORY, "1.1t", -1},
	    {AMOUNT_MEMORY, "999999999999999999999t", -1},
	    {AMOUNT_MEMORY, "1000000000000000000000000000000000000000", -1},
	    {AMOUNT_MEMORY, "", -1},
	    {AMOUNT_MEMORY, "m", -1},
	    {AMOUNT_MEMORY, ".", -1},
	    {AMOUNT_MEMORY, "1..5g", -1},
	    {AMOUNT_MEMORY, "512x", -1},
	    {AMOUNT_MEMORY, "512mx", -1},
	    {AMOUNT_MEMORY, "512  m", -1},
	    {AMOUNT_MEMORY, "512bb", -1},
	    {AMOUNT_MEMORY, "-512m", -1},
	    {AMOUNT_MEMORY, "0x200m", -1},
	    {AMOUNT_MEMORY, "nan", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct err err = ERR_INIT;
		int64_t n = -1;
		int r = amount_of_text(samples[i].amount, samples[i].text, &n, &err);

		if (n != samples[i].n || r != (samples[i].n < 0 ? -EINVAL : 0))
			fail_msg("\"%s\" gives %d, %lld: %s", samples[i].text, r, (long long)n, err.msg);
	}
}

static void
numbers_that_say_how_much(void **state)
{
	static const struct {
		enum amount amount;
		double number;
		int64_t n; /* -1: refused */
	} samples[] = {
	    {AMOUNT_CPUS, 1.5, 1500},
	    {AMOUNT_CPUS, 2, 2000},
	    {AMOUNT_CPUS, 0.01, 10},
	    {AMOUNT_CPUS, 0.009, -1},
	    {AMOUNT_CPUS, 0.0006, -1},
	    {AMOUNT_CPUS, 1024, 1024 * 1000},
	    {AMOUNT_CPUS, 1025, -1},
	    {AMOUNT_CPUS, -1, -1},
	    {AMOUNT_CPUS, 1e300, -1},
	    {AMOUNT_CPUS, NAN, -1},
	    {AMOUNT_KEEP, 1, 1},
	    {AMOUNT_KEEP, 20, 20},
	    {AMOUNT_KEEP, 0, -1},
	    {AMOUNT_KEEP, 21, -1},
	    {AMOUNT_PIDS, 4194304, 4194304},
	    {AMOUNT_PIDS, 9e18, -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct err err = ERR_INIT;
		int64_t n = -1;
		int r = amount_of_number(samples[i].amount, samples[i].number, &n, &err);

		if (n != samples[i].n || r != (samples[i].n < 0 ? -EINVAL : 0))
			fail_msg("%g gives %d, %lld: %s", samples[i].number, r, (long long)n, err.msg);
	}
}

static void
what_holds_without_a_key_fits(void **state)
{
	(void)state;
	for (enum amount a = 0; a < AMOUNTS; a++) {
		assert_true(amount_fits(a, amount_otherwise(a)));
		assert_false(amount_fits(a, -1));
		assert_false(amount_fits(a, INT64_MAX));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ports_that_are_no_range),
	    cmocka_unit_test(exceptions_that_name_no_key),
	    cmocka_unit_test(shares_that_would_be_options_of_mount),
	    cmocka_unit_test(registries_that_are_no_credentials_for_a_host),
	    cmocka_unit_test(tokens_may_hold_what_stands_between_the_parts),
	    cmocka_unit_test(signers_that_are_no_plain_absolute_path),
	    cmocka_unit_test(words_of_which_there_are_few),
	    cmocka_unit_test(texts_that_say_how_much),
	    cmocka_unit_test(numbers_that_say_how_much),
	    cmocka_unit_test(what_holds_without_a_key_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
