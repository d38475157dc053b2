/* The pure parts: words of YAML files, of git and of compose; names in trees and of branches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "job/git.h"
#include "job/lsrefs.h"
#include "job/names.h"
#include "job/tree.h"
#include "job/unset.h"
#include "job/words.h"

static void
collect(void *arg, const char *word)
{
	struct buf *b = arg;

	buf_printf(b, "%s|", word);
}

static void
assert_words(const char *text, const char *expected)
{
	auto_buf struct buf b = BUF_INIT(1 << 16);

	names_each_word(text, strlen(text), collect, &b);
	assert_string_equal(buf_str(&b), expected);
}

static void
words_of_yaml_are_found_in_every_notation(void **state)
{
	(void)state;
	assert_words("env_file: [a.env, \"b.env\",'c.env']", "env_file|a.env|b.env|c.env|");
	assert_words("a: {file: x.yml}", "a|file|x.yml|");
	assert_words("- ./$STAGE.env", "-|./*.env|");
	assert_words("- conf/${STAGE:-prod}/x.env", "-|prod|conf/*/x.env|");
	assert_words("${A:-${B-x.env}}", "x.env|*|*|");
	assert_words("${unclosed", "*|");
	assert_words("$$ $ x$", "$$|$|x$|");
	assert_words("", "");
	assert_words(":::", "");
}

static void
a_word_that_is_too_long_is_left_out(void **state)
{
	auto_buf struct buf text = BUF_INIT(1 << 16);

	(void)state;
	for (int i = 0; i < 2000; i++)
		buf_str_add(&text, "x");
	buf_str_add(&text, " y");
	assert_words(buf_str(&text), "y|");
}

static void
assert_resolves(const char *dir, const char *word, const char *expected)
{
	auto_free char *path = names_resolve("/srv/live", dir, word);

	if (!expected)
		assert_null(path);
	else
		assert_string_equal(path ? path : "(null)", expected);
}

static void
a_word_never_leads_out_of_the_tree(void **state)
{
	(void)state;
	assert_resolves("", "./a.env", "a.env");
	assert_resolves("sub", "../a.env", "a.env");
	assert_resolves("sub", "x//y", "sub/x/y");
	assert_resolves("", "/srv/live/a.env", "a.env");
	assert_resolves("", "../a.env", NULL);
	assert_resolves("sub", "../../a.env", NULL);
	assert_resolves("", "../live2/a.env", NULL);
	assert_resolves("", "/etc/passwd", NULL);
	assert_resolves("", ".", NULL);
	assert_resolves("", ".git/config", NULL);
}

