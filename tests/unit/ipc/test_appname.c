#include "fixture.h"

#include "base/auto.h"
#include "base/str.h"
#include "ipc/appname.h"

#define LONGEST "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
names_that_people_give_are_names(void **state)
{
	static const char *const good[] = {"a", "app", "1994app", "a.b-c", "app-feat-x", "0", LONGEST};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err err = ERR_INIT;
		char service[APPNAME_MAX + 1];
		char back[APPNAME_MAX + 1];

		if (appname_check(good[i], &err) != 0)
			fail_msg("%s %s", good[i], err.msg);
		appname_service(good[i], service);
		assert_true(str_is_service_name(service));
		appname_of_service(service, back);
		assert_string_equal(back, good[i]);
	}
}

static void
what_a_shell_a_path_or_a_host_name_would_take_amiss_is_none(void **state)
{
	static const char *const bad[] = {"TestApp", "test_app", "test/app", "app:latest", "test;id", "test$cmd", "a|b",
	    "a&b", "", ".", "..", "../x", "-x", ".git", LONGEST "a", "\xc3\xbc", "a\nb", "a\x1b", "a b", "a..b", "a.-b",
	    "a-.b", "a-", "a.", ".a", "app.git"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_INIT;

		if (appname_check(bad[i], &err) != -EINVAL || err.msg[0] == '\0')
			fail_msg("%s", bad[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_that_people_give_are_names),
	    cmocka_unit_test(what_a_shell_a_path_or_a_host_name_would_take_amiss_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
