#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "core/receive.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NONE "0000000000000000000000000000000000000000"

struct change {
	const char *old, *new, *name;
};

/* NULL when they may change; else why not. Static. */
static const char *
judge(const struct change *changes, size_t n, struct receive *r)
{
	static struct err err;

	*r = (struct receive){.nrefs = n};
	err = (struct err)ERR_INIT;
	for (size_t i = 0; i < n; i++) {
		snprintf(r->refs[i].old, sizeof(r->refs[i].old), "%s", changes[i].old);
		snprintf(r->refs[i].new, sizeof(r->refs[i].new), "%s", changes[i].new);
		snprintf(r->refs[i].name, sizeof(r->refs[i].name), "%s", changes[i].name);
	}
	return receive_judge_refs(r, &err) < 0 ? err.msg : NULL;
}

static void
one_branch_and_tags_may_come_at_once(void **state)
{
	static const struct change changes[] = {
	    {NONE, A, "refs/tags/v1"}, {A, B, "refs/heads/feature/x"}, {A, NONE, "refs/tags/old"}};
	static struct receive r;

	(void)state;
	assert_null(judge(changes, 3, &r));
	assert_string_equal(r.branch, "feature/x");
	assert_string_equal(r.change->new, B);
	assert_null(judge(changes, 1, &r));
	assert_null(r.change);
	assert_null(r.branch);
}

static void
a_branch_is_deleted_by_itself(void **state)
{
	static const struct change changes[] = {{A, NONE, "refs/heads/feature/x"}, {NONE, A, "refs/heads/feature/x"}};
	static struct receive r;

	(void)state;
	assert_null(judge(changes, 1, &r));
	assert_true(r.deletes);
	assert_string_equal(r.branch, "feature/x");
	assert_null(judge(changes + 1, 1, &r));
	assert_false(r.deletes);
}

static const struct {
	struct change changes[2];
	const char *why;
} refused[] = {
    {{{NONE, A, "refs/heads/main"}, {NONE, B, "refs/heads/dev"}}, "main and dev at once"},
    {{{A, NONE, "refs/heads/dev"}, {NONE, B, "refs/tags/x"}},
	"a push that deletes the branch dev changes nothing else"},
    {{{A, NONE, "refs/tags/x"}, {B, NONE, "refs/heads/dev"}},
	"a push that deletes the branch dev changes nothing else"},
    {{{A, NONE, "refs/heads/dev"}, {A, NONE, "refs/heads/main"}}, "dev and main at once"},
    {{{NONE, A, "refs/notes/x"}, {NONE, B, "refs/heads/dev"}}, "refs/notes/x is neither a branch nor a tag"},
    {{{NONE, A, "refs/pgo/live"}, {NONE, B, "refs/heads/dev"}}, "refs/pgo/live is neither a branch nor a tag"},
    {{{NONE, A, "refs/heads"}, {NONE, B, "refs/heads/dev"}}, "refs/heads is neither a branch nor a tag"},
    {{{NONE, A, "refs/tags/x"}, {NONE, B, "refs/tags/x"}}, "refs/tags/x twice in one push"},
    {{{NONE, A, "refs/heads/../../x"}, {NONE, B, "refs/tags/x"}}, "the branch \"../../x\" has"},
    {{{NONE, A, "refs/heads/x.lock"}, {NONE, B, "refs/tags/x"}}, "the branch \"x.lock\" has"},
    {{{NONE, A, "refs/tags/a..b"}, {NONE, B, "refs/heads/x"}}, "the tag \"a..b\" has"},
    {{{NONE, A, "refs/heads/-x"}, {NONE, B, "refs/tags/x"}}, "the branch \"-x\" begins"},
};

static void
a_push_that_would_deploy_two_things_or_none_is_refused_by_name(void **state)
{
	static struct receive r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		const char *why = judge(refused[i].changes, 2, &r);

		if (why == NULL || strstr(why, refused[i].why) == NULL)
			fail_msg("%s: %s", refused[i].why, why != NULL ? why : "passed");
	}
	assert_string_equal(judge(NULL, 0, &r), "nothing is pushed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_branch_and_tags_may_come_at_once),
	    cmocka_unit_test(a_branch_is_deleted_by_itself),
	    cmocka_unit_test(a_push_that_would_deploy_two_things_or_none_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
