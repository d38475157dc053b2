/* The compose file of an app that brings none, and the directives of its Dockerfile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* clang-format off */
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "base/auto.h"
#include "job/appmodel.h"
#include "job/appvars.h"
#include "job/yamltext.h"

struct made {
	struct buf text;
	struct strv complaints;
	struct strv vars;
	struct strv allowed;
	struct directives found;
};

#define MADE_INIT                         \
	{                                 \
		.text = BUF_INIT(1 << 20) \
	}
#define auto_made __attribute__((cleanup(made_done)))

static void
made_done(struct made *m)
{
	buf_done(&m->text);
	strv_done(&m->complaints);
	strv_done(&m->vars);
	strv_done(&m->allowed);
	directives_done(&m->found);
}

static void
make(struct made *m, enum app_kind kind, const char *dockerfile, const char *image)
{
	struct err err = ERR_INIT;

	assert_int_equal(directives_read(dockerfile, strlen(dockerfile), &m->found, &err), 0);
	appmodel_write(
	    &(struct app_source){
		.kind = kind,
		.name = "app",
		.static_image = image,
		.vars = &m->vars,
		.allowed = &m->allowed,
		.found = &m->found,
	    },
	    &m->text, &m->complaints);
}

static void
allow_all(struct made *m)
{
	for (int i = 0; i < DIRECTIVE_WORDS; i++)
		strv_add(&m->allowed, directive_name(i));
}

static void
has(const struct made *m, const char *part)
{
	if (strstr(buf_str(&m->text), part) == NULL)
		fail_msg("%s is not in %s", part, buf_str(&m->text));
}

static void
has_not(const struct made *m, const char *part)
{
	if (strstr(buf_str(&m->text), part) != NULL)
		fail_msg("%s is in %s", part, buf_str(&m->text));
}

static void
a_plain_dockerfile_is_one_service_built_from_the_commit(void **state)
{
	auto_made struct made m = MADE_INIT;

	(void)state;
	make(&m, APP_DOCKERFILE, "FROM scratch\n", NULL);
	assert_int_equal(m.complaints.n, 0);
	assert_string_equal(buf_str(&m.text),
	    "{\"services\":{\"web\":{\"build\":{\"context\":\".\"},\"restart\":\"unless-stopped\","
	    "\"security_opt\":[\"no-new-privileges:true\"],"
	    "\"logging\":{\"driver\":\"json-file\",\"options\":{\"max-size\":\"10m\",\"max-file\":\"3\"}},"
	    "\"environment\":{\"CONTAINER_NAME\":\"app\"}}},"
	    "\"x-pgo-app\":{\"kind\":\"dockerfile\",\"worker\":false,\"port\":\"\",\"check\":\"\"}}\n");
}

/* Golden: what octohost's `config:options app` makes of this file is
 * -p 10.0.0.1:53:53/udp -p 0.0.0.0:8080:80 -v /a:/b -v /data:/data -d -e CONTAINER_NAME=app --name app
 * --volumes-from app_data --link app_redis:redis --link mydb:db */
static void
directives_mean_what_they_mean_to_octohost(void **state)
{
	auto_made struct made m = MADE_INIT;

	(void)state;
	allow_all(&m);
	make(&m, APP_DOCKERFILE,
	    "FROM x\n# add_name\n# VOLUMES_FROM\n# MOUNT_FROM_HOST /data\n# MOUNT_FROM_HOST /a /b\n"
	    "# PORTS_FROM_HOST 8080 80\n# PORTS_FROM_HOST 53 53/udp 10.0.0.1\n# LINK_SERVICE redis\n# LINK_SERVICE db mydb\n",
	    NULL);
	assert_int_equal(m.complaints.n, 0);
	has(&m, "\"container_name\":\"app\"");
	has(&m, "\"volumes_from\":[\"container:app_data\"]");
	has(&m, "\"volumes\":[{\"type\":\"bind\",\"source\":\"/data\",\"target\":\"/data\"},"
		"{\"type\":\"bind\",\"source\":\"/a\",\"target\":\"/b\"}]");
	has(&m,
	    "\"ports\":[{\"mode\":\"ingress\",\"target\":80,\"published\":\"8080\",\"protocol\":\"tcp\","
	    "\"host_ip\":\"0.0.0.0\"},"
	    "{\"mode\":\"ingress\",\"target\":53,\"published\":\"53\",\"protocol\":\"udp\",\"host_ip\":\"10.0.0.1\"}]");
	has(&m, "\"external_links\":[\"app_redis:redis\",\"mydb:db\"]");
	has(&m, "\"CONTAINER_NAME\":\"app\"");
}

