/* The sites of `urls` and what they lead to. */
#include "checked.h"
#include "samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/rules.h"
#include "conf/site.h"

static void
sites_that_lead_into_the_proxys_configuration(void **state)
{
	static const struct sample samples[] = {
	    {"ex.org { respond 1 } b.org", "a host that is none"},
	    {"ex.org\n}\nb.org", "a host that is none"},
	    {"ex.org{", "a host that is none"},
	    {"ex.org,b.org", "a host that is none"},
	    {"\"ex.org\"", "a host that is none"},
	    {"`ex.org`", "a host that is none"},
	    {"{$ENV}", "a host that is none"},
	    {"{env.HOME}", "a host that is none"},
	    {"(snippet)", "a host that is none"},
	    {"@matcher", "a host that is none"},
	    {"#ex.org", "a host that is none"},
	    {"ex.org#", "a host that is none"},
	    {"ex.org\\", "a host that is none"},
	    {"<<EOF", "a host that is none"},
	    {" ex.org", "a host that is none"},
	    {"ex.org\t", "a host that is none"},
	    {"ex.org\x7f", "a host that is none"},
	    {"b\xc3\xbc"
	     "cher.de",
		"a host that is none"},
	    {"import", "\"import\" in the place of a host"},
	    {"IMPORT", "\"import\" in the place of a host"},
	    {"ex.org:80 {", "goes on with something else"},
	    {"ex.org/{$ENV}", "goes on with something else"},
	    {"ex.org/a b", "goes on with something else"},
	    {"ex.org/a\n", "goes on with something else"},
	    {"ex.org/a?b", "goes on with something else"},
	    {"ex.org/%7B", "goes on with something else"},
	};

	(void)state;
	try_all(rule_site, samples, ARRAY_LEN(samples));
}

static void
sites_that_a_proxy_refuses_or_takes_for_something_else(void **state)
{
	static const struct sample samples[] = {
	    {"example.org", NULL},
	    {"EXAMPLE.org", NULL},
	    {"localhost", NULL},
	    {"*.example.org", NULL},
	    {"a_b.example.org", NULL},
	    {"http://example.org", NULL},
	    {"HTTPS://example.org:8443/a/*", NULL},
	    {":8080", NULL},
	    {"http://:80", NULL},
	    {"127.0.0.1:80", NULL},
	    {"[::1]:8080", NULL},
	    {"example.org/.well-known/*", NULL},
	    {"", "without a host"},
	    {"http://", "without a host"},
	    {"/api/*", "without a host"},
	    {"*", "\"*\" in the place of a host"},
	    {"a.*.org", "a host that is none"},
	    {"a*.org", "a host that is none"},
	    {"a..org", "a host that is none"},
	    {".org", "a host that is none"},
	    {"-a.org", "a host that is none"},
	    {"a-.org", "a host that is none"},
	    {"example.org.", "ends with a dot"},
	    {"example.org/", "ends with \"/\""},
	    {"example.org/a/", "ends with \"/\""},
	    {"example.org/a/../b", "goes on with something else"},
	    {"example.org/./b", "goes on with something else"},
	    {"example.org/..", "goes on with something else"},
	    {"ftp://example.org", "another scheme"},
	    {"://example.org", "another scheme"},
	    {"a/b://example.org", "another scheme"},
	    {"http://example.org:443", "contradict"},
	    {"https://example.org:80", "contradict"},
	    {"example.org:", "a port that is none"},
	    {"example.org:0", "a port that is none"},
	    {"example.org:-1", "a port that is none"},
	    {"example.org:65536", "a port that is none"},
	    {"example.org:8000-8010", "goes on with something else"},
	    {"example.org:http", "a port that is none"},
	    {"[::1", "brackets"},
	    {"[]", "brackets"},
	    {"[", "brackets"},
	    {"[::1]x", "goes on with something else"},
	    {"[fe80::1%eth0]", "brackets"},
	};
	char label[80], host[300], path[300];

	(void)state;
	try_all(rule_site, samples, ARRAY_LEN(samples));
	memset(label, 'a', 64);
	label[64] = '\0';
	memset(host, 'a', 254);
	host[254] = '\0';
	snprintf(path, sizeof(path), "a/%0255d", 0);
	try_all(rule_site,
	    (struct sample[]){
		{label, "a host that is none"}, {host, "a host of 254 bytes"}, {path, "a path of 256 bytes"}},
	    3);
}

