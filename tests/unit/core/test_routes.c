/* The routes of the host and what a Caddyfile imports of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/auto.h"
#include "conf/routes.h"

static struct strv
list(const char *const *v)
{
	struct strv sv = {NULL, 0};

	for (; *v != NULL; v++)
		strv_add(&sv, *v);
	return sv;
}

/* Two services with routes, and one without between them. */
static struct conf
sample(struct conf_service services[3])
{
	services[0] = (struct conf_service){.name = (char *)"shop",
	    .urls = list((const char *[]){"www.example.org web:8080", "http://Example.org/a/* api.edge:1", NULL})};
	services[1] = (struct conf_service){.name = (char *)"db"};
	services[2] = (struct conf_service){
	    .name = (char *)"blog", .urls = list((const char *[]){"*.blog.org ghost:65535", NULL})};
	return (struct conf){.services = services, .nservices = 3};
}

static void
sample_done(struct conf_service services[3])
{
	for (size_t i = 0; i < 3; i++)
		strv_done(&services[i].urls);
}

static void
a_caddyfile_is_imported_byte_for_byte_as_documented(void **state)
{
	struct conf_service services[3];
	struct conf c = sample(services);
	auto_routes struct routes r = {0};
	auto_buf struct buf text = BUF_INIT(ROUTES_TEXT_MAX);

	(void)state;
	routes_of(&c, &r);
	routes_caddyfile(&r, &text);
	assert_string_equal(buf_str(&text), "www.example.org {\n\treverse_proxy web:8080\n}\n"
					    "http://Example.org/a/* {\n\treverse_proxy api.edge:1\n}\n"
					    "*.blog.org {\n\treverse_proxy ghost:65535\n}\n");
	sample_done(services);
}

static void
without_urls_the_text_is_empty(void **state)
{
	struct conf_service service = {.name = (char *)"db"};
	struct conf c = {.services = &service, .nservices = 1};
	auto_routes struct routes r = {0};
	auto_buf struct buf text = BUF_INIT(ROUTES_TEXT_MAX);

	(void)state;
	routes_of(&c, &r);
	routes_caddyfile(&r, &text);
	assert_int_equal(r.n, 0);
	assert_int_equal(text.len, 0);
}

static void
a_route_knows_its_site_service_and_port(void **state)
{
	struct conf_service services[3];
	struct conf c = sample(services);
	auto_routes struct routes r = {0};

	(void)state;
	routes_of(&c, &r);
	assert_int_equal(r.n, 3);
	assert_string_equal(r.v[1].service, "shop");
	assert_string_equal(r.v[1].site, "http://Example.org/a/*");
	assert_string_equal(r.v[1].address.host, "example.org");
	assert_string_equal(r.v[1].address.path, "/a/*");
	assert_true(r.v[1].address.plain && !r.v[0].address.plain);
	assert_int_equal(r.v[1].address.port, 80);
	assert_string_equal(r.v[1].upstream, "api.edge");
	assert_int_equal(r.v[1].port, 1);
	assert_string_equal(r.v[2].service, "blog");
	sample_done(services);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_caddyfile_is_imported_byte_for_byte_as_documented),
	    cmocka_unit_test(without_urls_the_text_is_empty),
	    cmocka_unit_test(a_route_knows_its_site_service_and_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
