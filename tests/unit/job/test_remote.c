/* ls-remote and fetch against real repositories, healthy and not. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

static void
assert_out_is_oid(struct fx *fx, const char *oid)
{
	auto_free char *line = str_printf("%s\n", oid);

	assert_string_equal(buf_str(&fx->out), line);
}

static void
assert_fetches(struct fx *fx, const char *oid)
{
	int r = fx_job(fx, "fetch", NULL);

	if (r != 0)
		fail_msg("fetch: status %d: %s", r, buf_str(&fx->err));
	assert_out_is_oid(fx, oid);
}

static void
ls_remote_prints_the_branch(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx, "echo 1 >a");

	/* A ref that ends or begins like ours must not be taken for it. */
	fx_do(fx, "cd work; echo 2 >a; git commit -qam 2; git push -q ../r.git HEAD:refs/heads/a/refs/heads/main "
		  "HEAD:main-2 HEAD:mai");
	assert_int_equal(fx_job(fx, "ls-remote", NULL), 0);
	assert_out_is_oid(fx, oid);
	fx_do(fx, "git -C r.git update-ref -d refs/heads/main");
	assert_int_equal(fx_job(fx, "ls-remote", NULL), 3);
}

static void
a_repository_on_this_machine_is_found_however_its_url_is_written(void **state)
{
	static const char *const ways[][2] = {{"", "/r.git"}, {"", "/r"}, {"file://", "/r.git"}, {"FILE://", "/r.git"},
	    {"file://", "/%72.git"}, {"", "/./r.git"}, {"", "/work"}, {"", "/it's a $(touch x).git"},
	    {"", "/50%72.git"}};
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx, "echo 1 >a");

	fx_do(fx, "ln -s r.git \"it's a \\$(touch x).git\"; ln -s r.git 50%72.git");
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		auto_free char *url = str_printf("%s%s%s", ways[i][0], fx->dir, ways[i][1]);

		fx_env(fx, "PGO_URL", url);
		if (fx_job(fx, "ls-remote", NULL) != 0)
			fail_msg("%s: %s", url, buf_str(&fx->err));
		assert_out_is_oid(fx, oid);
	}
	fx_assert_missing(fx, "x");
}

static void
a_vanished_branch_is_3_an_empty_repository_4_a_gone_one_1(void **state)
{
	struct fx *fx = *state;

	assert_int_equal(fx_job(fx, "ls-remote", NULL), 4);
	fx_assert_said(fx, "is empty");
	assert_int_equal(fx_job(fx, "fetch", NULL), 4);
	auto_free char *oid = fx_commit(fx, "echo 1 >a");
	assert_fetches(fx, oid);
	fx_do(fx, "cd work; git push -q ../r.git HEAD:other; git push -q ../r.git :main 2>/dev/null || "
		  "git -C ../r.git update-ref -d refs/heads/main");
	assert_int_equal(fx_job(fx, "ls-remote", NULL), 3);
	fx_assert_said(fx, "has no branch \"main\"");
	assert_int_equal(fx_job(fx, "fetch", NULL), 3);
	fx_do(fx, "mv r.git gone.git");
	assert_int_equal(fx_job(fx, "ls-remote", NULL), 1);
	fx_assert_said(fx, "cannot read ");
	assert_int_equal(fx_job(fx, "fetch", NULL), 1);
	/* None of that took what was fetched before. */
	fx_do(fx, "git --git-dir repo rev-parse --verify -q refs/pgo/tracked");
}

static void
a_branch_that_is_a_refspec_is_refused(void **state)
{
	struct fx *fx = *state;

	fx_env(fx, "PGO_BRANCH", "main:refs/heads/x");
	assert_int_equal(fx_job(fx, "fetch", NULL), 1);
	fx_assert_said(fx, "cannot be the name of a branch");
	fx_env(fx, "PGO_BRANCH", "--upload-pack=touch");
	assert_int_equal(fx_job(fx, "ls-remote", NULL), 1);
}

