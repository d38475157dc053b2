/* What `reload` runs, in which of its two readings. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "core/reload.h"

/* "target: words", or the error. services: names with a blank between. The caller frees. */
static char *
read_line(const char *line, const char *service, const char *services)
{
	auto_strv struct strv names = {NULL, 0};
	auto_reload struct reload r = {0};
	auto_free char *copy = strdup(services);
	struct buf text = BUF_INIT(1024);
	struct err err = ERR_INIT;

	for (char *name = strtok(copy, " "); name != NULL; name = strtok(NULL, " "))
		strv_add(&names, name);
	if (reload_read(line, service, &names, &r, &err) < 0) {
		assert_int_equal(err.num, ENOENT);
		buf_str_add(&text, err.msg);
		return buf_take(&text);
	}
	buf_printf(&text, "%s:", r.target);
	for (size_t i = 0; i < r.command.n; i++)
		buf_printf(&text, " <%s>", r.command.v[i]);
	return buf_take(&text);
}

static void
both_readings_of_the_name(void **state)
{
	static const struct {
		const char *line, *service, *services, *want;
	} samples[] = {
	    /* as documented: the name is the compose service */
	    {"localhost:caddy//exec caddy reload --config /etc/caddy/Caddyfile --adapter caddyfile", "proxy", "caddy",
		"caddy: <caddy> <reload> <--config> </etc/caddy/Caddyfile> <--adapter> <caddyfile>"},
	    {"localhost:caddy//exec caddy --config Caddyfile", "caddy", "caddy",
		"caddy: <caddy> <--config> <Caddyfile>"},
	    {"localhost:caddy//exec caddy reload", "caddy", "caddy web", "caddy: <caddy> <reload>"},
	    {"x:nginx//exec nginx -s reload", "nginx", "nginx", "nginx: <nginx> <-s> <reload>"},
	    {"x:web//exec reload.sh", "proxy", "web", "web: <reload.sh>"},
	    /* as pgoctl has it: the name is this service of pgo */
	    {"localhost:proxy//exec caddy caddy reload", "proxy", "caddy", "caddy: <caddy> <reload>"},
	    {"localhost:caddy//exec caddy caddy reload", "caddy", "caddy", "caddy: <caddy> <reload>"},
	    {"localhost:proxy//exec proxy caddy reload", "proxy", "proxy", "proxy: <caddy> <reload>"},
	    {"localhost:proxy//exec web sh -c 'a  b'", "proxy", "web", "web: <sh> <-c> <a  b>"},
	    {"[::1]:proxy//exec web x http://a//b", "proxy", "web", "web: <x> <http://a//b>"},
	    /* neither */
	    {"x:caddy//exec web reload", "proxy", "web db",
		"reload: neither \"caddy\" before // nor \"web\" behind exec is a compose service of the release, which has web, db"},
	    {"x:proxy//exec web", "proxy", "web",
		"reload: neither \"proxy\" before // nor \"web\" behind exec is a compose service of the release, which has web"},
	    {"x:caddy//exec caddy reload", "proxy", "",
		"reload: neither \"caddy\" before // nor \"caddy\" behind exec is a compose service of the release, which has "
		"none"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		auto_free char *got = read_line(samples[i].line, samples[i].service, samples[i].services);

		assert_string_equal(got, samples[i].want);
	}
}

static bool
checks(const char *line, struct strv *ret)
{
	auto_strv struct strv names = {NULL, 0};
	auto_reload struct reload r = {0};
	struct err err = ERR_INIT;

	strv_add(&names, "caddy");
	assert_int_equal(reload_read(line, "proxy", &names, &r, &err), 0);
	return reload_check_command(&r, "/etc/caddy/.x.pgo", ret);
}

static void
only_caddy_itself_can_check_a_caddyfile(void **state)
{
	static const char *const want[] = {
	    "/usr/bin/caddy", "validate", "--config", "/etc/caddy/.x.pgo", "--adapter", "caddyfile"};
	auto_strv struct strv words = {NULL, 0};

	(void)state;
	assert_true(checks("x:caddy//exec /usr/bin/caddy reload --config /etc/caddy/caddy.json", &words));
	assert_int_equal(words.n, ARRAY_LEN(want));
	for (size_t i = 0; i < words.n; i++)
		assert_string_equal(words.v[i], want[i]);
	assert_false(checks("x:caddy//exec caddy", &words));
	assert_false(checks("x:caddy//exec caddy stop", &words));
	assert_false(checks("x:caddy//exec mycaddy reload", &words));
	assert_false(checks("x:caddy//exec sh -c 'caddy reload'", &words));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_readings_of_the_name),
	    cmocka_unit_test(only_caddy_itself_can_check_a_caddyfile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
