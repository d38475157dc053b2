/* checkout: the live tree follows the commit; what is not the repository's stays, whatever happens in between. */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"

enum { KILLS = 50 };

static void
inodes_of_the_directory_and_of_untouched_files_stay(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "mkdir d; echo 1 >d/same; echo 1 >d/changes; echo 1 >goes; echo x >x");
	auto_free char *two = NULL;

	fx_do(fx, "chmod 750 live; stat -c '%i %a' live >before");
	fx_deploy(fx, one);
	fx_do(fx, "stat -c %i live/d live/d/same >>before; echo data >live/d/untracked");
	two = fx_commit(fx, "echo 2 >d/changes; git rm -q goes; echo n >new; chmod +x x; ln -s new link");
	fx_deploy(fx, two);
	fx_do(fx, "{ stat -c '%i %a' live; stat -c %i live/d live/d/same; } | cmp - before; [ -x live/x ];"
		  "[ \"$(readlink live/link)\" = new ]");
	fx_assert_file(fx, "live/d/changes", "2");
	fx_assert_file(fx, "live/d/untracked", "data");
	fx_assert_missing(fx, "live/goes");
	assert_int_equal(fx->out.len, 0);
	/* Once more is nothing. */
	fx_do(fx, "find live -printf '%p %i %C@\\n' | sort >all");
	assert_int_equal(fx_job(fx, "checkout", two), 0);
	fx_do(fx, "find live -printf '%p %i %C@\\n' | sort | cmp - all");
	fx_do(fx, "[ $(git --git-dir repo rev-parse refs/pgo/live) = $(git --git-dir work/.git rev-parse HEAD) ]");
}

static void
files_and_directories_change_places(void **state)
{
	struct fx *fx = *state;
	auto_free char *one =
	    fx_commit(fx, "mkdir -p d/e; echo 1 >d/e/f; echo 1 >d/g; echo 1 >file; ln -s outside link");
	auto_free char *two = NULL, *three = NULL;

	fx_deploy(fx, one);
	two = fx_commit(fx, "git rm -rq d file link; echo 2 >d; mkdir file link; echo 2 >file/x; echo 2 >link/y");
	fx_deploy(fx, two);
	fx_do(fx, "diff -r --no-dereference -x .git work live");
	three =
	    fx_commit(fx, "git rm -rq d file link; mkdir -p d/e; echo 3 >d/e/f; echo 3 >file; ln -s ../outside link");
	fx_deploy(fx, three);
	fx_do(fx, "diff -r --no-dereference -x .git work live");
}

static void
local_edits_are_saved_byte_for_byte(void **state)
{
	struct fx *fx = *state;
	auto_free char *one =
	    fx_commit(fx, "echo '*.txt text eol=lf' >.gitattributes; echo 1 >a.txt; echo 1 >b; echo 1 >c; echo 1 >gone;"
			  "echo same >same; echo 1 >removed");
	auto_free char *two = NULL;

	fx_deploy(fx, one);
	two = fx_commit(fx, "echo 2 >a.txt; git rm -q c; echo new >same");
	fx_do(fx, "cd live; printf 'mine\\r\\nyours\\n' >a.txt; echo edited >b; chmod +x b; echo also >c; rm gone;"
		  "ln -sf target removed; cp a.txt b c ..; echo new >same");
	fx_deploy(fx, two);
	assert_non_null(strstr(buf_str(&fx->out), "kept refs/pgo/kept/"));
	fx_do(fx, "diff -r --no-dereference -x .git work live; export GIT_DIR=repo;"
		  "r=$(git for-each-ref --format='%(refname)' refs/pgo/kept); git show $r:a.txt | cmp - a.txt;"
		  "git show $r:b | cmp - b; git show $r:c | cmp - c; git ls-tree $r b | grep -q 100755;"
		  "[ \"$(git show $r:removed)\" = target ]; git ls-tree $r removed | grep -q 120000;"
		  "[ \"$(git show $r:same)\" = same ];"
		  "git rev-parse $r^ >parent; git fsck --no-dangling 2>&1");
	fx_assert_file(fx, "parent", one);
	/* Nothing is kept a second time. */
	assert_int_equal(fx_job(fx, "checkout", two), 0);
	assert_int_equal(fx->out.len, 0);
	assert_int_equal(fx_job(fx, "fetch", NULL), 0);
}