static void
fetch_is_shallow_and_follows_a_force_push(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "echo 1 >a");
	auto_free char *two = fx_commit(fx, "echo 2 >a");
	auto_free char *other = NULL, *count = NULL;

	assert_fetches(fx, two);
	count = fx_sh(fx, "git --git-dir repo rev-list --count refs/pgo/tracked");
	assert_string_equal(count, "1");
	fx_do(fx, "cd work; git checkout -q --orphan new");
	other = fx_commit(fx, "echo 3 >a");
	assert_fetches(fx, other);
	fx_do(fx, "git -C r.git update-ref refs/heads/main main~0");
	assert_fetches(fx, other);
	assert_string_not_equal(one, other);
}

static void
a_changed_url_is_followed(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx, "echo 1 >a");
	auto_free char *url = str_printf("file://%s/second.git", fx->dir);
	auto_free char *second = NULL;

	assert_fetches(fx, oid);
	second = fx_sh(fx, "git init -q -b main w2; cd w2; echo x >b; git add b; git commit -qm b;"
			   "git clone -q --bare . ../second.git; git rev-parse HEAD");
	fx_env(fx, "PGO_URL", url);
	assert_fetches(fx, second);
}

static void
a_repository_with_sha256_is_followed(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx, "echo 1 >a");
	auto_free char *url = str_printf("%s/s.git", fx->dir);
	auto_free char *second = NULL;

	assert_fetches(fx, oid);
	second =
	    fx_sh(fx, "git init -q --object-format=sha256 -b main w2; cd w2; echo x >b; git add b; git commit -qm b;"
		      "git clone -q --bare . ../s.git; git rev-parse HEAD");
	assert_int_equal(strlen(second), 64);
	fx_env(fx, "PGO_URL", url);
	assert_fetches(fx, second);
	assert_int_equal(fx_job(fx, "stage", second), 0);
	assert_int_equal(fx_job(fx, "checkout", second), 0);
	fx_assert_file(fx, "live/b", "x");
}

static void
stale_locks_hold_nothing_up(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "echo 1 >a");
	auto_free char *two = NULL;

	fx_deploy(fx, one);
	fx_do(fx, "cd repo; touch shallow.lock HEAD.lock packed-refs.lock refs/pgo/tracked.lock refs/pgo/live.lock "
		  "pgo-live.index.lock pgo-live.index.new.lock pgo-stage.index.lock objects/pack/tmp_pack_xyz "
		  "config.lock gc.pid.lock");
	two = fx_commit(fx, "echo 2 >a");
	fx_deploy(fx, two);
	fx_assert_file(fx, "live/a", "2");
	fx_assert_missing(fx, "repo/objects/pack/tmp_pack_xyz");
	/* The locks of a verb's own files are cleared by that verb, too. */
	fx_do(fx, "cd repo; touch pgo-live.index.lock pgo-stage.index.lock refs/pgo/live.lock; echo edit >../live/a");
	assert_int_equal(fx_job(fx, "checkout", two), 0);
	fx_assert_file(fx, "live/a", "2");
}