static void
names_that_must_not_be_written_are_known(void **state)
{
	static const char *const bad[] = {
	    "", "/", "a/", "/a", "a//b", ".", "..", "a/..", "../a", "a/./b", ".git", ".GIT/x", "a/.Git"};
	static const char *const good[] = {"a", "a/b", "-x", "...", ".gitignore", "a b", "new\nline"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(tree_path_is_safe(bad[i]));
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(tree_path_is_safe(good[i]));
}

static void
a_tree_finds_paths_and_directories(void **state)
{
	struct entry entries[] = {{.path = "a"}, {.path = "a-b"}, {.path = "a.b/c"}, {.path = "b/c"}, {.path = "bb"}};
	struct tree tree = {.v = entries, .n = ARRAY_LEN(entries)};

	(void)state;
	assert_ptr_equal(tree_find(&tree, "a", 1), &entries[0]);
	assert_ptr_equal(tree_find(&tree, "a-bc", 3), &entries[1]);
	assert_null(tree_find(&tree, "b", 1));
	assert_null(tree_find(&tree, "c", 1));
	assert_true(tree_has_below(&tree, "b"));
	assert_true(tree_has_below(&tree, "a.b"));
	assert_false(tree_has_below(&tree, "a"));
	assert_false(tree_has_below(&tree, "bb"));
}

static void
assert_clean(const char *text, const char *expected)
{
	auto_buf struct buf b = BUF_INIT(4096);

	git_clean_words(&b, text, "c2VjcmV0");
	assert_string_equal(buf_str(&b), expected);
}

static void
gits_words_become_one_clean_line(void **state)
{
	(void)state;
	assert_clean("fatal: repository 'x' not found\n", "repository 'x' not found");
	assert_clean("hint: do this\nerror: one\nfatal: two\n", "one; two");
	assert_clean("remote: only this\n", "only this");
	assert_clean("fatal: header Basic c2VjcmV0Og==\n", "header Basic ********Og==");
	assert_clean("", "");
}

static void
branches_that_are_more_than_a_name_are_refused(void **state)
{
	static const char *const bad[] = {"", "-x", "a:b", "a b", "a..b", "a*", "a\n", "/a", "a/", "a.lock", "@{u}",
	    "a//b", ".a", "a/.b", "a\\b", "+a?", "a^", "a~1"};
	static const char *const good[] = {"main", "feature/x", "v1.2", "a-b_c", "ünïcode", "+a"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(git_branch_is_valid(bad[i]));
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(git_branch_is_valid(good[i]));
}

static void
the_credentials_belong_to_one_host(void **state)
{
	auto_free char *key = git_auth_key("https://host:8443/a/b.git");
	auto_free char *bare = git_auth_key("http://host");

	(void)state;
	assert_string_equal(key, "http.https://host:8443/.extraHeader");
	assert_string_equal(bare, "http.http://host/.extraHeader");
	assert_null(git_auth_key("ssh://host/a"));
	assert_null(git_auth_key("/srv/a"));
}

static void
paths_outside_are_seen_in_composes_words(void **state)
{
	(void)state;
	assert_true(words_name_outside("open /etc/shadow: no such file", "/srv/live"));
	assert_true(words_name_outside("stat ../x.env: no such file", "/srv/live"));
	assert_true(words_name_outside("read \"/srv/live2/x\".", "/srv/live"));
	assert_false(words_name_outside("open /srv/live/x.env: no such file", "/srv/live"));
	assert_false(words_name_outside("services.web / image: a b", "/srv/live"));
}

#define UNSET(name) \
	"time=\"x\" level=warning msg=\"The \\\"" name "\\\" variable is not set. Defaulting to a blank string.\"\n"

static void
variables_that_are_not_set_are_seen_in_composes_words(void **state)
{
	auto_strv struct strv names = {0};

	(void)state;
	unset_names(UNSET("A") "a line\n" UNSET("b_2")
			UNSET("A") "time=\"x\" level=warning msg=\"The \\\"C\\\" is old\"",
	    &names);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[0], "A");
	assert_string_equal(names.v[1], "b_2");
	for (int i = 0; i < 2 * UNSET_MAX; i++) {
		auto_free char *line = str_printf(UNSET("N%d"), i);

		unset_names(line, &names);
	}
	assert_int_equal(names.n, UNSET_MAX);
}

static void
a_variable_is_found_where_it_is_read(void **state)
{
	(void)state;
	assert_int_equal(unset_line("a\nb: $A\n", "A"), 2);
	assert_int_equal(unset_line("a\n\nb: \"x${A:-y}\"", "A"), 3);
	assert_int_equal(unset_line("$$A ${$A}", "A"), 1);
	assert_int_equal(unset_line("$$A $AB $B_A A ${AB} $", "A"), 0);
	assert_int_equal(unset_line("", "A"), 0);
}

#define OID "1111111111111111111111111111111111111111"
#define REF "refs/heads/main"

static void
half_an_answer_of_upload_pack_is_none(void **state)
{
	static const char whole[] = "003f" OID " refs/heads/main-2\n003d" OID " " REF "\n0000";
	static const char *const wrong[] = {"", "0000", "003d" OID " " REF "\n", "003d" OID " " REF "\n0001",
	    "003f" OID " refs/heads/main-2\n0000", "003d" OID " " REF " 0000", "0010" OID " " REF "\n0000",
	    "003D" OID " " REF "\n0000", "ffff" OID " " REF "\n0000", "0004003d" OID " " REF "\n0000",
	    "003c111111111111111111111111111111111111111 " REF "\n0000", "001aERR upload-pack: no.\n0000"};
	char oid[REMOTE_OID_SIZE] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(lsrefs_pick(wrong[i], strlen(wrong[i]), REF, oid));
	for (size_t len = 0; len < strlen(whole); len++)
		assert_false(lsrefs_pick(whole, len, REF, oid));
	assert_string_equal(oid, "");
	assert_true(lsrefs_pick(whole, strlen(whole), REF, oid));
	assert_string_equal(oid, OID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_of_yaml_are_found_in_every_notation),
	    cmocka_unit_test(a_word_that_is_too_long_is_left_out),
	    cmocka_unit_test(a_word_never_leads_out_of_the_tree),
	    cmocka_unit_test(names_that_must_not_be_written_are_known),
	    cmocka_unit_test(a_tree_finds_paths_and_directories),
	    cmocka_unit_test(gits_words_become_one_clean_line),
	    cmocka_unit_test(branches_that_are_more_than_a_name_are_refused),
	    cmocka_unit_test(the_credentials_belong_to_one_host),
	    cmocka_unit_test(half_an_answer_of_upload_pack_is_none),
	    cmocka_unit_test(paths_outside_are_seen_in_composes_words),
	    cmocka_unit_test(variables_that_are_not_set_are_seen_in_composes_words),
	    cmocka_unit_test(a_variable_is_found_where_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