static void
edits_of_a_live_commit_that_did_not_change_are_undone_and_saved(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "echo 1 >a; echo 1 >b");

	fx_deploy(fx, one);
	fx_do(fx, "echo edit >live/a; rm live/b");
	assert_int_equal(fx_job(fx, "checkout", one), 0);
	assert_non_null(strstr(buf_str(&fx->out), "kept "));
	fx_assert_file(fx, "live/a", "1");
	fx_assert_file(fx, "live/b", "1");
}

static void
an_index_that_was_lost_or_damaged_loses_nothing(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "echo 1 >a; echo 1 >b; echo 1 >c");
	auto_free char *two = NULL;

	fx_deploy(fx, one);
	fx_do(fx, "echo nonsense >repo/pgo-live.index; echo edit >live/a; echo u >live/u");
	two = fx_commit(fx, "echo 2 >a; git rm -q c");
	fx_deploy(fx, two);
	fx_do(fx, "r=$(git --git-dir repo for-each-ref --format='%(refname)' refs/pgo/kept);"
		  "[ \"$(git --git-dir repo show $r:a)\" = edit ]");
	fx_assert_file(fx, "live/a", "2");
	fx_assert_file(fx, "live/u", "u");
	fx_assert_missing(fx, "live/c");
	fx_do(fx, "rm repo/pgo-live.index");
	assert_int_equal(fx_job(fx, "checkout", two), 0);
	fx_do(fx, "[ -s repo/pgo-live.index ]");
}

/* What a container that can write the checkout may plant. */
static void
nothing_is_written_through_planted_links(void **state)
{
	static const char *const plants[] = {
	    "rm -rf d; ln -s ../outside d", /* a tracked directory became a link */
	    "rm -rf d; ln -s $PWD/../outside d",
	    "rm d/sub/f; rmdir d/sub; ln -s ../../outside d/sub",
	    "rm -rf d; ln -s /proc/self/root d",
	};
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "mkdir -p d/sub; echo 1 >d/file; echo 1 >d/sub/f; echo 1 >top");

	for (size_t i = 0; i < ARRAY_LEN(plants); i++) {
		auto_free char *script = str_printf("cd work; echo %zu >d/file; echo %zu >d/sub/f", i, i);
		auto_free char *plant = str_printf("cd live; %s", plants[i]);
		auto_free char *next = NULL;
		auto_free char *check =
		    str_printf("[ \"$(ls outside)\" = file ]; [ \"$(cat outside/file)\" = outside ]; rm -rf live/d;"
			       "cp -r --no-preserve=all work/d live/d 2>/dev/null || :");

		fx_deploy(fx, one);
		fx_do(fx, plant);
		next = fx_commit(fx, script + strlen("cd work; "));
		assert_int_equal(fx_job(fx, "fetch", NULL), 0);
		assert_int_equal(fx_job(fx, "stage", next), 1);
		fx_assert_said(fx, "is a symbolic link in the checkout that does not come from the repository");
		assert_int_equal(fx_job(fx, "checkout", next), 1);
		fx_do(fx, check);
		free(one);
		one = TAKE(next);
	}
}

static void
a_deletion_does_not_follow_a_planted_link(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "mkdir d; echo 1 >d/file; echo 1 >top");
	auto_free char *two = NULL;

	fx_deploy(fx, one);
	fx_do(fx, "rm -rf live/d; ln -s ../outside live/d");
	two = fx_commit(fx, "git rm -rq d");
	fx_deploy(fx, two);
	fx_assert_file(fx, "outside/file", "outside");
	fx_do(fx, "[ -L live/d ]");
}

static void
a_planted_link_in_the_place_of_a_file_is_replaced_not_followed(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "echo 1 >a");
	auto_free char *two = NULL;

	fx_deploy(fx, one);
	fx_do(fx, "rm live/a; ln -s ../outside/file live/a");
	two = fx_commit(fx, "echo 2 >a");
	fx_deploy(fx, two);
	fx_assert_file(fx, "outside/file", "outside");
	fx_assert_file(fx, "live/a", "2");
	fx_do(fx, "[ ! -L live/a ]");
}

