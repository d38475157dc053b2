/* Submodules: where they may come from, and that their files are the commit's, to the end. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "job/submodule.h"
#include "job/submodule_url.h"

struct sample {
	const char *base, *written, *url;
	bool foreign;
};

static void
a_submodule_comes_from_where_it_may(void **state)
{
	static const struct sample samples[] = {
	    {"https://h/g/a.git", "../b.git", "https://h/g/b.git", false},
	    {"https://h/g/a.git/", "../../x/b.git", "https://h/x/b.git", false},
	    {"https://h/g/a.git", "./b.git", "https://h/g/a.git/b.git", false},
	    {"https://h:8443/g/a", ".././../b", "https://h:8443/b", false},
	    {"git@h:g/a.git", "../b.git", "git@h:g/b.git", false},
	    {"git@h:a.git", "../b.git", "git@h:b.git", false},
	    {"ssh://git@h:22/g/a.git", "../b.git", "ssh://git@h:22/g/b.git", false},
	    {"/srv/git/a.git", "../b.git", "/srv/git/b.git", false},
	    {"file:///srv/git/a.git", "../b.git", "file:///srv/git/b.git", false},
	    {"https://h/g/a.git", "https://h/x/b.git", "https://h/x/b.git", false},
	    {"https://h/g/a.git", "HTTPS://user@H/x/b.git", "HTTPS://H/x/b.git", false},
	    {"http://h/g/a.git", "http://h/x/b.git", "http://h/x/b.git", false},
	    {"git@h:g/a.git", "git@h:x/b.git", "git@h:x/b.git", false},
	    {"git@h:g/a.git", "ssh://git@h/x/b.git", "ssh://git@h/x/b.git", false},
	    {"git@h:g/a.git", "https://h/x/b.git", "https://h/x/b.git", true},
	    {"https://h/g/a.git", "https://other.org/x.git", "https://other.org/x.git", true},
	    {"https://h/g/a.git", "https://h:8443/x.git", "https://h:8443/x.git", true},
	    {"/srv/git/a.git", "https://other.org/x.git", "https://other.org/x.git", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		auto_free char *url = NULL;
		bool foreign = !samples[i].foreign;
		struct err err = ERR_INIT;
		int r = submodule_url(samples[i].base, samples[i].written, &url, &foreign, &err);

		if (r < 0 || strcmp(url, samples[i].url) != 0 || foreign != samples[i].foreign)
			fail_msg("%s from %s: %s%s", samples[i].written, samples[i].base, r < 0 ? err.msg : url,
			    foreign ? ", foreign" : "");
	}
}

static void
a_submodule_comes_from_nowhere_else(void **state)
{
	static const char *const samples[][2] = {
	    {"https://h/g/a.git", "http://other.org/x.git"},
	    {"https://h/g/a.git", "http://h/g/b.git"},
	    {"https://h/g/a.git", "ssh://git@h/x.git"},
	    {"https://h/g/a.git", "git@h:x.git"},
	    {"https://h/g/a.git", "git://h/x.git"},
	    {"https://h/g/a.git", "https://h.evil.org@/x.git"},
	    {"https://h/g/a.git", "https:///x.git"},
	    {"https://h/g/a.git", "https://user:pass@h/x.git"},
	    {"https://h/g/a.git", "https://other.org"},
	    {"https://h/g/a.git", "https://other.org/a/../../x.git"},
	    {"https://h/g/a.git", "https://h%2eorg/x"},
	    {"https://h/g/a.git", "file:///srv/x.git"},
	    {"https://h/g/a.git", "/srv/x.git"},
	    {"https://h/g/a.git", "x.git"},
	    {"https://h/g/a.git", ""},
	    {"https://h/g/a.git", "../../../x.git"},
	    {"https://h/g/a.git", "../"},
	    {"https://h/g/a.git", "..//x"},
	    {"https://h/g/a.git", "../b/../../x"},
	    {"https://h/g/a.git", "../-u"},
	    {"https://h/g/a.git", "-u./x"},
	    {"https://h/g/a.git", "--upload-pack=touch /tmp/x"},
	    {"https://h/g/a.git", "ext::sh -c touch% /tmp/x"},
	    {"https://h/g/a.git", "ext::x"},
	    {"https://h/g/a.git", "https://h/x y"},
	    {"https://h/g/a.git", "https://h/x\n"},
	    {"git@h:g/a.git", "root@h:x.git"},
	    {"git@h:g/a.git", "git@other.org:x.git"},
	    {"git@h:g/a.git", "ssh://-oProxyCommand=x/y"},
	    {"git@h:g/a.git", "-oProxyCommand=x:y"},
	    {"host:a.git", "../:x"},
	    {"/srv/git/a.git", "/srv/git/b.git"},
	    {"/srv/git/a.git", "file:///home/x/secret.git"},
	    {"/srv/git/a.git", "../../home/x/secret.git"},
	    {"file:///srv/git/a.git", ".././../home/x"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		auto_free char *url = NULL;
		bool foreign = false;
		struct err err = ERR_INIT;

		if (submodule_url(samples[i][0], samples[i][1], &url, &foreign, &err) >= 0)
			fail_msg("%s from %s: %s", samples[i][1], samples[i][0], url);
		assert_null(strstr(err.msg, "pass@"));
	}
}

/* s.git beside r.git, with t.git in it. */
static void
make_modules(struct fx *fx)
{
	fx_do(fx,
	    "for n in s t; do git init -q --bare -b main $n.git; git init -q -b main w$n; done; "
	    "cd wt; echo t >t; git add -A; git commit -qm t; git push -q ../t.git main; cd ../ws; echo s >s; "
	    "git -c protocol.file.allow=always submodule --quiet add ../t.git deep/t; git add -A; git commit -qm s; "
	    "git push -q ../s.git main");
}

