/* stage: the tree of a commit, what stands in its way, and the untracked files that a compose file names. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

static void
stage(struct fx *fx, const char *oid, int status)
{
	int r = fx_job(fx, "fetch", NULL);

	if (r != 0)
		fail_msg("fetch: %s", buf_str(&fx->err));
	r = fx_job(fx, "stage", oid);
	if (r != status)
		fail_msg("stage: status %d: %s", r, buf_str(&fx->err));
}

static void
the_stage_is_exactly_the_tree_and_keeps_its_inode(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid =
	    fx_commit(fx, "mkdir d; echo 1 >d/f; ln -s ../../outside d/l; echo 2 >x; chmod +x x;"
			  "printf 'a' >\"$(printf 'new\\nline')\"; echo 1 >-x; mkdir 'sp ace'; echo 1 >'sp ace/ '");

	fx_do(fx,
	    "stat -c %i stage >before; mkdir -p stage/old/ro; echo 1 >stage/old/ro/f; chmod 555 stage/old/ro stage/old;"
	    "ln -s ../outside stage/link; mkfifo stage/fifo");
	stage(fx, oid, 0);
	fx_do(fx, "stat -c %i stage | cmp - before; diff -r --no-dereference -x .git work stage; [ -x stage/x ]");
	fx_assert_file(fx, "outside/file", "outside");
	/* Again, and after a smaller commit. */
	auto_free char *small = fx_commit(fx, "git rm -rq .; echo 1 >only");
	stage(fx, small, 0);
	fx_do(fx, "[ \"$(ls -A stage)\" = only ]");
}

static void
a_stage_that_is_very_deep_is_emptied(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx, "echo 1 >a");

	fx_do(fx, "cd stage; i=0; while [ $i -lt 1500 ]; do mkdir dddd; cd -P dddd; i=$((i + 1)); done; echo 1 >f");
	stage(fx, oid, 0);
	fx_do(fx, "[ \"$(ls -A stage)\" = a ]");
}

static void
an_untracked_file_in_the_way_is_named_and_kept(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "echo 1 >a");
	auto_free char *two = NULL;

	fx_deploy(fx, one);
	fx_do(fx,
	    "mkdir live/data; echo mine >live/data/x.db; echo same >live/same; mkdir live/dir; echo u >live/dir/u;"
	    "echo f >live/blocker; ln -s ../outside live/planted");
	two = fx_commit(fx,
	    "mkdir data blocker planted; echo theirs >data/x.db; echo same >same; echo d >dir; echo b >blocker/x;"
	    "echo p >planted/p");
	stage(fx, two, 6);
	fx_assert_said(
	    fx, "the commit adds data/x.db, but an untracked file of that name lies in the checkout (kept as it is)");
	fx_assert_said(fx, "the commit has a file dir, but a directory of that name with dir/");
	fx_assert_said(fx, "an untracked file blocker lies in the checkout");
	fx_assert_said(fx, "planted is a symbolic link in the checkout");
	assert_null(strstr(buf_str(&fx->err), "same"));
	/* checkout refuses in the same words, before it touches anything. */
	assert_int_equal(fx_job(fx, "checkout", two), 1);
	fx_assert_said(fx, "the commit adds data/x.db");
	fx_assert_file(fx, "live/data/x.db", "mine");
	fx_assert_file(fx, "live/dir/u", "u");
	fx_assert_missing(fx, "outside/p");
	fx_do(fx, "[ \"$(git --git-dir repo rev-parse refs/pgo/live)\" != \"$(git --git-dir repo rev-parse "
		  "refs/pgo/tracked)\" ]");
}

static void
no_more_than_ten_are_named(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx, "for i in $(seq 30); do echo 1 >f$i; done");

	fx_do(fx, "for i in $(seq 30); do echo 2 >live/f$i; done");
	stage(fx, oid, 6);
	auto_free char *script =
	    str_printf("[ $(printf '%%s' '%s' | grep -c 'the commit adds') = 10 ]", buf_str(&fx->err));
	fx_do(fx, script);
	fx_assert_said(fx, "and more");
}