static void
routes_that_lead_nowhere(void **state)
{
	static const struct sample samples[] = {
	    {"example.org web:8080", NULL},
	    {"*.example.org web-1.x_y:1", NULL},
	    {"https://example.org:8443/a web:65535", NULL},
	    {"", "without a host"},
	    {" web:80", "without a host"},
	    {"example.org", "without a host"},
	    {"a ", "does not lead"},
	    {"a web", "does not lead"},
	    {"a :80", "a port of this machine, is of an older pgo"},
	    {"a web:", "does not lead"},
	    {"a web:0", "does not lead"},
	    {"a web:-1", "does not lead"},
	    {"a web:65536", "does not lead"},
	    {"a -web:80", "does not lead"},
	    {"a web:80/tcp", "does not lead"},
	    {"a web:80 web:81", "does not lead"},
	    {"a web:80\n}", "does not lead"},
	    {"a {$ENV}:80", "does not lead"},
	    {"a http://web:80", "does not lead"},
	    {"a unix//run/x:80", "does not lead"},
	    {"a  web:80", "does not lead"},
	};

	(void)state;
	try_all(rule_route, samples, ARRAY_LEN(samples));
}

static void
files_that_are_no_place_for_the_routes(void **state)
{
	static const struct sample samples[] = {
	    {"Caddyfile-import", NULL},
	    {"caddy/Caddyfile-import", NULL},
	    {"caddy/sites/pgo.caddy", NULL},
	    {"", "is empty"},
	    {"/etc/caddy/Caddyfile", "absolute path"},
	    {"../Caddyfile", "plain path"},
	    {"caddy/../Caddyfile", "plain path"},
	    {"caddy//Caddyfile", "plain path"},
	    {"caddy/", "plain path"},
	    {"a\nb", "control character"},
	    {"ssh/Caddyfile", "where the service's keys are"},
	    {"ssh", "where the service's keys are"},
	    {"sshd/Caddyfile", NULL},
	};
	char name[220] = "caddy/";

	(void)state;
	try_all(rule_import, samples, ARRAY_LEN(samples));
	memset(name + strlen(name), 'a', 201);
	try_all(rule_import, (struct sample[]){{name, "more than 200 bytes"}}, 1);
}

static void
reloads_that_are_no_exec_of_pgoctl(void **state)
{
	static const struct sample samples[] = {
	    {"localhost:caddy//exec caddy reload --config /etc/caddy/Caddyfile --adapter caddyfile", NULL},
	    {"localhost:caddy//exec caddy caddy reload", NULL},
	    {"anything at all:caddy//exec x", "is no line for pgoctl"},
	    {"[::1]:caddy//exec x http://a//b", NULL},
	    {"h:caddy//exec sh -c 'a  b'", NULL},
	    {"", "is no line for pgoctl"},
	    {"caddy reload", "is no line for pgoctl"},
	    {"h:a//b//exec x", "is no line for pgoctl"},
	    {"h:caddy//execfoo x", "another operation than exec"},
	    {"h:caddy//EXEC x", "another operation than exec"},
	    {"h:caddy//restart", "another operation than exec"},
	    {"caddy//exec x", "names no machine"},
	    {":caddy//exec x", "names no machine"},
	    {"h://exec x", "names no service"},
	    {"h:-x//exec x", "names no service"},
	    {"h:a{b//exec x", "names no service"},
	    {"h:caddy//exec", "names no command"},
	    {"h:caddy//exec  ", "names no command"},
	    {"h:caddy//exec -u root x", "an option or nothing"},
	    {"h:caddy//exec '' x", "an option or nothing"},
	};
	char *large = str_printf("h:caddy//exec %05000d", 0);

	(void)state;
	try_all(rule_reload, samples, ARRAY_LEN(samples));
	try_all(rule_reload, (struct sample[]){{large, "4096 are allowed"}}, 1);
	free(large);
}

