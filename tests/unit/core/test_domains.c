/* Which host names an app has, and whose the others are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "core/cname.h"
#include "core/domains.h"

#define ZONE "1.2.3.4.xip.io"

static void
expect_names(const struct strv *names, const char *want)
{
	auto_buf struct buf text = BUF_INIT(4096);

	for (size_t i = 0; i < names->n; i++)
		buf_printf(&text, "%s%s", i == 0 ? "" : " ", names->v[i]);
	assert_string_equal(buf_str(&text), want);
}

static void
a_file_is_read_as_people_write_it(void **state)
{
	static const char *const rows[][2] = {
	    {"www.a.com\nb.a.com", "www.a.com b.a.com"},
	    {"www.a.com\r\nb.a.com\r\n", "www.a.com b.a.com"},
	    {"\n# ours\n  www.a.com \n\n\t\r\n#x.a.com\n*.c.com\nwww.a.com\n", "www.a.com *.c.com"},
	    {"", ""},
	    {"\n", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_cname struct cname c = {0};
		struct err err = ERR_INIT;

		assert_int_equal(cname_parse(rows[i][0], strlen(rows[i][0]), &c, &err), 0);
		expect_names(&c.names, rows[i][1]);
	}
}

static void
a_line_that_is_no_name_is_told_with_its_number(void **state)
{
	static const char *const rows[][2] = {
	    {"www.a.com\n\nhttp://b.a.com\n", "CNAME:3: http://b.a.com is more than a host name"},
	    {"www.a.com b.a.com", "CNAME:1: www.a.com b.a.com is no host name"},
	    {"Www.a.com", "CNAME:1: Www.a.com has capital letters"},
	    {"a.com { }", "CNAME:1: a.com { } is no host name"},
	    {"a.com\x1b[2J", "CNAME:1: a.com\\x1b[2J is no host name"},
	    {"\xef\xbb\xbf"
	     "a.com",
		"is no host name"},
	};
	auto_buf struct buf many = BUF_INIT(1 << 16);
	struct cname c = {0};
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(cname_parse(rows[i][0], strlen(rows[i][0]), &c, &err), -EINVAL);
		if (strstr(err.msg, rows[i][1]) == NULL)
			fail_msg("%s instead of %s", err.msg, rows[i][1]);
	}
	assert_true(cname_parse("a.com\0\n", 7, &c, &err) < 0);
	assert_string_equal(err.msg, "CNAME:1: this is not a line of text");
	for (int i = 0; i <= CNAME_NAMES_MAX; i++)
		buf_printf(&many, "a%d.example\n", i);
	assert_true(cname_parse(buf_str(&many), many.len, &c, &err) < 0);
	assert_string_equal(err.msg, "CNAME:257: more than 256 names are not allowed");
	assert_null(c.names.v);
}

static void
expect(const struct domains *t, const char *app, const char *name, const char *want)
{
	struct err err = ERR_INIT;
	int rc = domains_judge(t, app, name, &err);

	assert_int_equal(rc, want == NULL ? 0 : -EEXIST);
	if (want != NULL && !str_eq(err.msg, want))
		fail_msg("%s instead of %s", err.msg, want);
}

static void
a_name_has_one_owner(void **state)
{
	auto_domains struct domains t = {.zone = str_dup(ZONE)};
	auto_strv struct strv urls = {0};

	(void)state;
	strv_add(&urls, "https://Shop.example.org:8443/x web:80");
	strv_add(&urls, "*.shop.example web:80");
	strv_add(&urls, ":8080 web:80");
	domains_add_urls(&t, "shop", &urls);
	domains_add(&t, "blog", "blog." ZONE);
	domains_add(&t, "blog", "www.a.com");
	domains_add(&t, "blog", "*.b.com");
	expect(&t, "blog", "www.a.com", NULL);
	expect(&t, "blog", "*.b.com", NULL);
	expect(&t, "app", "b.a.com", NULL);
	expect(&t, "app", "www.a.com", "www.a.com belongs to the app blog");
	expect(&t, "app", "x.b.com", "x.b.com is among *.b.com, which belongs to the app blog");
	expect(&t, "app", "*.a.com", "*.a.com would stand for www.a.com, which belongs to the app blog");
	expect(&t, "app", "x.y.b.com", NULL);
	expect(&t, "app", "b.com", NULL);
	expect(&t, "app", "shop.example.org", "shop.example.org belongs to the service shop (urls)");
	expect(&t, "app", "x.shop.example",
	    "x.shop.example is among *.shop.example, which belongs to the service shop (urls)");
	expect(&t, "shop", "shop.example.org", NULL);
}

static void
what_lies_in_the_zone_is_for_the_apps_of_that_name(void **state)
{
	auto_domains struct domains t = {.zone = str_dup(ZONE)}, none = {0};
	auto_free char *own = domains_own(ZONE, "app");

	(void)state;
	assert_string_equal(own, "app." ZONE);
	assert_null(domains_own(ZONE, "a..b"));
	assert_null(domains_own(NULL, "app"));
	expect(&t, "app", "app." ZONE, NULL);
	expect(&t, "app", ZONE, NULL);
	expect(&t, "app", "blog." ZONE, "blog." ZONE " is kept for an app called blog");
	expect(&t, "app", "x.app." ZONE, "x.app." ZONE " is kept for an app called x.app");
	expect(&t, "app", "*." ZONE, "*." ZONE " would stand for the names of other apps");
	expect(&t, "app", "*.app." ZONE, "*.app." ZONE " would stand for the names of other apps");
	expect(&none, "app", "blog." ZONE, NULL);
}

static void
each_host_has_one_row(void **state)
{
	auto_domains struct domains t = {.zone = str_dup(ZONE)};
	auto_strv struct strv urls = {0}, seen = {0};

	(void)state;
	strv_add(&urls, "c.com web:80");
	strv_add(&urls, "c.com/x web:81");
	domains_add(&t, "app", "c.com");
	domains_add(&t, "app", "b.com");
	domains_add(&t, "app", "b.com");
	domains_add(&t, "blog", "b.com");
	domains_add(&t, "blog", "a.com");
	domains_add_urls(&t, "shop", &urls);
	domains_settle(&t);
	for (size_t i = 0; i < t.n; i++)
		strv_add_take(&seen, str_printf("%s=%s", t.v[i].host, t.v[i].service));
	expect_names(&seen, "a.com=blog b.com=app c.com=shop");
	domains_settle(&(struct domains){0});
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file_is_read_as_people_write_it),
	    cmocka_unit_test(a_line_that_is_no_name_is_told_with_its_number),
	    cmocka_unit_test(a_name_has_one_owner),
	    cmocka_unit_test(what_lies_in_the_zone_is_for_the_apps_of_that_name),
	    cmocka_unit_test(each_host_has_one_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
