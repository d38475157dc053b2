/* The table [push], services that are pushed, and what an app is made of. */
#include "checked.h"
#include "samples.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/conf.h"
#include "conf/push_table.h"

#define WEB "[[services]]\nname = \"web\"\nuser = \"web\"\n"

/* As core reads it. */
static struct conf *
for_core(struct conf *c, char **ret_json)
{
	struct err err = ERR_INIT;
	struct conf *core;

	c->dir = str_dup("/var/lib/pgo");
	c->datadir = str_dup("/data");
	c->pins = str_dup("/run/pins");
	c->poll_ms = 1000;
	if (c->push != NULL && c->push->address == NULL)
		c->push->address = str_dup("192.0.2.7");
	*ret_json = conf_for_core(c);
	core = conf_parse(*ret_json, strlen(*ret_json), &err);
	if (core == NULL)
		fail_msg("%s: %s", err.msg, *ret_json);
	return core;
}

static void
an_empty_table_switches_pushes_on_and_makes_no_apps(void **state)
{
	struct conf *c = checked_conf("[push]\n");
	struct conf *none = checked_conf("");

	(void)state;
	assert_null(none->push);
	assert_false(c->push->create);
	assert_false(c->push->ends);
	assert_int_equal(c->push->branches.n, 2);
	assert_string_equal(c->push->branches.v[1], "master");
	assert_string_equal(c->push->suffix, "sslip.io");
	assert_string_equal(c->push->scheme, "http");
	assert_null(c->push->domain);
	assert_null(c->push->registry);
	assert_int_equal(c->push->max_bytes, 1 << 30);
	assert_int_equal(c->push->max_objects, 1000000);
	assert_int_equal(c->push->first_id, 70000);
	assert_int_equal(c->push->last_id, 79999);
	conf_free(none);
	conf_free(c);
}

static void
deletions_destroy_apps_where_the_table_says_so(void **state)
{
	struct conf *c = checked_conf("[push]\ndelete = true\n");
	auto_free char *json = NULL;
	struct conf *core = for_core(c, &json);

	(void)state;
	assert_true(c->push->ends && core->push->ends);
	assert_false(core->push->create);
	conf_free(core);
	conf_free(c);
}

static void
core_knows_that_there_is_a_registry_and_nothing_of_its_password(void **state)
{
	struct conf *c = checked_conf(
	    "[push]\nregistry = \"bob:hunter22@reg.example.org:5000/a/b\"\nbranch = \"live\"\n"
	    "registries = [ \"carl:swordfish@other\" ]\nnetworks = []\nmemory = \"64m\"\n" WEB "hosted = true\n");
	auto_free char *json = NULL;
	struct conf *core = for_core(c, &json);

	(void)state;
	assert_string_equal(c->push->registry, "bob:hunter22@reg.example.org:5000/a/b");
	assert_string_equal(c->push->registry_name, "reg.example.org:5000/a/b");
	assert_string_equal(core->push->registry_name, "reg.example.org:5000/a/b");
	assert_null(core->push->registry);
	assert_null(strstr(json, "hunter22"));
	assert_null(strstr(json, "swordfish"));
	assert_true(core->push->masks.n > 0 && core->push->service->masks.n > 0);
	/* Wherever an image is pushed its password could be said back. */
	assert_true(strv_has(&core->push->service->masks, core->push->masks.v[0]));
	assert_true(strv_has(&core->services[0].masks, core->push->masks.v[0]));
	assert_int_equal(core->services[0].masks.n, c->push->masks.n);
	assert_string_equal(core->push->branches.v[0], "live");
	assert_true(core->push->service->has_networks);
	assert_int_equal(core->push->service->memory_bytes, 64 << 20);
	conf_free(core);
	conf_free(c);
}

static void
an_app_is_what_the_table_says(void **state)
{
	struct conf *c = checked_conf("[push]\nkeep = 7\npids = 100\nallow = [ \"privileged\" ]\n"
				      "registries = [ \"carl:swordfish@other\" ]\nnetworks = [ \"front\" ]\n");
	struct conf_service *s = conf_app(c->push, "a.b-c", 70007);

	(void)state;
	assert_string_equal(s->name, "a_b-c");
	assert_string_equal(s->user, "70007");
	assert_true(s->hosted && s->uid == 70007 && s->gid == 70007);
	assert_int_equal(s->keep, 7);
	assert_int_equal(s->pids, 100);
	assert_int_equal(s->health_timeout_ms, 120000);
	assert_string_equal(s->allow.v[0], "privileged");
	assert_string_equal(s->networks.v[0], "front");
	assert_string_equal(s->registries.v[0], "carl:swordfish@other");
	assert_true(s->has_networks);
	conf_app_free(s);
	conf_free(c);
}

/* The table was taken out of the file: what runs goes on. */
static void
an_app_needs_no_table(void **state)
{
	struct conf_service *s = conf_app(NULL, "shop", 70001);

	(void)state;
	assert_string_equal(s->name, "shop");
	assert_int_equal(s->keep, 3);
	assert_false(s->has_networks);
	assert_int_equal(s->allow.n, 0);
	conf_app_free(s);
}