static struct site
site_of(const char *s)
{
	struct site site;
	struct err err = ERR_INIT;

	if (site_parse(s, &site, &err) < 0)
		fail_msg("%s: %s", s, err.msg);
	return site;
}

static void
the_same_site_written_in_two_ways(void **state)
{
	static const struct {
		const char *a, *b;
		bool same, covers;
	} pairs[] = {
	    {"example.org", "EXAMPLE.ORG", true, false},
	    {"example.org", "https://example.org:443", true, false},
	    {"example.org", "http://example.org", true, false},
	    {"http://example.org:8080", "example.org:8080", true, false},
	    {"example.org", "example.org/*", true, false},
	    {"example.org/a/*", "example.org/A/*", true, false},
	    {"[::1]:80", "[0:0::0:1]:80", true, false},
	    {"example.org", "example.org:8443", false, false},
	    {"example.org", "www.example.org", false, false},
	    {"*.example.org", "www.example.org", false, true},
	    {"*.example.org", "example.org", false, false},
	    {"*.example.org", "a.b.example.org", false, false},
	    {"*.example.org", "www.example.org:8443", false, false},
	    {"*.example.org/a/*", "www.example.org", false, false},
	    {":443", "www.example.org", false, true},
	    {"http://:80", "www.example.org", false, true},
	    {"example.org", "example.org/api/*", false, true},
	    {"example.org/a*", "example.org/api/*", false, true},
	    {"example.org/a", "example.org/api", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct site a = site_of(pairs[i].a), b = site_of(pairs[i].b);
		auto_free char *a_key = site_key(&a, false);
		auto_free char *b_key = site_key(&b, false);

		if (site_same(&a, &b) != pairs[i].same || site_covers(&a, &b) != pairs[i].covers || site_covers(&b, &a))
			fail_msg("%s and %s", pairs[i].a, pairs[i].b);
		assert_int_equal(str_eq(a_key, b_key), pairs[i].same);
	}
}

#define SERVICE(name) "[[services]]\nname = \"" name "\"\nuser = \"web\"\nrepository = \"/srv/web.git\"\n"

static void
a_site_that_two_services_want(void **state)
{
	auto_free char *errors = checked_errors(SERVICE("a") "urls = { \"example.org\" = \"web:80\" }\n" SERVICE(
	    "b") "[services.urls]\n\"x.org\" = \"web:80\"\n\"https://EXAMPLE.org\" = \"web:80\"\n");

	(void)state;
	assert_string_equal(errors,
	    "12: services[1] \"b\": key \"urls[1]\": the site \"https://EXAMPLE.org\" is that of services[0] \"a\" on "
	    "line 5: remove one\n");
}

static void
a_site_that_a_service_has_twice(void **state)
{
	auto_free char *errors =
	    checked_errors(SERVICE("a") "urls = { \"a.org\" = \"web:80\", \"A.org\" = \"web:81\" }\n");
	auto_free char *fine =
	    checked_errors(SERVICE("a") "urls = { \"a.org\" = \"web:80\", \"http://a.org\" = \"web:81\" }\n");

	(void)state;
	assert_string_equal(errors,
	    "5: services[0] \"a\": key \"urls[1]\": the site \"A.org\" is that of the same service on line 5: remove "
	    "one\n");
	assert_string_equal(fine, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sites_that_lead_into_the_proxys_configuration),
	    cmocka_unit_test(sites_that_a_proxy_refuses_or_takes_for_something_else),
	    cmocka_unit_test(routes_that_lead_nowhere),
	    cmocka_unit_test(files_that_are_no_place_for_the_routes),
	    cmocka_unit_test(reloads_that_are_no_exec_of_pgoctl),
	    cmocka_unit_test(the_same_site_written_in_two_ways),
	    cmocka_unit_test(a_site_that_two_services_want),
	    cmocka_unit_test(a_site_that_a_service_has_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