static void
a_tracked_link_that_becomes_a_directory_is_not_followed(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "ln -s ../outside d; ln -s ../outside/file l");
	auto_free char *two = NULL;

	fx_deploy(fx, one);
	two = fx_commit(fx, "rm d l; mkdir d; echo 2 >d/file; echo 2 >l");
	fx_deploy(fx, two);
	fx_assert_file(fx, "outside/file", "outside");
	fx_assert_file(fx, "live/d/file", "2");
	fx_assert_file(fx, "live/l", "2");
}

static void
what_is_no_file_in_a_files_place_is_refused(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "echo 1 >a");
	auto_free char *two = NULL;

	fx_deploy(fx, one);
	fx_do(fx, "rm live/a; mkfifo live/a");
	two = fx_commit(fx, "echo 2 >a");
	assert_int_equal(fx_job(fx, "fetch", NULL), 0);
	assert_int_equal(fx_job(fx, "stage", two), 1);
	assert_int_equal(fx_job(fx, "checkout", two), 1);
	fx_do(fx, "[ -p live/a ]");
}

static void
a_stage_on_another_file_system_is_copied(void **state)
{
	struct fx *fx = *state;
	auto_free char *shm = fx_sh(fx, "mktemp -d /dev/shm/pgo-job.XXXXXX");
	auto_free char *one = fx_commit(fx, "mkdir d; echo 1 >d/a; chmod +x d/a; ln -s a d/l");
	auto_free char *two = NULL;
	auto_free char *clean = str_printf("rm -rf '%s'", shm);

	fx_env(fx, "PGO_STAGE", shm);
	fx_do(fx, "touch live/.pgo-checkout.tmp");
	fx_deploy(fx, one);
	two = fx_commit(fx, "echo 2 >d/a; ln -sf b d/l; echo r >root");
	fx_deploy(fx, two);
	fx_do(fx, "rm -f live/.pgo-checkout.tmp; diff -r --no-dereference -x .git work live; [ -x live/d/a ]");
	fx_do(fx, clean);
}

static void
sleep_us(long us)
{
	nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

/* Kills a checkout after a random part of the time that a whole one takes. */
static void
kill_checkout(struct fx *fx, const char *oid, long whole_us)
{
	pid_t pid = fx_start(fx, "checkout", oid);
	int wstatus;

	sleep_us(random() % whole_us);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &wstatus, 0), pid);
}

static void
a_killed_checkout_converges(void **state)
{
	struct fx *fx = *state;
	auto_free char *names =
	    fx_commit(fx, "for i in $(seq 150); do mkdir -p d$((i % 7)); echo one $i >d$((i % 7))/f$i; done;"
			  "echo 1 >swap; mkdir dir; echo 1 >dir/x");
	auto_free char *other =
	    fx_commit(fx, "for i in $(seq 2 2 150); do echo two $i >d$((i % 7))/f$i; done;"
			  "for i in $(seq 3 9 150); do rm d$((i % 7))/f$i; done; rm -r swap dir;"
			  "mkdir swap new; echo 2 >swap/x; echo 2 >dir; for i in $(seq 40); do echo $i >new/$i; done");
	const char *oids[] = {names, other};
	long long start_ms;
	long whole_us;

	fx_do(fx,
	    "git -C r.git config uploadpack.allowAnySHA1InWant true; git --git-dir repo init -q --bare;"
	    "git --git-dir repo fetch -q r.git main:refs/pgo/both; git clone -q r.git a; git -C a checkout -q HEAD~1;"
	    "git clone -q r.git b; mkdir live/own; echo data >live/own/db; echo u >live/d.untracked");
	fx_deploy(fx, other);
	start_ms = io_now_ms();
	assert_int_equal(fx_job(fx, "checkout", names), 0);
	whole_us = (long)(io_now_ms() - start_ms) * 1000 + 1000;
	srandom(1);
	for (int i = 0; i < KILLS; i++) {
		const char *oid = oids[(i + 1) % 2];
		auto_free char *check = str_printf(
		    "find live -type d -empty -delete; diff -r --no-dereference -x .git -x own -x d.untracked %s live "
		    "2>&1;"
		    "[ $(cat live/own/db) = data ];"
		    "[ $(cat live/d.untracked) = u ]; [ $(git --git-dir repo rev-parse refs/pgo/live) = %s ];"
		    "[ -z \"$(git --git-dir repo for-each-ref refs/pgo/kept)\" ]",
		    i % 2 ? "a" : "b", oid);
		int r;

		kill_checkout(fx, oid, whole_us);
		if (i % 5 == 0)
			kill_checkout(fx, oid, whole_us);
		r = fx_job(fx, "checkout", oid);
		if (r != 0)
			fail_msg("round %d: status %d: %s", i, r, buf_str(&fx->err));
		fx_do(fx, check);
	}
}

