/* Which app a branch becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "core/push_branch.h"

static void
becomes(const char *app, const char *branch, const char *name)
{
	char got[APPNAME_MAX + 1] = "";
	struct err err = ERR_INIT;

	assert_true(push_branch_app(app, branch, got, &err) >= 0);
	assert_string_equal(got, name);
}

static void
a_branch_has_a_name_that_a_host_can_have(void **state)
{
	(void)state;
	becomes("app", "feat-x", "app-feat-x");
	becomes("app", "b/2", "app-b-2");
	becomes("shop.eu", "Fix_Login", "shop.eu-fix-login");
	becomes("app", "v1.2", "app-v1.2");
	becomes("app", "a;b|c", "app-a-b-c");
}

static void
is_refused(const char *branch, const char *word)
{
	char got[APPNAME_MAX + 1] = "before";
	struct err err = ERR_INIT;

	assert_true(push_branch_app("app", branch, got, &err) < 0);
	assert_string_equal(got, "before");
	if (strstr(err.msg, word) == NULL)
		fail_msg("no \"%s\" in: %s", word, err.msg);
}

static void
what_no_app_can_be_called_is_refused_by_its_name(void **state)
{
	(void)state;
	is_refused("x.git", "app-x.git");
	is_refused("a..b", "app-a..b");
	is_refused("a.-b", "another name");
	is_refused("a-very-long-name-of-a-branch-that-goes-on-and-on-and-on-and-on-and-on", "another name");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_branch_has_a_name_that_a_host_can_have),
	    cmocka_unit_test(what_no_app_can_be_called_is_refused_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