static void
a_directive_is_a_whole_word_at_the_beginning_of_a_line(void **state)
{
	static const char *const comments[] = {"# NO_HTTP_PROXY_X\n", " # NO_HTTP_PROXY\n", "#NO_HTTP_PROXY\n",
	    "#  NO_HTTP_PROXY\n", "RUN x # NO_HTTP_PROXY\n", "# NO_HTTP_PROX\n", "# NO-HTTP-PROXY\n", "# \n",
	    "# X NO_HTTP_PROXY"};
	static const char *const directives[] = {
	    "# NO_HTTP_PROXY\n", "# no_http_proxy", "FROM x\r\n# No_Http_Proxy\r\n", "# NO_HTTP_PROXY \t\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(comments); i++) {
		auto_made struct made m = MADE_INIT;

		make(&m, APP_DOCKERFILE, comments[i], NULL);
		assert_int_equal(m.complaints.n, 0);
		has(&m, "\"worker\":false");
	}
	for (size_t i = 0; i < ARRAY_LEN(directives); i++) {
		auto_made struct made m = MADE_INIT;

		make(&m, APP_DOCKERFILE, directives[i], NULL);
		assert_int_equal(m.complaints.n, 0); /* needs no leave */
		has(&m, "\"worker\":true");
	}
}

static void
a_directive_that_is_not_allowed_is_refused_by_name_and_line(void **state)
{
	static const char *const words[] = {
	    "ADD_NAME", "LINK_SERVICE a", "MOUNT_FROM_HOST /", "PORTS_FROM_HOST 80 80", "VOLUMES_FROM"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		auto_made struct made m = MADE_INIT;
		auto_free char *text = str_printf("FROM x\n\n# %s\n", words[i]);
		auto_free char *want = str_printf(
		    "Dockerfile:3: the directive %.*s is not allowed: ", (int)strcspn(words[i], " "), words[i]);

		make(&m, APP_DOCKERFILE, text, NULL);
		assert_int_equal(m.complaints.n, 1);
		assert_true(str_starts(m.complaints.v[0], want));
	}
}

static void
arguments_that_make_no_sense_are_refused_by_line(void **state)
{
	static const char *const lines[] = {"ADD_NAME other", "LINK_SERVICE", "LINK_SERVICE a b c", "LINK_SERVICE a:b",
	    "LINK_SERVICE a b:c", "LINK_SERVICE -a", "MOUNT_FROM_HOST", "MOUNT_FROM_HOST relative",
	    "MOUNT_FROM_HOST /a b", "MOUNT_FROM_HOST /a/../etc", "MOUNT_FROM_HOST /a:/b", "MOUNT_FROM_HOST /a /b /c",
	    "PORTS_FROM_HOST 80", "PORTS_FROM_HOST 0 80", "PORTS_FROM_HOST 80 65536", "PORTS_FROM_HOST 80 80/sctp",
	    "PORTS_FROM_HOST 80 80 host", "PORTS_FROM_HOST 80\",\"x\":\"y 80", "PORTS_FROM_HOST 80 80 0.0.0.0 x",
	    "VOLUMES_FROM other", "NO_HTTP_PROXY x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		auto_made struct made m = MADE_INIT;
		auto_free char *text = str_printf("# %s\n", lines[i]);

		allow_all(&m);
		make(&m, APP_DOCKERFILE, text, NULL);
		if (m.complaints.n != 1 || !str_starts(m.complaints.v[0], "Dockerfile:1: "))
			fail_msg("%s: %zu complaints, %s", lines[i], m.complaints.n,
			    m.complaints.n ? m.complaints.v[0] : "");
	}
}

