#include "cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/conf.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SETTINGS                                                                                                                                                                                                    \
	"{\"timeout_ms\":1000,\"health_timeout_ms\":120000,\"settle_ms\":0,\"keep\":20,\"cpus_milli\":1500,"                                                                                                        \
	"\"memory_bytes\":6291456,\"pids\":200,\"update\":\"in-place\",\"import\":\"c/routes\",\"reload\":\"h:c//exec caddy reload\",\"rewind_refused\":true,\"group\":null,\"ignore\":false,\"env_digest\":\"" HEX \
	"\",\"masks\":[\"A 8 00000000000000ff " HEX "\"],\"allow\":[\"privileged\"],"                                                                                                                               \
	"\"ports\":[\"5005/5\"],\"urls\":[\"a.org web:80\"]}"
#define CHECKED_SERVICE                                                                                                                       \
	"{\"name\":\"pgo\",\"user\":\"miek\",\"repository\":\"https://host/"                                                                  \
	"x\",\"hosted\":false,\"auth\":\"u:hunter22\",\"source\":\"" HEX                                                                      \
	"\",\"branch\":\"main\",\"compose\":\"c.yaml\",\"env\":[\"A="                                                                         \
	"hunter22\"],\"registries\":[\"hunter22@r\"],\"networks\":[\"n\"],\"signers\":\"/etc/signers\",\"mount\":null,\"settings\":" SETTINGS \
	",\"line\":1,\"user_line\":3,"                                                                                                        \
	"\"user_column\":8}"
#define REST                                                                                                \
	"\"operators\":[{\"name\":\"alice\",\"key\":\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICqnt8gEUxOOeGG+" \
	"3IEzFBcmBSR3KtVx1dy6omaGTnJD a\",\"services\":[\"pgo\"],\"ops\":null}],\"shown\":{\"services\":[]}}"
#define CHECKED "{\"version\":1,\"errors\":[],\"services\":[" CHECKED_SERVICE "]," REST
#define CORE_SERVICE                                                                                                                        \
	"{\"name\":\"pgo\",\"user\":\"miek\",\"uid\":1000,\"gid\":4294967294,\"repository\":\"https://host/"                                \
	"x\",\"hosted\":false,\"source\":\"" HEX                                                                                            \
	"\",\"branch\":\"main\",\"remote\":0,\"compose\":null,\"networks\":[],\"signed_only\":true,\"shared\":false,\"settings\":" SETTINGS \
	"}"
#define CORE                                                                                                                                                                               \
	"{\"version\":1,\"dir\":\"/var/lib/pgo\",\"datadir\":\"/data\",\"pins\":\"/run/pgo/pins/var-lib-pgo\",\"poll_ms\":300000,\"started_ms\":1700000000000,\"services\":[" CORE_SERVICE \
	"],\"apps\":[]," REST

static struct conf *
parse(const char *json)
{
	struct err err = ERR_INIT;
	struct conf *c = conf_parse(json, strlen(json), &err);

	assert_string_equal(err.msg, "");
	assert_non_null(c);
	return c;
}

static void
expect_settings(const struct conf_service *s)
{
	assert_int_equal(s->timeout_ms, 1000);
	assert_int_equal(s->health_timeout_ms, 120000);
	assert_int_equal(s->settle_ms, 0);
	assert_int_equal(s->keep, 20);
	assert_int_equal(s->cpus_milli, 1500);
	assert_int_equal(s->memory_bytes, 6 << 20);
	assert_int_equal(s->pids, 200);
	assert_string_equal(s->update, "in-place");
	assert_string_equal(s->import, "c/routes");
	assert_string_equal(s->reload, "h:c//exec caddy reload");
	assert_true(s->rewind_refused);
	assert_string_equal(s->allow.v[0], "privileged");
	assert_string_equal(s->ports.v[0], "5005/5");
	assert_string_equal(s->urls.v[0], "a.org web:80");
}

