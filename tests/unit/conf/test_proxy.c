/* The table [proxy], and what of the sites its proxy can serve. */
#include "checked.h"
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/check.h"
#include "conf/conf.h"
#include "conf/proxy_table.h"

#define NGINX "[proxy]\ntype = \"nginx\"\nfile = \"/e/p.conf\"\n"
#define CADDY "[proxy]\ntype = \"caddy\"\nfile = \"/e/p.conf\"\n"
#define TLS "certificate = \"/t/{host}/c\"\ncertificate_key = \"/t/{host}/k\"\n"
#define WEB "[[services]]\nname = \"web\"\nuser = \"web\"\nrepository = \"/srv/web.git\"\nurls = "

static void
a_proxy_has_its_commands_without_being_told(void **state)
{
	struct conf *c = checked_conf(NGINX);

	(void)state;
	assert_true(c->proxied && c->proxy->type == PROXY_NGINX);
	assert_string_equal(c->proxy->test.v[1], "-t");
	assert_string_equal(c->proxy->reload.v[2], "reload");
	assert_string_equal(c->proxy->listen.v[1], "::");
	assert_null(c->proxy->certificate);
	conf_free(c);
	c = checked_conf(CADDY "test = [ \"/x/y\" ]\n" WEB "{ \"a.org\" = \"web:1\" }\n");
	assert_true(c->proxied && c->proxy->type == PROXY_CADDY);
	assert_int_equal(c->proxy->test.n, 1);
	assert_string_equal(c->proxy->reload.v[0], "caddy");
	conf_free(c);
}

/* Core learns that there is one, and nothing of its commands and files. */
static void
expect_for_core(const char *text, bool plain)
{
	struct conf *c = checked_conf(text);
	struct conf *core;
	struct err err = ERR_INIT;
	auto_free char *json = NULL;

	c->dir = str_dup("/var/lib/pgo");
	c->datadir = str_dup("/data");
	c->pins = str_dup("/run/pins");
	c->poll_ms = 1000;
	json = conf_for_core(c);
	assert_non_null(strstr(json, "\"proxied\":true"));
	assert_null(strstr(json, "\"proxy\":{"));
	core = conf_parse(json, strlen(json), &err);
	assert_non_null(core);
	assert_true(core->proxied && core->proxy == NULL && core->plain == plain);
	conf_free(core);
	conf_free(c);
}

static void
core_gets_a_word_and_no_paths(void **state)
{
	(void)state;
	expect_for_core(NGINX TLS, false);
	expect_for_core(NGINX, true);
	expect_for_core(CADDY, false);
}