/* Exactly what a checkout leaves that was killed between two files; then another commit comes. */
static void
a_half_done_checkout_is_in_no_other_commits_way(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "echo 1 >a; echo 1 >b; echo 1 >goes; mkdir d; echo 1 >d/x");
	auto_free char *two = NULL, *three = NULL;

	fx_deploy(fx, one);
	two = fx_commit(
	    fx, "echo 2 >a; echo 2 >b; git rm -rq goes d; echo 2 >new; echo 2 >d; mkdir n; echo 2 >n/x; echo 2 >n/y");
	assert_int_equal(fx_job(fx, "fetch", NULL), 0);
	fx_do(fx,
	    "cd live; echo 2 >a; rm goes d/x; rmdir d; echo 2 >new; mkdir n; echo 2 >n/x; echo edit >b; cd ../repo");
	auto_free char *mark = str_printf("printf %%s %s >repo/pgo-checkout.oid; rm -f repo/pgo-stage.oid", two);
	fx_do(fx, mark);
	three = fx_commit(fx, "echo 3 >a; echo 3 >b; echo 3 >new; git rm -rq d n; mkdir d; echo 3 >d/x; echo 3 >n");
	fx_deploy(fx, three);
	fx_do(fx, "diff -r --no-dereference -x .git work live; export GIT_DIR=repo;"
		  "set -- $(git for-each-ref --format='%(refname)' refs/pgo/kept); [ $# = 1 ];"
		  "[ \"$(git show $1:b)\" = edit ]; [ \"$(git show $1:a)\" = 1 ]; [ ! -e repo/pgo-checkout.oid ]");
	assert_int_equal(fx_job(fx, "checkout", three), 0);
	assert_int_equal(fx->out.len, 0);
}

static void
a_killed_checkout_loses_no_local_edit(void **state)
{
	struct fx *fx = *state;
	auto_free char *one = fx_commit(fx, "for i in $(seq 60); do echo one $i >f$i; done");
	auto_free char *two = fx_commit(fx, "for i in $(seq 60); do echo two $i >f$i; done");
	long whole_us = 200000;

	fx_do(fx, "git --git-dir repo init -q --bare; git --git-dir repo fetch -q r.git main:refs/pgo/both");
	for (int i = 0; i < 8; i++) {
		const char *oid = i % 2 ? one : two;
		auto_free char *edit = str_printf("echo edit-%d >live/f30; echo edit-%d >>live/f31", i, i);
		auto_free char *check =
		    str_printf("git --git-dir repo for-each-ref --format='%%(refname):f30' refs/pgo/kept |"
			       "xargs git --git-dir repo show | grep -qx edit-%d",
			i);

		assert_int_equal(fx_job(fx, "checkout", i % 2 ? two : one), 0);
		fx_do(fx, edit);
		kill_checkout(fx, oid, whole_us);
		assert_int_equal(fx_job(fx, "checkout", oid), 0);
		fx_do(fx, check);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(inodes_of_the_directory_and_of_untouched_files_stay),
	    TEST(files_and_directories_change_places),
	    TEST(local_edits_are_saved_byte_for_byte),
	    TEST(edits_of_a_live_commit_that_did_not_change_are_undone_and_saved),
	    TEST(an_index_that_was_lost_or_damaged_loses_nothing),
	    TEST(nothing_is_written_through_planted_links),
	    TEST(a_deletion_does_not_follow_a_planted_link),
	    TEST(a_planted_link_in_the_place_of_a_file_is_replaced_not_followed),
	    TEST(a_tracked_link_that_becomes_a_directory_is_not_followed),
	    TEST(what_is_no_file_in_a_files_place_is_refused),
	    TEST(a_stage_on_another_file_system_is_copied),
	    TEST(a_half_done_checkout_is_in_no_other_commits_way),
	    TEST(a_killed_checkout_converges),
	    TEST(a_killed_checkout_loses_no_local_edit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
