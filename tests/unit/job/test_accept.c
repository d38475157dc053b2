/* accept: the refs of a push move together, once it is known what became of it. */
#include "fixture.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/auto.h"

#define NONE "0000000000000000000000000000000000000000"

static int
accept_refs(struct fx *fx, const char *lines)
{
	int r;

	fx->in = lines;
	fx->in_len = strlen(lines);
	r = fx_job(fx, "accept", NULL);
	fx->in = NULL;
	fx->in_len = 0;
	return r;
}

/* All refs of the repository, a line each. */
static void
refs_are(struct fx *fx, const char *lines)
{
	auto_free char *now = fx_sh(fx, "git --git-dir=repo for-each-ref --format='%(objectname) %(refname)'");

	assert_string_equal(now, lines);
}

/* Two commits in the repository, as a push brings them: nothing but the protecting ref names the second. */
struct pushed {
	char *first, *oid;
};

static void
pushed_done(struct pushed *p)
{
	free(p->first);
	free(p->oid);
}
#define auto_pushed __attribute__((cleanup(pushed_done)))

static struct pushed
push(struct fx *fx)
{
	struct pushed p = {.first = fx_commit(fx, "echo 1 >a")};

	fx_do(fx, "git -C work rev-parse HEAD >first");
	assert_int_equal(fx_job(fx, "fetch", NULL), 0);
	p.oid = fx_commit(fx, "echo 2 >a");
	assert_int_equal(fx_job(fx, "fetch", NULL), 0);
	fx_do(fx, "cd repo; git update-ref refs/pgo/pushed/$(git rev-parse refs/pgo/tracked) refs/pgo/tracked;"
		  "git update-ref -d refs/pgo/tracked");
	return p;
}

static void
a_push_moves_all_its_refs_at_once(void **state)
{
	struct fx *fx = *state;
	auto_pushed struct pushed p = push(fx);
	auto_free char *lines = NULL;
	auto_free char *after = NULL;

	lines = str_printf(NONE " %s refs/heads/main\n" NONE " %s refs/tags/v1\n* %s refs/pgo/tracked\n"
				"* " NONE " refs/pgo/pushed/%s\n",
	    p.oid, p.first, p.oid, p.oid);
	after = str_printf("%s refs/heads/main\n%s refs/pgo/tracked\n%s refs/tags/v1", p.oid, p.oid, p.first);
	/* What an earlier push was. */
	fx_do(fx, "cd repo; git update-ref refs/pgo/tracked $(cat ../first)");
	for (int run = 0; run < 2; run++) { /* a core that died before it heard of it asks again */
		assert_int_equal(accept_refs(fx, lines), 0);
		refs_are(fx, after);
	}
}

static void
a_push_that_is_dropped_leaves_nothing(void **state)
{
	struct fx *fx = *state;
	auto_pushed struct pushed p = push(fx);
	auto_free char *lines = NULL;

	lines = str_printf("* " NONE " refs/pgo/pushed/%s\n", p.oid);
	assert_int_equal(accept_refs(fx, lines), 0);
	refs_are(fx, "");
}

static void
a_branch_that_was_moved_meanwhile_stays_with_all_others(void **state)
{
	struct fx *fx = *state;
	auto_pushed struct pushed p = push(fx);
	auto_free char *lines = NULL;
	auto_free char *after = NULL;

	fx_do(fx, "cd repo; git update-ref refs/heads/main $(git for-each-ref --format='%(objectname)')");
	after = str_printf("%s refs/heads/main\n%s refs/pgo/pushed/%s", p.oid, p.oid, p.oid);
	lines = str_printf(NONE " %s refs/tags/v1\n" NONE " %s refs/heads/main\n", p.oid, p.first);
	assert_int_equal(accept_refs(fx, lines), 6);
	fx_assert_said(fx, "refs/heads/main is at ");
	refs_are(fx, after);
}

static void
what_a_living_push_has_made_is_cleared_away(void **state)
{
	struct fx *fx = *state;
	auto_pushed struct pushed p = push(fx);
	auto_free char *lines = str_printf("* %s refs/heads/main\n", p.oid);
	auto_free char *keep = str_printf("echo receive-pack %d on here >repo/objects/pack/living.keep", (int)getpid());
	auto_free char *path = str_printf("%s/repo", fx->dir);
	auto_close int held = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	fx_do(fx,
	    "mkdir -p repo/objects/pack; cd repo; : >refs/pgo/pushed/x.lock; : >objects/pack/tmp_pack_x;"
	    "echo receive-pack 99999999 on here >objects/pack/dead.keep; echo fetch-pack >objects/pack/other.keep");
	fx_do(fx, keep);
	/* Another branch's hook writes refs down: its locks stay. */
	assert_int_equal(flock(held, LOCK_SH), 0);
	assert_int_equal(accept_refs(fx, lines), 0);
	fx_assert_file(fx, "repo/refs/pgo/pushed/x.lock", "");
	fx_assert_missing(fx, "repo/objects/pack/tmp_pack_x");
	fx_assert_missing(fx, "repo/objects/pack/dead.keep");
	fx_assert_missing(fx, "repo/objects/pack/other.keep");
	/* Nobody does: whose it was, he is dead. The pack of who lives is kept as long as he does. */
	assert_int_equal(flock(held, LOCK_UN), 0);
	assert_int_equal(accept_refs(fx, lines), 0);
	fx_assert_missing(fx, "repo/refs/pgo/pushed/x.lock");
	fx_do(fx, "test -f repo/objects/pack/living.keep");
}

static void
other_refs_are_not_for_it(void **state)
{
	struct fx *fx = *state;
	static const char *const bad[] = {
	    "refs/pgo/live", "refs/pgo/release/x", "HEAD", "refs/heads/a b", "refs/pgo/trackedx"};
	auto_pushed struct pushed p = push(fx);

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_free char *line = str_printf("* %s %s\n", p.oid, bad[i]);

		assert_int_equal(accept_refs(fx, line), 1);
	}
	assert_int_equal(accept_refs(fx, "* refs/heads/main\n"), 1);
	assert_int_equal(accept_refs(fx, "x"), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_push_moves_all_its_refs_at_once),
	    TEST(a_push_that_is_dropped_leaves_nothing),
	    TEST(a_branch_that_was_moved_meanwhile_stays_with_all_others),
	    TEST(what_a_living_push_has_made_is_cleared_away),
	    TEST(other_refs_are_not_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