static void
a_corrupt_object_store_is_fetched_anew_and_kept_edits_survive(void **state)
{
	static const char *const damages[] = {
	    "cd repo; for f in objects/pack/*.pack; do chmod u+w $f; echo garbage >$f; done",
	    "rm -rf repo/objects/pack/*",
	    "rm -rf repo/objects",
	    "echo nonsense >repo/HEAD",
	    "echo nonsense >repo/refs/pgo/tracked",
	};
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "echo 1 >a; seq 1000 >b");

	fx_deploy(fx, one);
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		auto_free char *script = str_printf("echo %zu >a", i + 2);
		auto_free char *next = NULL;

		fx_do(fx, damages[i]);
		next = fx_commit(fx, script);
		fx_do(fx, "echo data >live/untracked");
		fx_deploy(fx, next);
		fx_assert_file(fx, "live/untracked", "data");
		fx_do(fx, "git --git-dir repo fsck 2>&1; set -- repo/broken-*; [ ! -e \"$1\" ]");
	}
	/* With readable kept refs: they come over. */
	auto_free char *last = fx_commit(fx, "echo last >a");
	fx_do(fx, "echo precious >>live/a");
	fx_deploy(fx, last);
	assert_non_null(strstr(buf_str(&fx->out), "kept refs/pgo/kept/"));
	fx_do(fx,
	    "touch repo/pgo-broken; printf 1 >repo/pgo-broken;"
	    "o=$(git --git-dir repo rev-parse refs/pgo/tracked:b); git --git-dir repo cat-file blob $o >/dev/null;"
	    "git --git-dir repo update-ref refs/pgo/junk $(git --git-dir repo rev-parse refs/pgo/live);"
	    "echo 1111111111111111111111111111111111111111 >repo/refs/pgo/junk");
	assert_fetches(fx, last);
	fx_do(fx,
	    "git --git-dir repo for-each-ref --format='%(refname):a' refs/pgo/kept | xargs git --git-dir repo show |"
	    "grep precious");
}

static void
damage_that_stage_finds_is_mended_by_the_next_fetch(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx, "seq 5000 >big");

	assert_fetches(fx, oid);
	/* A byte in the middle of the pack rots: connectivity is still there. */
	fx_do(fx, "cd repo/objects/pack; chmod u+w *.pack; s=$(stat -c %s *.pack);"
		  "printf '\\377\\377\\377\\377' | dd of=$(echo *.pack) bs=1 seek=$((s / 2)) conv=notrunc 2>/dev/null");
	assert_int_equal(fx_job(fx, "stage", oid), 1);
	assert_fetches(fx, oid);
	assert_int_equal(fx_job(fx, "stage", oid), 0);
	fx_assert_missing(fx, "repo/pgo-broken");
}

/* A git that only writes down what it was given. */
static void
fake_git(struct fx *fx)
{
	auto_free char *path = str_printf("%s/bin:/usr/bin:/bin", fx->dir);

	fx_do(fx, "mkdir bin; cat >bin/git <<'EOS'\n#!/bin/sh\nd=$(dirname \"$0\")\n"
		  "printf '%s\\n' \"$@\" >>\"$d/argv\"\nenv >>\"$d/env\"\n"
		  "echo 'fatal: bad header Authorization: Basic c2VjcmV0OnBhc3M=' >&2\n"
		  "printf 'remote: \\033[31mred\\a\\n' >&2\nexit 128\nEOS\nchmod +x bin/git");
	fx_env(fx, "PATH", path);
}

static void
the_secret_is_in_gits_environment_only(void **state)
{
	struct fx *fx = *state;

	fake_git(fx);
	fx_env(fx, "PGO_URL", "https://host.example:8443/a/b.git");
	fx_env(fx, "PGO_AUTH", "c2VjcmV0OnBhc3M=");
	assert_int_equal(fx_job(fx, "ls-remote", NULL), 1);
	fx_do(fx,
	    "grep -qx 'GIT_CONFIG_KEY_0=http.https://host.example:8443/.extraHeader' bin/env;"
	    "grep -qx 'GIT_CONFIG_VALUE_0=Authorization: Basic c2VjcmV0OnBhc3M=' bin/env;"
	    "grep -qx 'GIT_CONFIG_KEY_1=http.followRedirects' bin/env; grep -qx 'GIT_CONFIG_VALUE_1=false' bin/env;"
	    "grep -qx 'GIT_TERMINAL_PROMPT=0' bin/env; ! grep -q PGO_ bin/env; ! grep -q c2Vj bin/argv;"
	    "grep -qx -e -- bin/argv");
	assert_null(strstr(buf_str(&fx->err), "c2VjcmV0"));
	assert_null(strchr(buf_str(&fx->err), '\033'));
	assert_null(strchr(buf_str(&fx->err), '\a'));
	fx_assert_said(fx, "cannot read https://host.example:8443/a/b.git: bad header");
	assert_true(fx->err.len < 800);
}