static char *
commit_with(struct fx *fx, const char *url, const char *script)
{
	auto_free char *whole = str_printf(
	    "printf '[submodule \"x\"]\\n\\tpath = lib/sub\\n\\turl = %%s\\n' '%s' >.gitmodules; mkdir -p lib; "
	    "echo a >lib/a; git update-index --add --cacheinfo 160000,$(git -C ../s.git rev-parse "
	    "main),lib/sub; mkdir -p lib/sub; %s\n git add .gitmodules lib/a; git commit -qm with",
	    url, script);

	return fx_commit(fx, whole);
}

/* The submodule's directory, a file of it and the submodule in it each have a name that changes with them. */
static void
inputs_are(struct fx *fx, const char *oid)
{
	auto_free char *told =
	    fx_sh(fx, "echo tree $(git -C s.git rev-parse main); echo blob $(git -C s.git rev-parse main:s); "
		      "echo tree $(git -C t.git rev-parse main)");
	auto_free char *expected = str_printf("%s\n", told);
	auto_free char *paths =
	    str_printf("%s/live/lib/sub|%s/live/lib/sub/s|%s/live/lib/sub/deep/t|", fx->dir, fx->dir, fx->dir);

	fx->in = paths;
	fx->in_len = strlen(paths);
	for (char *c = paths; *c; c++)
		*c = *c == '|' ? '\0' : *c;
	assert_int_equal(fx_job(fx, "inputs", oid), 0);
	fx->in = NULL;
	assert_string_equal(buf_str(&fx->out), expected);
}

static void
a_submodule_is_part_of_the_commit(void **state)
{
	struct fx *fx = *state;
	auto_free char *first = NULL, *second = NULL, *third = NULL, *keep = NULL, *both = NULL;

	make_modules(fx);
	first = commit_with(fx, "../s.git", ":");
	fx_deploy(fx, first);
	fx_assert_file(fx, "live/lib/sub/s", "s");
	fx_assert_file(fx, "live/lib/sub/deep/t/t", "t");
	fx_assert_missing(fx, "live/lib/sub/.git");
	inputs_are(fx, first);
	/* Another commit of it, in which a file has gone; an edit of one is saved like any other. */
	fx_do(fx,
	    "echo edit >live/lib/sub/s; cd ws; git rm -q --cached deep/t; rm -rf deep; git rm -q .gitmodules; echo s2 >s2; "
	    "git add -A; git commit -qm s2; git push -q ../s.git main");
	second = commit_with(fx, "../s.git", "echo 2 >two");
	assert_int_equal(fx_job(fx, "fetch", NULL), 0);
	assert_int_equal(fx_job(fx, "stage", second), 0);
	both = str_printf("%s %s", second, first);
	assert_int_equal(fx_job(fx, "checkout", both), 0);
	assert_non_null(strstr(buf_str(&fx->out), "kept "));
	fx_assert_file(fx, "live/lib/sub/s", "s");
	fx_assert_file(fx, "live/lib/sub/s2", "s2");
	fx_assert_missing(fx, "live/lib/sub/deep/t/t");
	/* Without it, with the first one to go back to; then that, although every remote has gone. */
	third = fx_commit(fx, "git rm -q --cached lib/sub; rm -rf lib .gitmodules; echo 3 >three");
	assert_int_equal(fx_job(fx, "fetch", NULL), 0);
	assert_int_equal(fx_job(fx, "stage", third), 0);
	keep = str_printf("%s %s", third, first);
	assert_int_equal(fx_job(fx, "checkout", keep), 0);
	fx_assert_missing(fx, "live/lib/sub/s");
	fx_do(fx, "[ $(git -C repo for-each-ref refs/pgo/submodule | wc -l) = 2 ]; mv s.git t.git r.git outside");
	assert_int_equal(fx_job(fx, "stage", first), 0);
	assert_int_equal(fx_job(fx, "checkout", first), 0);
	fx_assert_file(fx, "live/lib/sub/deep/t/t", "t");
}