static void
an_old_checkout_is_adopted_without_its_configuration(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "mkdir d; echo 1 >a; echo 1 >d/b");
	auto_free char *two = NULL;

	fx_do(fx, "rmdir live; git clone -q r.git live; cd live; git config core.fsmonitor 'touch ../outside/pwned';"
		  "printf '#!/bin/sh\\ntouch %s/pwned\\n' ../outside >.git/hooks/post-checkout; chmod +x "
		  ".git/hooks/post-checkout;"
		  "echo '* filter=x' >.git/info/attributes; git config filter.x.clean 'touch ../outside/pwned';"
		  "git config filter.x.smudge 'touch ../outside/pwned'; echo u >untracked; echo local >d/b");
	two = fx_commit(fx, "echo 2 >a; git rm -q d/b; mkdir -p d; echo 2 >d/c");
	fx_deploy(fx, two);
	fx_assert_file(fx, "live/a", "2");
	fx_assert_file(fx, "live/untracked", "u");
	fx_assert_missing(fx, "live/d/b");
	fx_assert_missing(fx, "outside/pwned");
	fx_do(fx, "[ -d live/.git ]; r=$(git --git-dir repo for-each-ref --format='%(refname)' refs/pgo/kept);"
		  "[ \"$(git --git-dir repo show $r:d/b)\" = local ]");
	assert_string_not_equal(one, two);
}

static void
named_env_files_are_copied(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx,
	    "mkdir sub; cat >compose.yaml <<'E'\n"
	    "include: [{path: sub/more.yml}]\n"
	    "services:\n  web:\n    image: x\n    env_file:\n      - ./app.env\n      - path: \"conf/${STAGE}.env\"\n"
	    "      - ${OTHER:-fallback.env}\n      - tracked.env\n      - ../../outside/file\n      - link.env\n"
	    "      - big.env\n      - fifo.env\n"
	    "E\nprintf 'services: {b: {image: x, env_file: near.env, extends: {file: \"../ext.yaml\"}}}\\n' "
	    ">sub/more.yml;"
	    "printf 'x: {env_file: [deep/er.env]}\\n' >ext.yaml; echo T=1 >tracked.env");

	fx_do(fx,
	    "cd live; mkdir conf sub deep; echo A >app.env; echo P >conf/prod.env; echo F >fallback.env; echo E >.env;"
	    "echo N >sub/near.env; echo D >deep/er.env; echo X >other.txt; ln -s ../outside/file link.env; mkfifo "
	    "fifo.env;"
	    "head -c 1100000 /dev/zero >big.env; echo s >sub/.env");
	stage(fx, oid, 0);
	fx_do(fx, "cd stage; for f in app.env conf/prod.env fallback.env .env sub/near.env deep/er.env sub/.env; do"
		  "  cmp $f ../live/$f; [ \"$(stat -c %a $f)\" = 600 ]; done;"
		  "for f in other.txt link.env fifo.env big.env; do [ ! -e $f ] && [ ! -L $f ]; done");
	fx_assert_file(fx, "stage/tracked.env", "T=1");
	fx_assert_said(fx, "big.env");
	fx_assert_missing(fx, "outside/outside");
	fx_do(fx, "[ \"$(find stage -name file)\" = '' ]");
}

static void
the_compose_key_names_the_file_that_is_read(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx, "mkdir prod; echo 'services: {a: {env_file: own.env}}' >prod/stack.yml;"
					    "echo 'services: {a: {env_file: not.env}}' >compose.yaml");

	fx_env(fx, "PGO_COMPOSE_FILE", "prod/stack.yml");
	fx_do(fx, "cd live; mkdir prod; echo 1 >prod/own.env; echo 1 >not.env");
	stage(fx, oid, 0);
	fx_assert_file(fx, "stage/prod/own.env", "1");
	fx_assert_missing(fx, "stage/not.env");
}

static void
submodules_stay_empty_directories(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx,
	    "echo 1 >a; git update-index --add --cacheinfo "
	    "160000,1111111111111111111111111111111111111111,lib/sub; git commit -qm s; mkdir -p lib/sub");

	fx_do(fx, "git -C r.git ls-tree -r main | grep -q 160000");
	stage(fx, oid, 0);
	fx_assert_said(fx, "the submodule lib/sub was not fetched: the directory stays empty");
	fx_do(fx, "[ -d stage/lib/sub ] && [ -z \"$(ls -A stage/lib/sub)\" ]");
	assert_int_equal(fx_job(fx, "checkout", oid), 0);
	fx_do(fx, "[ -d live/lib/sub ]");
	assert_int_equal(fx_job(fx, "checkout", oid), 0);
}