static void
a_site_is_told_as_visitors_ask_for_it(void **state)
{
	static const struct {
		const char *site;
		bool certificates;
		const char *url;
	} samples[] = {
	    {"example.org", true, "https://example.org"},
	    {"example.org", false, "http://example.org"},
	    {"http://Example.org/docs/*", true, "http://example.org/docs/"},
	    {"https://example.org:8443/a", true, "https://example.org:8443/a"},
	    {"example.org:80", true, "http://example.org"},
	    {"*.example.org", true, "https://*.example.org"},
	    {"http://[2001:db8::1]:8080", true, "http://[2001:db8::1]:8080"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct site site;
		auto_free char *url = NULL;

		assert_int_equal(site_parse(samples[i].site, &site, NULL), 0);
		url = proxy_url(&site, samples[i].certificates);
		assert_string_equal(url, samples[i].url);
	}
}

static void
what_is_wrong_with_the_table_is_told(void **state)
{
	static const char *const samples[][2] = {
	    {"[proxy]\ntype = \"apache\"\nfile = \"/e/p\"\n",
		"2: proxy: key \"type\" is no proxy that pgod can write for"},
	    {"[proxy]\ntype = 1\nfile = \"/e/p\"\n", "2: proxy: key \"type\" must be a string, not a number"},
	    {"[proxy]\ntype = \"caddy\"\n", "1: proxy: key \"file\" is missing"},
	    {"[proxy]\ntyp = \"caddy\"\nfile = \"/e/p\"\n", "key \"typ\" is not known: did you mean \"type\"?"},
	    {"[[proxy]]\n", "\"proxy\" must be a table, not a list: write [proxy], in single brackets"},
	    {"[prxy]\n", "\"prxy\" is not known: did you mean \"proxy\"?"},
	    {"[proxy]\ntype = \"caddy\"\nfile = \"p\"\n", "key \"file\" is no absolute path"},
	    {"[proxy]\ntype = \"caddy\"\nfile = \"/e/../p\"\n", "key \"file\" has \"..\""},
	    {"[proxy]\ntype = \"caddy\"\nfile = \"/e/p;x\"\n", "key \"file\" may hold only letters"},
	    {NGINX "test = []\n", "key \"test\" is no command"},
	    {NGINX "test = \"nginx -t\"\n", "key \"test\" must be a list of strings"},
	    {NGINX "reload = [ \"./x\" ]\n", "key \"reload\" is no program"},
	    {NGINX "reload = [ \"-x\" ]\n", "key \"reload\" is no program"},
	    {NGINX "reload = [ \"\" ]\n", "key \"reload\" is no program"},
	    {NGINX "reload = [ \"a\\u0000b\" ]\n", "key \"reload[0]\" has a NUL character"},
	    {NGINX "listen = [ \"localhost\" ]\n", "key \"listen[0]\" is no IP address"},
	    {NGINX "listen = [ \"1.2.3.4:80\" ]\n", "key \"listen[0]\" is no IP address"},
	    {NGINX "listen = []\n", "key \"listen\" has no address"},
	    {NGINX "certificate = \"/a\"\n", "key \"certificate\" needs \"certificate_key\" beside it"},
	    {NGINX "certificate = \"/a;/{host}\"\ncertificate_key = \"/b\"\n",
		"key \"certificate\" may hold only letters"},
	    {NGINX "certificate = \"/a/{name}\"\ncertificate_key = \"/b\"\n",
		"key \"certificate\" may hold only letters"},
	    {NGINX "challenges = \"x\"\n", "key \"challenges\" is no absolute path"},
	    {CADDY "listen = [ \"::\" ]\n", "key \"listen\" is for nginx"},
	    {CADDY TLS, "key \"certificate_key\" is for nginx"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		checked_says(samples[i][0], samples[i][1]);
}

static void
sites_that_the_proxy_cannot_serve_are_told(void **state)
{
	static const char *const samples[][2] = {
	    {NGINX WEB "{ \"a.org\" = \"web:1\", \"b.org/x/*\" = \"web:1\" }\n", ""},
	    {WEB "{ \"a.org/x*y\" = \"web:1\", \":80\" = \"web:1\" }\n", ""},
	    {NGINX WEB "{ \"a.org/x*y\" = \"web:1\" }\n", "services[0]: key \"urls[0]\" has a \"*\" within its path"},
	    {WEB "{ \"a.org/x*y\" = \"web:1\" }\n" NGINX, "services[0]: key \"urls[0]\" has a \"*\" within its path"},
	    {CADDY WEB "{ \"a.org/x*y\" = \"web:1\" }\n", ""},
	    {CADDY WEB "{ \":80\" = \"web:1\" }\n", "key \"urls[0]\" names no host"},
	    {NGINX WEB "{ \":8080\" = \"web:1\" }\n", "key \"urls[0]\" names no host"},
	    {NGINX WEB "{ \"https://a.org\" = \"web:1\" }\n", "key \"urls[0]\" asks for https"},
	    {NGINX WEB "{ \"a.org:443\" = \"web:1\" }\n", "key \"urls[0]\" asks for https"},
	    {NGINX TLS WEB "{ \"https://a.org\" = \"web:1\" }\n", ""},
	    {NGINX WEB "{ \"http://a.org\" = \"web:1\", \"a.org\" = \"web:2\" }\n",
		"key \"urls[1]\" is served where another"},
	    {NGINX TLS WEB "{ \"http://a.org\" = \"web:1\", \"a.org\" = \"web:2\" }\n", ""},
	    {NGINX TLS WEB "{ \"http://a.org:81\" = \"web:1\", \"b.org:81\" = \"web:2\" }\n",
		"has a port on which other sites"},
	    {CADDY WEB "{ \"http://a.org:81\" = \"web:1\", \"b.org:81\" = \"web:2\" }\n",
		"has a port on which other sites"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		checked_says(samples[i][0], samples[i][1]);
}

static void
every_example_is_accepted(void **state)
{
	struct buf b = BUF_INIT(1 << 16);
	auto_free char *text = NULL;

	(void)state;
	buf_str_add(&b, "[proxy]\n");
	for (size_t i = 0; i < proxy_menu.n; i++) {
		assert_true(str_starts(proxy_menu.keys[i].example, proxy_menu.keys[i].name));
		assert_true(str_ends(proxy_menu.keys[i].help, "."));
		buf_printf(&b, "%s\n", proxy_menu.keys[i].example);
	}
	text = buf_take(&b);
	checked_says(text, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_proxy_has_its_commands_without_being_told),
	    cmocka_unit_test(core_gets_a_word_and_no_paths),
	    cmocka_unit_test(a_site_is_told_as_visitors_ask_for_it),
	    cmocka_unit_test(what_is_wrong_with_the_table_is_told),
	    cmocka_unit_test(sites_that_the_proxy_cannot_serve_are_told),
	    cmocka_unit_test(every_example_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
