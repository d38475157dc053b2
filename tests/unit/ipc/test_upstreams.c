#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "ipc/upstreams.h"

static void
what_is_packed_comes_out(void **state)
{
	static const char text[] = "10.1.2.3 fd00::2\n\n127.0.0.1\n";
	auto_upstreams struct upstreams u = {0};
	auto_buf struct buf b = BUF_INIT(UPSTREAMS_BYTES);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(upstreams_unpack(text, strlen(text), 3, &u, &err), 0);
	assert_int_equal(u.v[0].n, 2);
	assert_int_equal(u.v[1].n, 0);
	assert_string_equal(u.v[2].v[0], "127.0.0.1");
	upstreams_pack(&u, &b);
	assert_string_equal(buf_str(&b), text);
}

static void
nothing_but_addresses_of_containers_gets_in(void **state)
{
	static const char *const bad[] = {"", "10.1.2.3", "\n\n", "10.1.2.3:80\n", "example.org\n", "10.1.2.3 \n",
	    " 10.1.2.3\n", "10.1.2.3  10.1.2.4\n", "10.1.2.3 10.1.2.3\n", "10.1.2.3;\n", "0.0.0.0\n",
	    "169.254.169.254\n", "224.0.0.1\n", "127.0.0.2\n", "255.255.255.255\n", "::\n", "fe80::1\n", "ff02::1\n",
	    "::ffff:10.0.0.1\n", "fd00::2%eth0\n", "[fd00::2]\n", "unix:/run/docker.sock\n", "010.1.2.3\n", "1.2.3\n",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"};
	auto_buf struct buf many = BUF_INIT(1 << 16);

	(void)state;
	for (size_t i = 0; i <= ARRAY_LEN(bad); i++) {
		struct upstreams u = {0};
		struct err err = ERR_INIT;
		const char *text = i < ARRAY_LEN(bad) ? bad[i] : buf_str(&many);

		if (i == ARRAY_LEN(bad)) {
			for (int k = 0; k <= UPSTREAMS_EACH_MAX; k++)
				buf_printf(&many, "%s10.1.2.%d", k == 0 ? "" : " ", k + 1);
			buf_str_add(&many, "\n");
			text = buf_str(&many);
		}
		if (upstreams_unpack(text, strlen(text), 1, &u, &err) == 0)
			fail_msg("accepted: %s", text);
		assert_null(u.v);
	}
	assert_true(upstream_ok("::1"));
	assert_int_equal(
	    upstreams_unpack("10.1.2.3\0\n", 10, 1, &(struct upstreams){0}, &(struct err)ERR_INIT), -EBADMSG);
}

static void
routes_of_apps_come_behind(void **state)
{
	static const char text[] =
	    "10.1.2.3\n*.a.com 80\na.b.com 65535 10.1.2.4 fd00::2\napp.1.2.3.4.sslip.io 5000 127.0.0.1\n";
	auto_upstreams struct upstreams u = {0};
	auto_buf struct buf b = BUF_INIT(UPSTREAMS_BYTES);

	(void)state;
	assert_int_equal(upstreams_unpack(text, strlen(text), 1, &u, NULL), 0);
	assert_int_equal(u.napps, 3);
	assert_string_equal(u.apps[0].host, "*.a.com");
	assert_int_equal(u.apps[0].to.n, 0);
	assert_int_equal(u.apps[1].port, 65535);
	assert_string_equal(u.apps[1].to.v[1], "fd00::2");
	upstreams_pack(&u, &b);
	assert_string_equal(buf_str(&b), text);
}

/* Core may be anybody's: pgod writes none of this into a file that a proxy reads as root. */
static void
no_other_name_or_port_gets_in(void **state)
{
	static const char *const bad[] = {"a.com\n", "a.com \n", "a.com 0\n", "a.com 080\n", "a.com +80\n",
	    "a.com 65536\n", "a.com 80 \n", "a.com 80  10.1.2.3\n", "a.com  80\n", " a.com 80\n", "a.com 80",
	    "a.com 80 b.com\n", "A.com 80\n", "localhost 80\n", "a.com; 80\n", "a.com{ 80\n", "a.com:80 80\n",
	    "10.1.2.3 80\n", "a..com 80\n", "a.com 80\na.com 81\n", "b.com 80\na.com 80\n", "a.com 80\n\n",
	    "\na.com 80\n", "a.com\t80\n", "a.com 80 169.254.169.254\n", "# a.com 80\n", "*.com 80\n", "* 80\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct upstreams u = {0};

		if (upstreams_unpack(bad[i], strlen(bad[i]), 0, &u, NULL) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_null(u.apps);
	}
	assert_true(upstreams_unpack("a.com\0 80\n", 10, 0, &(struct upstreams){0}, NULL) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_packed_comes_out),
	    cmocka_unit_test(nothing_but_addresses_of_containers_gets_in),
	    cmocka_unit_test(routes_of_apps_come_behind),
	    cmocka_unit_test(no_other_name_or_port_gets_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
