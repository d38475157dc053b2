/* Going back to an earlier commit with what is on this machine. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

/* fetch, stage, and checkout that keeps the commits of `keep` (blanks between them) as well. */
static void
deploy_keeping(struct fx *fx, const char *oid, const char *keep)
{
	auto_free char *operands = str_printf("%s %s", oid, keep);

	if (fx_job(fx, "fetch", NULL) != 0 || fx_job(fx, "stage", oid) != 0 || fx_job(fx, "checkout", operands) != 0)
		fail_msg("%s", buf_str(&fx->err));
}

static void
assert_kept(struct fx *fx, const char *oids)
{
	auto_free char *script = str_printf("for o in %s; do echo $o; done | sort -u", oids);
	auto_free char *expected = fx_sh(fx, script);
	auto_free char *refs = fx_sh(fx, "git --git-dir repo for-each-ref --format='%(refname)' refs/pgo/release |"
					 "sed 's,refs/pgo/release/,,'");

	assert_string_equal(refs, expected);
}

static void
tidy_up(struct fx *fx)
{
	fx_do(fx, "find repo/objects -type f -exec touch -d '3 weeks ago' {} +;"
		  "git --git-dir repo reflog expire --expire=now --all; git --git-dir repo gc -q --prune=now;"
		  "git --git-dir repo fsck --no-dangling");
}

static void
the_first_of_four_commits_comes_back_after_a_force_push_a_gc_and_without_the_remote(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "echo 1 >a; echo only one >b"), *two = NULL, *three = NULL, *four = NULL;
	auto_free char *keep = NULL, *back = NULL;

	deploy_keeping(fx, one, "");
	two = fx_commit(fx, "echo 2 >a; rm b");
	deploy_keeping(fx, two, one);
	three = fx_commit(fx, "echo 3 >a");
	keep = str_printf("%s %s", one, two);
	deploy_keeping(fx, three, keep);
	fx_do(fx, "cd work; git checkout -q --orphan new");
	four = fx_commit(fx, "echo 4 >a");
	fx_do(fx, "git -C r.git reflog expire --expire=now --all; git -C r.git gc -q --prune=now");
	deploy_keeping(fx, four, keep);
	tidy_up(fx);
	fx_do(fx, "rm -rf r.git work");
	fx_assert_file(fx, "live/a", "4");
	back = str_printf("%s %s %s", one, two, four);
	assert_int_equal(fx_job(fx, "stage", one), 0);
	assert_int_equal(fx_job(fx, "checkout", back), 0);
	fx_assert_file(fx, "live/a", "1");
	fx_assert_file(fx, "live/b", "only one");
	assert_kept(fx, back);
}

static void
what_is_not_named_any_more_is_dropped(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "echo 1 >a"), *two = NULL, *both = NULL;

	deploy_keeping(fx, one, "");
	assert_kept(fx, one);
	two = fx_commit(fx, "echo 2 >a");
	deploy_keeping(fx, two, one);
	both = str_printf("%s %s", one, two);
	assert_kept(fx, both);
	/* Also when there is nothing to check out. */
	assert_int_equal(fx_job(fx, "checkout", two), 0);
	assert_kept(fx, two);
}

static void
a_kept_commit_that_damage_has_taken_holds_nothing_up(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "echo 1 >a");

	deploy_keeping(fx, one, "1111111111111111111111111111111111111111");
	fx_assert_said(fx, "commit 111111111111 is no longer here");
	assert_kept(fx, one);
}

static void
a_damaged_repository_loses_no_kept_commit_that_can_still_be_read(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "echo 1 >a"), *two = NULL, *both = NULL;

	deploy_keeping(fx, one, "");
	two = fx_commit(fx, "echo 2 >a");
	deploy_keeping(fx, two, one);
	fx_do(fx, "mkdir -p repo/refs/pgo; echo 1111111111111111111111111111111111111111 >repo/refs/pgo/junk");
	fx_do(fx, "printf 1 >repo/pgo-broken");
	assert_int_equal(fx_job(fx, "fetch", NULL), 0);
	fx_assert_said(fx, "fetched anew");
	both = str_printf("%s %s", one, two);
	assert_kept(fx, both);
	assert_int_equal(fx_job(fx, "stage", one), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(the_first_of_four_commits_comes_back_after_a_force_push_a_gc_and_without_the_remote),
	    TEST(what_is_not_named_any_more_is_dropped),
	    TEST(a_kept_commit_that_damage_has_taken_holds_nothing_up),
	    TEST(a_damaged_repository_loses_no_kept_commit_that_can_still_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