static void
the_checked_document_is_read_whole(void **state)
{
	struct conf *c = parse(CHECKED);
	const struct conf_service *s = conf_find(c, "pgo");

	(void)state;
	assert_int_equal(c->nservices, 1);
	assert_ptr_equal(s, c->services);
	assert_null(conf_find(c, "pg"));
	assert_string_equal(s->user, "miek");
	assert_string_equal(s->repository, "https://host/x");
	assert_string_equal(s->auth, "u:hunter22");
	assert_string_equal(s->source, HEX);
	assert_string_equal(s->branch, "main");
	assert_string_equal(s->compose, "c.yaml");
	assert_int_equal(s->env.n, 1);
	assert_string_equal(s->env.v[0], "A=hunter22");
	assert_int_equal(s->registries.n, 1);
	assert_string_equal(s->registries.v[0], "hunter22@r");
	assert_true(s->has_networks);
	assert_string_equal(s->networks.v[0], "n");
	assert_string_equal(s->signers, "/etc/signers");
	assert_true(s->signed_only);
	expect_settings(s);
	assert_int_equal(s->line, 1);
	assert_int_equal(s->user_line, 3);
	assert_int_equal(s->user_column, 8);
	conf_free(c);
}

static void
an_empty_configuration_is_one(void **state)
{
	struct conf *c = parse("{\"version\":1,\"errors\":[],\"services\":[],\"operators\":[],\"shown\":{}}");

	(void)state;
	assert_int_equal(c->nservices, 0);
	assert_null(conf_find(c, "x"));
	conf_free(c);
	conf_free(NULL);
}

static void
cores_document_is_read_and_written_alike(void **state)
{
	struct conf *c = parse(CORE);
	auto_free char *again = conf_for_core(c);

	(void)state;
	assert_string_equal(again, CORE);
	assert_string_equal(c->dir, "/var/lib/pgo");
	assert_string_equal(c->datadir, "/data");
	assert_int_equal(c->poll_ms, 300000);
	assert_int_equal(c->services[0].uid, 1000);
	assert_int_equal(c->services[0].gid, 4294967294U);
	assert_true(c->services[0].has_networks);
	assert_null(c->services[0].auth);
	assert_null(c->services[0].signers);
	assert_true(c->services[0].signed_only);
	expect_settings(&c->services[0]);
	conf_free(c);
}