/* Trees that git would never write, by hand. */
static void
hostile_names_are_refused(void **state)
{
	static const char *const entries[] = {
	    "100644 blob $b\\t..",
	    "040000 tree $t\\t..",
	    "100644 blob $b\\t.git",
	    "040000 tree $t\\t.GIT",
	    "120000 blob $b\\ta\\n040000 tree $t\\ta",
	};
	struct fx *fx = *state;

	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		auto_free char *script =
		    str_printf("cd work; b=$(echo x | git hash-object -w --stdin); t=$(printf \"100644 blob "
			       "$b\\tconfig\\n\" | git mktree);"
			       "{ printf \"%s\\n\"; } | tr '\\n' '\\0' >../spec; t=$(git mktree --missing -z <../spec);"
			       "c=$(git commit-tree -m h $t); git push -q --force ../r.git $c:refs/heads/main; echo $c",
			entries[i]);
		auto_free char *oid = fx_sh(fx, script);

		stage(fx, oid, 6);
		fx_assert_said(fx, "it has ");
		assert_int_equal(fx_job(fx, "checkout", oid), 1);
		fx_do(fx, "[ -z \"$(ls -A live)\" ]; [ ! -e config ]");
	}
}

static void
a_tree_of_too_many_files_is_refused(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid =
	    fx_sh(fx, "cd work; b=$(echo x | git hash-object -w --stdin);"
		      "d=$(seq 1000 | sed \"s/^/100644 blob $b\tf/\" | git mktree);"
		      "t=$(seq 201 | sed \"s/^/040000 tree $d\td/\" | git mktree);"
		      "c=$(git commit-tree -m h $t); git push -q --force ../r.git $c:refs/heads/main; echo $c");

	stage(fx, oid, 6);
	fx_assert_said(fx, "more than 200000 files");
}

static void
an_unknown_commit_is_a_sentence(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx, "echo 1 >a");

	stage(fx, oid, 0);
	assert_int_equal(fx_job(fx, "stage", "1111111111111111111111111111111111111111"), 1);
	fx_assert_said(fx, "commit 111111111111: it cannot be read");
	fx_assert_file(fx, "stage/a", "1");
}

/* Its names are for core to judge, which wants to hear of a file that is none as well. */
static void
the_file_cname_is_told(void **state)
{
	struct fx *fx = *state;
	auto_free char *with = fx_commit(fx, "printf 'www.a.com\\nb.a.com' >CNAME; mkdir d; echo x.com >d/CNAME");
	auto_free char *link = NULL, *large = NULL, *without = NULL;

	stage(fx, with, 0);
	assert_string_equal(buf_str(&fx->out), "CNAME\nwww.a.com\nb.a.com");
	link = fx_commit(fx, "ln -sf d/CNAME CNAME");
	stage(fx, link, 0);
	assert_string_equal(buf_str(&fx->out), "CNAME is not a regular file\n");
	large = fx_commit(fx, "rm CNAME; head -c 70000 /dev/zero >CNAME");
	stage(fx, large, 0);
	assert_string_equal(buf_str(&fx->out), "CNAME has more than 65536 bytes\n");
	without = fx_commit(fx, "rm CNAME");
	stage(fx, without, 0);
	assert_string_equal(buf_str(&fx->out), "");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(the_stage_is_exactly_the_tree_and_keeps_its_inode),
	    TEST(a_stage_that_is_very_deep_is_emptied),
	    TEST(an_untracked_file_in_the_way_is_named_and_kept),
	    TEST(no_more_than_ten_are_named),
	    TEST(an_old_checkout_is_adopted_without_its_configuration),
	    TEST(named_env_files_are_copied),
	    TEST(the_compose_key_names_the_file_that_is_read),
	    TEST(submodules_stay_empty_directories),
	    TEST(hostile_names_are_refused),
	    TEST(a_tree_of_too_many_files_is_refused),
	    TEST(the_file_cname_is_told),
	    TEST(an_unknown_commit_is_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
