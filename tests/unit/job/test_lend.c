/* A commit that one service has fetched goes to another: nothing else goes along, and nothing forged comes in. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

/* The repository of the borrower is repo2/. */
static void
as_borrower(struct fx *fx, bool yes)
{
	auto_free char *path = str_printf("%s/%s", fx->dir, yes ? "repo2" : "repo");

	fx_env(fx, "PGO_REPO", path);
}

/* export's output lies in fx->out then. */
static int export(struct fx *fx, const char *operands)
{
	as_borrower(fx, false);
	fx->in = NULL;
	return fx_job(fx, "export", operands);
}

static int
import(struct fx *fx, const char *oid)
{
	auto_free char *pack = malloc(fx->out.len + 1);
	size_t len = fx->out.len;
	int r;

	assert_non_null(pack);
	memcpy(pack, buf_str(&fx->out), len);
	as_borrower(fx, true);
	fx->in = pack;
	fx->in_len = len;
	r = fx_job(fx, "import", oid);
	fx->in = NULL;
	return r;
}

static char *
fetched(struct fx *fx, const char *script)
{
	char *oid = fx_commit(fx, script);

	as_borrower(fx, false);
	if (fx_job(fx, "fetch", NULL) != 0)
		fail_msg("%s", buf_str(&fx->err));
	return oid;
}

static void
lend(struct fx *fx, const char *oid, const char *operands)
{
	auto_free char *line = str_printf("%s\n", oid);

	if (export(fx, operands) != 0 || import(fx, oid) != 0)
		fail_msg("%s", buf_str(&fx->err));
	assert_string_equal(buf_str(&fx->out), line);
	fx_do(fx,
	    "mkdir -p repo2; git --git-dir repo2 fsck --no-dangling; git --git-dir repo2 rev-list --objects refs/pgo/tracked");
}

static void
a_commit_comes_without_the_remote_and_can_be_deployed(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fetched(fx, "seq 2000 >a; echo x >b"), *two = NULL, *both = NULL;
	size_t whole;

	fx_do(fx, "mv r.git gone.git");
	assert_int_equal(export(fx, one), 0);
	whole = fx->out.len;
	lend(fx, one, one);
	fx_do(fx, "mv gone.git r.git");
	two = fetched(fx, "echo y >b");
	both = str_printf("%s %s 1111111111111111111111111111111111111111", two, one);
	assert_int_equal(export(fx, both), 0);
	if (fx->out.len >= whole / 4)
		fail_msg("%zu of %zu", fx->out.len, whole);
	lend(fx, two, both);
	fx_deploy(fx, two);
	fx_assert_file(fx, "live/b", "y");
}

static void
a_deep_repository_lends_one_commit_and_no_history(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = NULL, *count = NULL;

	free(fx_commit(fx, "echo secret >gone"));
	oid = fetched(fx, "rm gone; echo 1 >a");
	fx_do(fx, "git --git-dir repo fetch -q --unshallow $PWD/r.git main");
	lend(fx, oid, oid);
	count = fx_sh(fx, "git --git-dir repo2 cat-file --batch-all-objects --batch-check | wc -l");
	assert_string_equal(count, "3");
	/* And the next fetch from the remote goes on from there. */
	free(fx_commit(fx, "echo 2 >a"));
	as_borrower(fx, true);
	assert_int_equal(fx_job(fx, "fetch", NULL), 0);
	fx_do(fx, "git --git-dir repo2 fsck --no-dangling");
}

static void
what_was_not_asked_for_is_not_taken(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fetched(fx, "echo 1 >a"), *two = fetched(fx, "echo 2 >a");

	assert_int_equal(export(fx, one), 0);
	assert_int_equal(import(fx, two), 1);
	fx_assert_said(fx, "did not send all of the commit");
	fx_do(fx, "! git --git-dir repo2 rev-parse -q --verify refs/pgo/tracked");
}

static void
a_pack_that_was_cut_or_changed_is_refused(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fetched(fx, "seq 2000 >a");

	assert_int_equal(export(fx, one), 0);
	fx->out.data[fx->out.len / 2] ^= 1;
	assert_int_equal(import(fx, one), 1);
	assert_int_equal(export(fx, one), 0);
	fx->out.len /= 2;
	assert_int_equal(import(fx, one), 1);
	fx->out.len = 0;
	assert_int_equal(import(fx, one), 1);
	fx_assert_said(fx, "cannot import the commit");
	fx_do(fx, "! git --git-dir repo2 rev-parse -q --verify refs/pgo/tracked");
}

static void
what_an_account_alone_may_read_is_not_lent(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fetched(fx, "echo 1 >a");

	fx_do(fx, "echo machine h >.netrc");
	fx_env(fx, "PGO_URL", "https://h/a.git");
	assert_int_equal(export(fx, one), 1);
	fx_assert_said(fx, ".netrc");
	/* Those of the configuration are the same for both. */
	fx_env(fx, "PGO_AUTH", "c2VjcmV0OnBhc3M=");
	assert_int_equal(export(fx, one), 0);
}

static void
a_damaged_borrower_is_mended_from_the_remote(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fetched(fx, "echo 1 >a");

	lend(fx, one, one);
	fx_do(fx, "printf 1 >repo2/pgo-broken");
	assert_int_equal(export(fx, one), 0);
	assert_int_equal(import(fx, one), 1);
	fx_assert_said(fx, "damaged");
}

/* The lender sends what the commit's hash covers; submodules come from their own servers. */
static void
a_commit_with_submodules_is_left_to_fetch(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = NULL;

	fx_do(fx,
	    "git init -q --bare -b main s.git; git init -q -b main ws; cd ws; echo s >s; git add s; git commit -qm s; "
	    "git push -q ../s.git main");
	oid = fetched(fx, "printf '[submodule \"x\"]\npath = sub\nurl = ../s.git\n' >.gitmodules; mkdir sub; "
			  "git update-index --add --cacheinfo 160000,$(git -C ../s.git rev-parse main),sub");
	assert_int_equal(export(fx, oid), 0);
	assert_int_equal(import(fx, oid), 1);
	fx_assert_said(fx, "the commit has submodules");
	assert_int_equal(fx_job(fx, "fetch", NULL), 0);
	assert_int_equal(export(fx, oid), 0);
	assert_int_equal(import(fx, oid), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_commit_with_submodules_is_left_to_fetch),
	    TEST(a_commit_comes_without_the_remote_and_can_be_deployed),
	    TEST(a_deep_repository_lends_one_commit_and_no_history),
	    TEST(what_was_not_asked_for_is_not_taken),
	    TEST(a_pack_that_was_cut_or_changed_is_refused),
	    TEST(what_an_account_alone_may_read_is_not_lent),
	    TEST(a_damaged_borrower_is_mended_from_the_remote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
