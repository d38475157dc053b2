/* octohost's config:options, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/auto.h"
#include "compose/model.h"
#include "compose/runline.h"

static void
expect(const char *service, const char *want)
{
	auto_free char *text = str_printf("{\"services\":{\"web\":{%s}}}", service);
	auto_json json_t *model = model_parse(text, strlen(text), NULL);
	auto_free char *line = NULL;

	assert_non_null(model);
	line = model_runline(model, "web");
	assert_string_equal(line, want);
}

static void
a_plain_dockerfile(void **state)
{
	(void)state;
	/* octohost's -P, which publishes all ports, is for a proxy that finds no containers. */
	expect("\"environment\":{\"CONTAINER_NAME\":\"app\"}", "-d -e CONTAINER_NAME=app");
}

static void
all_directives(void **state)
{
	(void)state;
	expect("\"hostname\":\"b.a.com\",\"environment\":{\"CONTAINER_NAME\":\"app\"}",
	    "-d -h b.a.com -e CONTAINER_NAME=app");
	expect("\"container_name\":\"app\",\"environment\":{\"CONTAINER_NAME\":\"app\"},"
	       "\"volumes_from\":[\"container:app_data\"],\"external_links\":[\"app_redis:redis\",\"mydb:db\"],"
	       "\"volumes\":[{\"type\":\"bind\",\"source\":\"/data\",\"target\":\"/data\"},"
	       "{\"type\":\"bind\",\"source\":\"/a\",\"target\":\"/b\"}],"
	       "\"ports\":[{\"target\":80,\"published\":\"8080\",\"protocol\":\"tcp\",\"host_ip\":\"0.0.0.0\"},"
	       "{\"target\":53,\"published\":\"53\",\"protocol\":\"udp\",\"host_ip\":\"10.0.0.1\"}]",
	    "-p 10.0.0.1:53:53/udp -p 0.0.0.0:8080:80 -v /a:/b -v /data:/data -d -e CONTAINER_NAME=app --name app "
	    "--volumes-from app_data --link app_redis:redis --link mydb:db");
}

static void
variables_are_named_and_not_shown(void **state)
{
	(void)state;
	expect(
	    "\"mem_limit\":\"536870912\",\"environment\":{\"TOKEN\":\"hunter22\",\"A\":null,\"CONTAINER_NAME\":\"app\"}",
	    "--memory=536870912 -d -e CONTAINER_NAME=app -e A -e TOKEN");
}

static void
what_is_foreign_is_escaped(void **state)
{
	(void)state;
	expect("\"volumes\":[{\"type\":\"bind\",\"source\":\"/a$$b\\u001b[2J\",\"target\":\"/b\",\"read_only\":true},"
	       "{\"type\":\"tmpfs\",\"target\":\"/t\"}],\"external_links\":[1]",
	    "-v /a$b\\x1b[2J:/b:ro -d");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_plain_dockerfile),
	    cmocka_unit_test(all_directives),
	    cmocka_unit_test(variables_are_named_and_not_shown),
	    cmocka_unit_test(what_is_foreign_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
