#include "fixture.h"

#include "base/auto.h"
#include "ipc/gitline.h"

static const struct {
	const char *line;
	enum gitline_verb verb;
	const char *name, *service;
} good[] = {
    {"git-receive-pack 'app'", GITLINE_RECEIVE, "app", "app"},
    {"git-receive-pack '/app'", GITLINE_RECEIVE, "app", "app"},
    {"git-receive-pack '/app.git'", GITLINE_RECEIVE, "app", "app"},
    {"git-receive-pack 'app.git/'", GITLINE_RECEIVE, "app", "app"},
    {"git-upload-pack '/1994app'", GITLINE_UPLOAD, "1994app", "1994app"},
    {"git-upload-archive 'a'", GITLINE_ARCHIVE, "a", "a"},
    {"git-receive-pack 'a.b-c'", GITLINE_RECEIVE, "a.b-c", "a_b-c"},
};

static void
a_line_of_git_names_a_repository(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct gitline g = {0};
		struct err err = ERR_INIT;

		if (gitline_parse(good[i].line, strlen(good[i].line), &g, &err) != 1)
			fail_msg("%s: %s", good[i].line, err.msg);
		assert_int_equal(g.verb, good[i].verb);
		assert_string_equal(g.name, good[i].name);
		assert_string_equal(g.service, good[i].service);
	}
}

static const struct {
	const char *line, *why;
} bad[] = {
    /* quoted otherwise than git does, or more than one word */
    {"git-receive-pack", "git-receive-pack wants one name in single quotes behind it"},
    {"git-receive-pack ", "git-receive-pack wants one name in single quotes behind it"},
    {"git-receive-pack app", "git-receive-pack wants one name in single quotes behind it"},
    {"git-receive-pack \"app\"", "git-receive-pack wants one name in single quotes behind it"},
    {"git-receive-pack  'app'", "git-receive-pack wants one name in single quotes behind it"},
    {"git-receive-pack 'app' ", "git-receive-pack wants one name in single quotes behind it"},
    {"git-receive-pack 'app'; id", "git-receive-pack wants one name in single quotes behind it"},
    {"git-receive-pack 'app' 'b'", "git-receive-pack wants one name in single quotes behind it"},
    {"git-receive-pack --advertise-refs 'app'", "git-receive-pack wants one name in single quotes behind it"},
    {"git-receive-pack 'app", "git-receive-pack wants one name in single quotes behind it"},
    {"git-upload-pack '", "git-upload-pack wants one name in single quotes behind it"},
    {"git-upload-archive 'a'\\x'b'", "git-upload-archive wants one name in single quotes behind it"},
    /* no names */
    {"git-receive-pack ''", "\"\", is empty"},
    {"git-receive-pack '/'", "\"\", is empty"},
    {"git-receive-pack '.git'", "\"\", is empty"},
    {"git-receive-pack '.'", "\".\", must begin"},
    {"git-receive-pack '..'", "\"..\", must begin"},
    {"git-receive-pack '../x'", "\"../x\", may hold only"},
    {"git-receive-pack '//app'", "\"/app\", may hold only"},
    {"git-receive-pack '~/app'", "\"~/app\", may hold only"},
    {"git-receive-pack 'test/app'", "\"test/app\", may hold only"},
    {"git-receive-pack 'TestApp'", "\"TestApp\", may hold only"},
    {"git-receive-pack 'test_app'", "\"test_app\", may hold only"},
    {"git-receive-pack 'app:latest'", "\"app:latest\", may hold only"},
    {"git-receive-pack 'test;id'", "\"test;id\", may hold only"},
    {"git-receive-pack 'test$cmd'", "\"test$cmd\", may hold only"},
    {"git-receive-pack 'a|b'", "\"a|b\", may hold only"},
    {"git-receive-pack 'a&b'", "\"a&b\", may hold only"},
    {"git-receive-pack '-x'", "\"-x\", must begin"},
    {"git-receive-pack 'app.git.git'", "\"app.git\", ends with \".git\""},
    {"git-receive-pack 'it'\\''s'", "\"it's\", may hold only"},
    {"git-receive-pack 'wow'\\!''", "\"wow!\", may hold only"},
    {"git-receive-pack '\xc3\xbc'", "\"\xc3\xbc\", may hold only"},
    {"git-receive-pack 'a\x1b[2J'", "\"a\\x1b[2J\", may hold only"},
    {"git-receive-pack 'a\n'", "\"a\\n\", may hold only"},
    {"git-receive-pack 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'", "has 64 characters"},
};

static void
another_quoting_or_path_is_refused_with_a_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct gitline g = {.name = "untouched"};
		struct err err = ERR_INIT;
		int r = gitline_parse(bad[i].line, strlen(bad[i].line), &g, &err);

		if (r != -EINVAL || strstr(err.msg, bad[i].why) == NULL)
			fail_msg("%s: %d %s", bad[i].line, r, err.msg);
		assert_string_equal(g.name, "untouched");
	}
}

static void
a_nul_byte_or_an_endless_path_is_refused(void **state)
{
	char line[4096] = "git-receive-pack '";
	struct gitline g;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(gitline_parse("git-receive-pack 'a\0b'", 22, &g, &err), -EINVAL);
	memset(line + strlen(line), 'a', 4000);
	line[4018] = '\'';
	assert_int_equal(gitline_parse(line, 4019, &g, &err), -EINVAL);
}

static void
what_is_not_gits_is_left_to_the_operation_line(void **state)
{
	static const char *const others[] = {"", "app//up", "git-receive-packs 'app'", "git receive-pack 'app'",
	    " git-receive-pack 'app'", "git-shell -c x", "git-receive-pack//up", "/usr/bin/git-receive-pack 'a'"};
	struct gitline g;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(gitline_parse(others[i], strlen(others[i]), &g, NULL), 0);
}

static void
verbs_have_operations_and_jobs(void **state)
{
	(void)state;
	assert_string_equal(gitline_op(GITLINE_RECEIVE), "push");
	assert_string_equal(gitline_op(GITLINE_UPLOAD), "fetch");
	assert_string_equal(gitline_op(GITLINE_ARCHIVE), "fetch");
	assert_string_equal(gitline_job(GITLINE_RECEIVE), "receive-pack");
	assert_string_equal(gitline_job(GITLINE_UPLOAD), "upload-pack");
	assert_string_equal(gitline_job(GITLINE_ARCHIVE), "upload-archive");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_of_git_names_a_repository),
	    cmocka_unit_test(another_quoting_or_path_is_refused_with_a_sentence),
	    cmocka_unit_test(a_nul_byte_or_an_endless_path_is_refused),
	    cmocka_unit_test(what_is_not_gits_is_left_to_the_operation_line),
	    cmocka_unit_test(verbs_have_operations_and_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