static void
config_vars_are_the_environment_byte_for_byte(void **state)
{
	auto_made struct made m = MADE_INIT;

	(void)state;
	strv_add(&m.vars, "URL=postgres://u:p$ss@db:5432/x?a=b");
	strv_add(&m.vars, "TEXT=a\nb\t\"c\" \\ '#: {}");
	strv_add(&m.vars, "WIDE=\xc3\xa9\xf0\x9f\x98\x80\x7f");
	strv_add(&m.vars, "EMPTY=");
	make(&m, APP_DOCKERFILE, "", NULL);
	assert_int_equal(m.complaints.n, 0);
	has(&m, "\"URL\":\"postgres://u:p$$ss@db:5432/x?a=b\"");
	has(&m, "\"TEXT\":\"a\\u000ab\\u0009\\\"c\\\" \\\\ '#: {}\"");
	has(&m, "\"WIDE\":\"\\u00e9\\U0001f600\\u007f\"");
	has(&m, "\"EMPTY\":\"\"");
}

static void
what_is_no_text_is_refused_by_the_name_of_its_var(void **state)
{
	static const char *const values[] = {"\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf", "a\x80"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		auto_made struct made m = MADE_INIT;

		strv_add_take(&m.vars, str_printf("BAD=%s", values[i]));
		make(&m, APP_DOCKERFILE, "", NULL);
		assert_int_equal(m.complaints.n, 1);
		assert_non_null(strstr(m.complaints.v[0], "the config var BAD is not UTF-8"));
	}
}

static void
reserved_vars_speak_of_the_app_and_are_not_its_own(void **state)
{
	auto_made struct made m = MADE_INIT;

	(void)state;
	strv_add(&m.vars, "HTTP_PORT=8080");
	strv_add(&m.vars, "MEMORY_LIMIT=512m");
	strv_add(&m.vars, "CUSTOM_CHECK=/healthz");
	strv_add(&m.vars, "CONTAINERS=3");
	make(&m, APP_DOCKERFILE, "", NULL);
	assert_int_equal(m.complaints.n, 0);
	has(&m, "\"environment\":{\"CONTAINER_NAME\":\"app\",\"PORT\":\"8080\"}");
	has(&m, "\"mem_limit\":\"512m\"");
	has(&m, "\"x-pgo-app\":{\"kind\":\"dockerfile\",\"worker\":false,\"port\":\"8080\",\"check\":\"/healthz\"}");
}

static void
a_port_var_of_the_apps_own_stays(void **state)
{
	auto_made struct made m = MADE_INIT;

	(void)state;
	strv_add(&m.vars, "HTTP_PORT=8080");
	strv_add(&m.vars, "PORT=9090");
	make(&m, APP_DOCKERFILE, "", NULL);
	has(&m, "\"PORT\":\"9090\"");
	has_not(&m, "\"PORT\":\"8080\"");
}

static void
wishes_that_are_none_are_refused(void **state)
{
	static const char *const vars[] = {"HTTP_PORT=", "HTTP_PORT=http", "HTTP_PORT=0", "HTTP_PORT=65536",
	    "HTTP_PORT=80,81", "CUSTOM_CHECK=http://metadata/", "CUSTOM_CHECK=", "CUSTOM_CHECK=/a b",
	    "CUSTOM_CHECK=/\r\nHost: x", "MEMORY_LIMIT=", "MEMORY_LIMIT=lots", "MEMORY_LIMIT=-1", "MEMORY_LIMIT=1mm"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vars); i++) {
		auto_made struct made m = MADE_INIT;

		strv_add(&m.vars, vars[i]);
		make(&m, APP_DOCKERFILE, "", NULL);
		if (m.complaints.n != 1)
			fail_msg("%s: %zu complaints", vars[i], m.complaints.n);
	}
}

static void
a_site_is_served_by_the_administrators_image(void **state)
{
	auto_made struct made m = MADE_INIT;
	auto_made struct made without = MADE_INIT;

	(void)state;
	make(&m, APP_STATIC, "", "web:1");
	assert_int_equal(m.complaints.n, 0);
	has(&m, "\"build\":{\"context\":\".\",\"dockerfile_inline\":\"FROM web:1 AS pgo-site\\u000a");
	has(&m, "FROM web:1\\u000aCOPY --from=pgo-site /pgo-site/ /usr/share/nginx/html/\\u000a\"}");
	make(&without, APP_STATIC, "", NULL);
	assert_int_equal(without.complaints.n, 1);
	assert_non_null(strstr(without.complaints.v[0], "static_image"));
}