static void
what_nothing_needs_is_dropped(void **state)
{
	struct fx *fx = *state;
	auto_free char *first = NULL, *second = NULL;

	make_modules(fx);
	first = commit_with(fx, "../s.git", ":");
	fx_deploy(fx, first);
	second = fx_commit(fx, "git rm -q --cached lib/sub; rm -rf lib .gitmodules; echo 3 >three");
	fx_deploy(fx, second);
	fx_do(fx, "[ -z \"$(git -C repo for-each-ref refs/pgo/submodule refs/pgo/scan)\" ]");
}

static void
a_submodule_that_is_not_fetched_is_told(void **state)
{
	static const char *const urls[] = {"ext::sh -c touch% pwned", "/etc", "file:///srv/x.git",
	    "--upload-pack=touch pwned", "ssh://-oProxyCommand=touch pwned/x", "http://127.0.0.1:1/x.git", ""};
	struct fx *fx = *state;

	make_modules(fx);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		auto_free char *oid = commit_with(fx, urls[i], ":");

		assert_int_equal(fx_job(fx, "fetch", NULL), 0);
		fx_assert_said(fx, "the submodule lib/sub is not fetched: ");
		assert_int_equal(fx_job(fx, "stage", oid), 0);
		fx_assert_said(fx, "the submodule lib/sub was not fetched: the directory stays empty");
		fx_do(fx, "[ -d stage/lib/sub ] && [ -z \"$(ls -A stage/lib/sub)\" ]; ! find . -name pwned | grep .");
		fx_do(fx, "cd work; git rm -q --cached lib/sub; rm -rf lib");
	}
}

static void
a_submodule_that_the_server_does_not_have_holds_the_fetch_up(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = NULL;

	make_modules(fx);
	oid = commit_with(
	    fx, "../s.git", "git update-index --cacheinfo 160000,1111111111111111111111111111111111111111,lib/sub");
	assert_int_equal(fx_job(fx, "fetch", NULL), 1);
	fx_assert_said(fx, "the submodule lib/sub cannot be fetched: ");
	fx_assert_said(fx, "has no commit 111111111111: push it there");
	fx_do(fx, "cd work; printf '[submodule \"x\"]\\npath = lib/sub\\nurl = ../gone.git\\n' >.gitmodules");
	free(fx_commit(fx, ":"));
	assert_int_equal(fx_job(fx, "fetch", NULL), 1);
	fx_assert_said(fx, "gone.git");
}

static void
one_submodule_in_a_thousand_places_is_refused(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = NULL;

	make_modules(fx);
	oid = commit_with(fx, "../s.git",
	    "for i in $(seq 100); do git update-index --add --cacheinfo "
	    "160000,$(git -C ../s.git rev-parse main),many/$i; mkdir -p many/$i; done");
	assert_int_equal(fx_job(fx, "fetch", NULL), 0);
	assert_int_equal(fx_job(fx, "stage", oid), 6);
	fx_assert_said(fx, "it has more than 64 submodules");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_submodule_comes_from_where_it_may),
	    cmocka_unit_test(a_submodule_comes_from_nowhere_else),
	    TEST(a_submodule_is_part_of_the_commit),
	    TEST(what_nothing_needs_is_dropped),
	    TEST(a_submodule_that_is_not_fetched_is_told),
	    TEST(a_submodule_that_the_server_does_not_have_holds_the_fetch_up),
	    TEST(one_submodule_in_a_thousand_places_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