static void
a_service_of_the_file_may_be_pushed(void **state)
{
	struct conf *c =
	    checked_conf("[push]\n" WEB "hosted = true\n[[services]]\nname = \"old\"\nuser = \"web\"\nhosted = "
			 "false\nrepository = \"/srv/old.git\"\n");
	auto_free char *json = NULL;
	struct conf *core = for_core(c, &json);

	(void)state;
	assert_true(c->services[0].hosted && core->services[0].hosted);
	assert_string_equal(core->services[0].repository, "");
	assert_string_equal(core->services[0].source, CONF_SOURCE_HOSTED);
	assert_int_equal(core->services[0].remote, -1);
	assert_false(core->services[1].hosted);
	assert_int_equal(core->services[1].remote, 1);
	conf_free(core);
	conf_free(c);
}

static void
what_is_wrong_with_it_is_told(void **state)
{
	static const char *const samples[][2] = {
	    {WEB "hosted = true\n", "4: key \"hosted\" needs the table [push]"},
	    {"[push]\n" WEB "hosted = true\nrepository = \"/srv/x.git\"\n",
		"5: services[0] \"web\": key \"hosted\" stands beside \"repository\""},
	    {"[push]\n" WEB "hosted = true\nbranch = \"main\"\n", "key \"branch\" is for a repository that pgod asks"},
	    {"[push]\n" WEB "hosted = true\nsigners = \"/etc/s\"\n", "key \"signers\" is for a repository"},
	    {"[push]\n" WEB "hosted = true\nrewind = \"refuse\"\n", "key \"rewind\" is for a repository"},
	    {"[push]\n[[services]]\nname = \"a_b\"\nuser = \"a\"\nhosted = true\n",
		"key \"name\" of a hosted service may hold only a-z"},
	    {"[push]\n" WEB "hosted = false\n", "2: services[0] \"web\": key \"repository\" is missing"},
	    {"[push]\n" WEB "hosted = \"yes\"\n", "key \"hosted\" must be true or false, not a string"},
	    {"[[push]]\n", "\"push\" must be a table, not a list: write [push]"},
	    {"[push]\ncreat = true\n", "key \"creat\" is not known: did you mean \"create\"?"},
	    {"[push]\nbranch = []\n", "key \"branch\" is an empty list"},
	    {"[push]\nbranch = 1\n", "key \"branch\" must be a string or a list of strings, not a number"},
	    {"[push]\nbranch = [ \"a\", \"-b\" ]\n", "key \"branch[1]\" begins with \"-\""},
	    {"[push]\nbranch = \"refs/heads/main\"\n", "key \"branch\" is a full ref"},
	    {"[push]\ndomain = \"Example.org\"\n", "key \"domain\" is no name of a domain"},
	    {"[push]\ndomain = \"a.org\"\nsuffix = \"b.org\"\n", "key \"suffix\" has no use beside \"domain\""},
	    {"[push]\naddress = \"::1\"\n", "key \"address\" is no IPv4 address"},
	    {"[push]\nscheme = \"ftp\"\n", "key \"scheme\" is neither"},
	    {"[push]\nmax_size = \"1k\"\n", "key \"max_size\" is not between 1m and 1t"},
	    {"[push]\nmax_objects = 0\n", "key \"max_objects\" is not between"},
	    {"[push]\nids = \"1-2\"\n", "key \"ids\" must go from 1000"},
	    {"[push]\nids = \"70000\"\n", "key \"ids\" is no range"},
	    {"[push]\ndirectives = [ \"NO_HTTP_PROXY\" ]\n", "key \"directives[0]\" needs no permission"},
	    {"[push]\ndirectives = [ \"MOUNT\" ]\n", "key \"directives[0]\" is no directive"},
	    {"[push]\nregistries = [ \"token@r\" ]\n", "key \"registries[0]\" names no user"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		checked_says(samples[i][0], samples[i][1]);
}

static void
registries_have_a_user_a_token_and_perhaps_a_path(void **state)
{
	static const struct sample samples[] = {{"u:t@r", NULL}, {"u:t@r:5000/a/b-c", NULL}, {"u:t@x@r/p", NULL},
	    {"t@r", "names no user"}, {"u:t@r/", "no proper path"}, {"u:t@r/A", "no proper path"},
	    {"u:t@r/a//b", "no proper path"}, {"u:t@r/../b", "no proper path"}, {"u:@r", "no token"},
	    {"r/p", "no \"@\""}};

	(void)state;
	try_all(rule_push_registry, samples, ARRAY_LEN(samples));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_empty_table_switches_pushes_on_and_makes_no_apps),
	    cmocka_unit_test(deletions_destroy_apps_where_the_table_says_so),
	    cmocka_unit_test(core_knows_that_there_is_a_registry_and_nothing_of_its_password),
	    cmocka_unit_test(an_app_is_what_the_table_says),
	    cmocka_unit_test(an_app_needs_no_table),
	    cmocka_unit_test(a_service_of_the_file_may_be_pushed),
	    cmocka_unit_test(what_is_wrong_with_it_is_told),
	    cmocka_unit_test(registries_have_a_user_a_token_and_perhaps_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
