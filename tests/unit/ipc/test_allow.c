/* The words of the key `allow`: what the administrator writes is understood or refused with a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/auto.h"
#include "ipc/allow.h"

static void
an_example_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < allow_table_n; i++) {
		struct err err = ERR_INIT;

		if (allow_check(allow_table[i].example, &err) < 0)
			fail_msg("%s: %s", allow_table[i].example, err.msg);
		assert_non_null(allow_value(allow_table[i].example, allow_table[i].key));
	}
}

static void
a_mistyped_exception_is_taken(void **state)
{
	static const char *const wrong[] = {"", "privilege", "privileged:true", "cap_add",
	    "cap_add:", "cap_add:cap_net_admin", "cap_add:CAP_NET_ADMIN", "cap_add=NET_ADMIN", "volumes", "volumes:srv",
	    "volumes:/srv/../etc", "volumes:/srv/", "volumes:/srv:rw", "ports:0", "ports:65536", "ports:9-8",
	    "ports:80/icmp", "ports", "pid", "name:x", "label:x", "devices:/dev/x\ny", "networks.driver", " privileged",
	    "extends:x", "env_file:x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct err err = ERR_INIT;

		if (allow_check(wrong[i], &err) == 0)
			fail_msg("%s is taken", wrong[i]);
		assert_true(strlen(err.msg) > 10);
	}
}

static void
an_exception_for_one_key_counts_for_another(void **state)
{
	(void)state;
	assert_null(allow_value("volumes.driver:nfs", "volumes"));
	assert_null(allow_value("ipc:host", "i"));
	assert_null(allow_value("pid:host", "ipc"));
	assert_string_equal(allow_value("volumes.driver:nfs", "volumes.driver"), "nfs");
	assert_string_equal(allow_value("privileged", "privileged"), "");
	assert_string_equal(allow_value("security_opt:seccomp:unconfined", "security_opt"), "seccomp:unconfined");
}

static void
a_port_range_is_misread(void **state)
{
	struct allow_ports p;

	(void)state;
	assert_true(allow_ports_parse("8000-8010/udp", &p));
	assert_int_equal(p.first, 8000);
	assert_int_equal(p.last, 8010);
	assert_string_equal(p.protocol, "udp");
	assert_true(allow_ports_parse("65535", &p));
	assert_int_equal(p.last, 65535);
	assert_string_equal(p.protocol, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_example_is_refused),
	    cmocka_unit_test(a_mistyped_exception_is_taken),
	    cmocka_unit_test(an_exception_for_one_key_counts_for_another),
	    cmocka_unit_test(a_port_range_is_misread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