/* Golden: the file "www.a.com\nb.a.com" is -h b.a.com to octohost, once its last line has an end. */
static void
the_last_line_of_cname_is_the_name_of_the_host(void **state)
{
	static const struct {
		const char *cname;
		const char *hostname;
	} cases[] = {{"www.a.com\nb.a.com\n", "b.a.com"}, {"www.a.com\nb.a.com", "b.a.com"},
	    {" www.a.com \r\n\n# b.a.com\r\n", "www.a.com"}, {"www.a.com\n*.a.com\n", "www.a.com"}, {"*.a.com", NULL},
	    {"", NULL}, {"\n \n", NULL}, {"no name\n", NULL},
	    {"a.b\n0123456789012345678901234567890123456789.0123456789012345678901234567890.com\n", "a.b"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *found = appmodel_hostname(cases[i].cname);

		if (cases[i].hostname == NULL)
			assert_null(found);
		else
			assert_string_equal(found, cases[i].hostname);
	}
}

static void
a_compose_app_gets_nothing_but_its_wishes(void **state)
{
	auto_made struct made m = MADE_INIT;

	(void)state;
	strv_add(&m.vars, "HTTP_PORT=8080");
	strv_add(&m.vars, "NO_HTTP_PROXY=1");
	make(&m, APP_COMPOSE, "", NULL);
	assert_string_equal(buf_str(&m.text),
	    "{\"x-pgo-app\":{\"kind\":\"compose\",\"worker\":true,\"port\":\"8080\",\"check\":\"\"}}\n");
}

static void
compose_itself_takes_no_orders_from_vars(void **state)
{
	(void)state;
	assert_false(appvars_may_interpolate("LD_PRELOAD=x"));
	assert_false(appvars_may_interpolate("COMPOSE_FILE=x"));
	assert_false(appvars_may_interpolate("DOCKER_CONFIG=x"));
	assert_false(appvars_may_interpolate("GODEBUG=x"));
	assert_false(appvars_may_interpolate("HOME=x"));
	assert_true(appvars_may_interpolate("HOMEPAGE=x"));
	assert_true(appvars_may_interpolate("TAG=1"));
}

static void
names_of_vars(void **state)
{
	(void)state;
	assert_true(appvars_ok("A="));
	assert_true(appvars_ok("_a1=x=y"));
	assert_false(appvars_ok("A"));
	assert_false(appvars_ok("=x"));
	assert_false(appvars_ok("1A=x"));
	assert_false(appvars_ok("A B=x"));
	assert_false(appvars_ok("A\"=x"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_plain_dockerfile_is_one_service_built_from_the_commit),
	    cmocka_unit_test(directives_mean_what_they_mean_to_octohost),
	    cmocka_unit_test(a_directive_is_a_whole_word_at_the_beginning_of_a_line),
	    cmocka_unit_test(a_directive_that_is_not_allowed_is_refused_by_name_and_line),
	    cmocka_unit_test(arguments_that_make_no_sense_are_refused_by_line),
	    cmocka_unit_test(config_vars_are_the_environment_byte_for_byte),
	    cmocka_unit_test(what_is_no_text_is_refused_by_the_name_of_its_var),
	    cmocka_unit_test(reserved_vars_speak_of_the_app_and_are_not_its_own),
	    cmocka_unit_test(a_port_var_of_the_apps_own_stays),
	    cmocka_unit_test(wishes_that_are_none_are_refused),
	    cmocka_unit_test(a_site_is_served_by_the_administrators_image),
	    cmocka_unit_test(the_last_line_of_cname_is_the_name_of_the_host),
	    cmocka_unit_test(a_compose_app_gets_nothing_but_its_wishes),
	    cmocka_unit_test(compose_itself_takes_no_orders_from_vars),
	    cmocka_unit_test(names_of_vars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