static void
wrong_credentials_and_none_are_told_apart(void **state)
{
	struct fx *fx = *state;
	auto_free char *path = str_printf("%s/bin:/usr/bin:/bin", fx->dir);

	fx_do(fx,
	    "mkdir bin; cat >bin/git <<'EOS'\n#!/bin/sh\n"
	    "echo \"fatal: could not read Username for 'https://h': terminal prompts disabled\" >&2\nexit 128\nEOS\n"
	    "chmod +x bin/git");
	fx_env(fx, "PATH", path);
	fx_env(fx, "PGO_URL", "https://h/a.git");
	assert_int_equal(fx_job(fx, "ls-remote", NULL), 1);
	fx_assert_said(fx, "the server wants a user name and password");
	fx_env(fx, "PGO_AUTH", "c2VjcmV0OnBhc3M=");
	assert_int_equal(fx_job(fx, "ls-remote", NULL), 1);
	fx_assert_said(fx, "the server does not accept the user name and password");
}

static void
a_verb_that_needs_no_secret_gets_none(void **state)
{
	struct fx *fx = *state;

	fake_git(fx);
	fx_env(fx, "PGO_AUTH", "c2VjcmV0OnBhc3M=");
	assert_int_equal(fx_job(fx, "keys", "1111111111111111111111111111111111111111"), 1);
	fx_do(fx, "! grep -q c2Vj bin/env; ! grep -q c2Vj bin/argv");
}

static void
wrong_usage_is_2(void **state)
{
	struct fx *fx = *state;

	assert_int_equal(fx_job(fx, "nonsense", NULL), 2);
	assert_int_equal(fx_job(fx, "stage", NULL), 2);
	assert_int_equal(fx_job(fx, "stage", "--help"), 2);
	fx_env(fx, "PGO_LIVE", "relative");
	assert_int_equal(fx_job(fx, "stage", "1111111111111111111111111111111111111111"), 2);
}

static void
years_of_polling_do_not_pile_up(void **state)
{
	struct fx *fx = *state;
	auto_free char *packs = NULL;

	for (int i = 0; i < 14; i++) {
		auto_free char *script = str_printf("echo %d >a", i);
		auto_free char *oid = fx_commit(fx, script);

		/* Each day is another day. */
		fx_do(fx, "[ ! -e repo/pgo-maintained ] || touch -d '2 days ago' repo/pgo-maintained;"
			  "find repo -path '*objects*' -type f -exec touch -d '3 weeks ago' {} +");
		assert_fetches(fx, oid);
	}
	packs = fx_sh(fx, "ls repo/objects/pack/*.pack | wc -l");
	assert_true(atoi(packs) < 10);
	fx_do(fx, "[ $(git --git-dir repo count-objects -v | sed -n 's/^in-pack: //p') -lt 30 ]");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(ls_remote_prints_the_branch),
	    TEST(a_repository_on_this_machine_is_found_however_its_url_is_written),
	    TEST(a_vanished_branch_is_3_an_empty_repository_4_a_gone_one_1),
	    TEST(a_branch_that_is_a_refspec_is_refused),
	    TEST(fetch_is_shallow_and_follows_a_force_push),
	    TEST(a_changed_url_is_followed),
	    TEST(a_repository_with_sha256_is_followed),
	    TEST(stale_locks_hold_nothing_up),
	    TEST(a_corrupt_object_store_is_fetched_anew_and_kept_edits_survive),
	    TEST(damage_that_stage_finds_is_mended_by_the_next_fetch),
	    TEST(the_secret_is_in_gits_environment_only),
	    TEST(wrong_credentials_and_none_are_told_apart),
	    TEST(a_verb_that_needs_no_secret_gets_none),
	    TEST(wrong_usage_is_2),
	    TEST(years_of_polling_do_not_pile_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