static char *
edited(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	assert_non_null(at);
	return str_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void
what_asks_the_same_server_the_same_in_the_same_name_has_one_number(void **state)
{
	auto_free char *other = edited(CHECKED_SERVICE, "pgo", "b");
	auto_free char *token = edited(CHECKED_SERVICE, "pgo", "c");
	auto_free char *branch = edited(CHECKED_SERVICE, "pgo", "d");
	auto_free char *none = edited(CHECKED_SERVICE, "pgo", "e");
	auto_free char *token2 = edited(token, "u:hunter22", "u:hunter33");
	auto_free char *branch2 = edited(branch, "\"main\"", "\"prod\"");
	auto_free char *none2 = edited(none, "\"u:hunter22\"", "null");
	auto_free char *json = str_printf("{\"version\":1,\"errors\":[],\"services\":[" CHECKED_SERVICE
					  ",%s,%s,%s,%s],\"operators\":[],\"shown\":{}}",
	    token2, branch2, none2, other);
	struct conf *c = parse(json), *core = NULL;
	auto_free char *text = NULL;
	static const int expected[] = {0, 1, 2, 3, 0};

	(void)state;
	c->dir = str_dup("/var/lib/pgo");
	c->datadir = str_dup("/data");
	c->pins = str_dup("/run/pgo/pins/var-lib-pgo");
	c->poll_ms = 1;
	text = conf_for_core(c);
	core = parse(text);
	for (size_t i = 0; i < core->nservices; i++)
		assert_int_equal(core->services[i].remote, expected[i]);
	conf_free(c);
	conf_free(core);
}

static void
no_secret_reaches_core(void **state)
{
	struct conf *c = parse(CHECKED);
	auto_free char *json = NULL;
	struct conf *core = NULL;

	(void)state;
	c->dir = str_dup("/var/lib/pgo");
	c->datadir = str_dup("/data");
	c->pins = str_dup("/run/pgo/pins/var-lib-pgo");
	c->poll_ms = 1;
	json = conf_for_core(c);
	assert_null(strstr(json, "hunter"));
	assert_null(strstr(json, "auth"));
	assert_null(strstr(json, "\"env\""));
	assert_null(strstr(json, "/etc/signers"));
	core = parse(json);
	assert_string_equal(core->services[0].compose, "c.yaml");
	assert_int_equal(core->services[0].networks.n, 1);
	conf_free(core);
	conf_free(c);
}

/* The document with one part of it replaced; each part is in it once. */
static char *
with(const char *json, const char *part, const char *replacement)
{
	const char *at = strstr(json, part);

	if (at == NULL) {
		fail_msg("%s is not in the document", part);
		return NULL;
	}
	return str_printf("%.*s%s%s", (int)(at - json), json, replacement, at + strlen(part));
}

static void
expect_refused(const char *json, const char *part)
{
	struct err err = ERR_INIT;

	if (conf_parse(json, strlen(json), &err) != NULL)
		fail_msg("accepted: %s", json);
	assert_int_equal(err.num, EINVAL);
	assert_null(strstr(err.msg, "hunter"));
	if (strstr(err.msg, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\" for %s", part, err.msg, json);
}

static void
a_document_that_is_not_quite_ours_is_refused(void **state)
{
	static const char *const samples[][4] = {
	    {CHECKED, "\"version\":1", "\"version\":2", "version 2"},
	    {CHECKED, "\"version\":1", "\"version\":\"1\"", "integer"},
	    {CHECKED, "\"version\":1,", "", "version"},
	    {CHECKED, "\"version\":1", "\"version\":1,\"more\":1", "more"},
	    {CHECKED, "\"errors\":[]", "\"errors\":[{}]", "lists 1 errors"},
	    {CHECKED, "\"errors\":[]", "\"errors\":{}", "errors"},
	    {CHECKED, "\"services\":[", "\"services\":{}, \"x\":[", "x"},
	    {CHECKED, "\"name\":\"alice\"", "\"name\":\"al ice\"", "letters"},
	    {CHECKED, "ssh-ed25519 AAAA", "ssh-ed25519 BBBB", "no usable public key"},
	    {CHECKED, "ssh-ed25519 AAAA", "command=\\\"x\\\" ssh-ed25519 AAAA", "option command"},
	    {CHECKED, "\"services\":[\"pgo\"]", "\"services\":[\"../pgo\"]", "path"},
	    {CHECKED, "\"services\":[\"pgo\"]", "\"services\":[]", "services"},
	    {CHECKED, "\"ops\":null", "\"ops\":[\"frobnicate\"]", "no operation"},
	    {CHECKED, "\"ops\":null", "\"ops\":\"ps\"", "neither null nor a list"},
	    {CHECKED, ",\"ops\":null", "", "ops"},
	    {CHECKED, "\"shown\":{\"services\":[]}", "\"shown\":[]", "not an object"},
	    {CHECKED, "\"name\":\"pgo\"", "\"name\":\"../x\"", "path"},
	    {CHECKED, "\"name\":\"pgo\"", "\"name\":\"pgo\",\"name\":\"a\"", "not JSON"},
	    {CHECKED, "\"name\":\"pgo\"", "\"name\":\"p\\u0000\"", "not JSON"},
	    {CHECKED, "\"name\":\"pgo\"", "\"name\":null", "string"},
	    {CHECKED, "\"user\":\"miek\"", "\"user\":\"0\"", "number"},
	    {CHECKED, "\"user\":\"miek\",", "", "user"},
	    {CHECKED, "https://host/x", "https://hunter:2@host/x", "credentials"},
	    {CHECKED, "https://host/x", "ext::sh", "helper"},
	    {CHECKED, "\"u:hunter22\"", "\"hunter22\"", "no colon"},
	    {CHECKED, "\"u:hunter22\"", "\"u:hunter22\\n\"", "control"},
	    {CHECKED, "\"u:hunter22\"", "1", "neither a string nor null"},
	    {CHECKED, "\"auth\":\"u:hunter22\",", "", "auth"},
	    {CHECKED, "\"" HEX "\"", "\"abc\"", "digest"},
	    {CHECKED, "\"branch\":\"main\"", "\"branch\":\"-x\"", "begins"},
	    {CHECKED, "\"branch\":\"main\"", "\"branch\":null", "string"},
	    {CHECKED, "\"c.yaml\"", "\"../c.yaml\"", "compose"},
	    {CHECKED, "\"c.yaml\"", "[]", "compose"},
	    {CHECKED, "[\"A=hunter22\"]", "null", "env"},
	    {CHECKED, "[\"A=hunter22\"]", "[1]", "env"},
	    {CHECKED, "[\"A=hunter22\"]", "[\"LD_PRELOAD=hunter22\"]", "may not"},
	    {CHECKED, "[\"n\"]", "[\"-n\"]", "network"},
	    {CHECKED, "[\"n\"]", "\"n\"", "network"},
	    {CHECKED, "\"/etc/signers\"", "\"signers\"", "absolute"},
	    {CHECKED, "\"signers\":\"/etc/signers\",", "", "signers"},
	    {CHECKED, SETTINGS, "{}", "lacks a field"},
	    {CHECKED, SETTINGS, "[]", "lacks a field"},
	    {CHECKED, "\"pids\":200", "\"pids\":200,\"more\":1", "one too many"},
	    {CHECKED, "\"env_digest\":\"", "\"env_digist\":\"", "\"env_digest\" is no string"},
	    {CHECKED, "\"env_digest\":\"", "\"env_digest\":1,\"x\":\"", "one too many"},
	    {CHECKED, "\"pids\":200", "\"pidz\":200", "\"pids\" is missing"},
	    {CHECKED, "\"pids\":200", "\"pids\":2.5", "\"pids\" is missing or out of range"},
	    {CHECKED, "\"timeout_ms\":1000", "\"timeout_ms\":1", "out of range"},
	    {CHECKED, "\"timeout_ms\":1000", "\"timeout_ms\":-1", "out of range"},
	    {CHECKED, "\"keep\":20", "\"keep\":0", "out of range"},
	    {CHECKED, "\"in-place\"", "\"rolling\"", "update"},
	    {CHECKED, "\"rewind_refused\":true", "\"rewind_refused\":\"refuse\"", "neither"},
	    {CHECKED, "[\"privileged\"]", "[\"PID\"]", "allow"},
	    {CHECKED, "[\"5005/5\"]", "[\"5005\"]", "ports"},
	    {CHECKED, "[\"a.org web:80\"]", "[\"a.org\"]", "urls"},
	    {CHECKED, "[\"a.org web:80\"]", "[\"a.org  web:80\"]", "urls"},
	    {CHECKED, "\"c/routes\"", "\"../routes\"", "import"},
	    {CORE, "\"c/routes\"", "7", "import"},
	    {CORE, "//exec caddy", "//execcaddy", "reload"},
	    {CORE, "\"signed_only\":true,", "", "signed_only"},
	    {CORE, "\"remote\":0,", "", "remote"},
	    {CORE, "\"remote\":0", "\"remote\":-1", "out of range"},
	    {CORE, "\"signed_only\":true", "\"signers\":null,\"signed_only\":true", "signers"},
	    {CHECKED, "\"line\":1", "\"line\":0", "positive"},
	    {CHECKED, "\"line\":1", "\"line\":1.5", "integer"},
	    {CHECKED, "\"line\":1", "\"line\":1,\"uid\":0", "uid"},
	    {CHECKED, CHECKED_SERVICE, CHECKED_SERVICE "," CHECKED_SERVICE, "services[1]: the name is there twice"},
	    {CHECKED, CHECKED_SERVICE, CORE_SERVICE, "auth"},
	    {CHECKED, CHECKED_SERVICE, "7", "services[0]"},
	    {CORE, "\"version\":1", "\"version\":0", "version 0"},
	    {CORE, "\"uid\":1000", "\"uid\":-1", "out of range"},
	    {CORE, "\"uid\":1000", "\"uid\":4294967295", "out of range"},
	    {CORE, "\"gid\":4294967294", "\"gid\":4294967296", "out of range"},
	    {CORE, "\"uid\":1000,", "", "uid"},
	    {CORE, "\"uid\":1000", "\"uid\":1000,\"auth\":null", "auth"},
	    {CORE, "\"uid\":1000", "\"uid\":1000,\"env\":[]", "env"},
	    {CORE, "\"/var/lib/pgo\"", "\"var\"", "dir"},
	    {CORE, "\"/data\"", "\"/data/../x\"", "dir"},
	    {CORE, "300000", "0", "poll_ms"},
	    {CORE, "\"networks\":[]", "\"networks\":{}", "networks"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		auto_free char *json = with(samples[i][0], samples[i][1], samples[i][2]);

		expect_refused(json, samples[i][3]);
	}
	expect_refused("", "not JSON");
	expect_refused("[]", "");
	expect_refused("null", "");
	expect_refused(CHECKED " x", "not JSON");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_checked_document_is_read_whole),
	    cmocka_unit_test(an_empty_configuration_is_one),
	    cmocka_unit_test(cores_document_is_read_and_written_alike),
	    cmocka_unit_test(what_asks_the_same_server_the_same_in_the_same_name_has_one_number),
	    cmocka_unit_test(no_secret_reaches_core),
	    cmocka_unit_test(a_document_that_is_not_quite_ours_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
