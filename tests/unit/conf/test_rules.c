#include "cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/str.h"
#include "conf/rules.h"

struct sample {
	const char *value;
	const char *part; /* of the sentence; NULL: the value is fine */
};

static void
try_all(const char *what, int (*rule)(const char *, struct err *), const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct err err = ERR_INIT;
		int r = rule(samples[i].value, &err);

		if (samples[i].part == NULL && r != 0)
			fail_msg("%s \"%s\" is refused: %s", what, samples[i].value, err.msg);
		if (samples[i].part != NULL && (r != -EINVAL || strstr(err.msg, samples[i].part) == NULL))
			fail_msg("%s \"%s\" gives %d, \"%s\", without \"%s\"", what, samples[i].value, r, err.msg,
			    samples[i].part);
	}
}

/* A string of n times c behind a beginning, kept until the test ends. */
static const char *
filled(const char *beginning, char c, size_t n)
{
	static char slots[8][70 * 1024];
	static size_t next;
	char *s = slots[next++ % ARRAY_LEN(slots)];
	size_t len = strlen(beginning);

	assert_true(len + n < sizeof(slots[0]));
	memcpy(s, beginning, len);
	memset(s + len, c, n);
	s[len + n] = '\0';
	return s;
}

static void
names_that_compose_or_a_directory_would_not_take(void **state)
{
	const struct sample samples[] = {
	    {"web", NULL},
	    {"0", NULL},
	    {"a_b-c9", NULL},
	    {filled("", 'a', 63), NULL},
	    {"", "empty"},
	    {"../../x", "path"},
	    {"..", "path"},
	    {".", "path"},
	    {"/etc", "path"},
	    {"a/b", "path"},
	    {"Web", "upper case"},
	    {"a.b", "dot"},
	    {"-a", "begin with a letter or a digit"},
	    {"_a", "begin with a letter or a digit"},
	    {"a b", "only a-z"},
	    {"a\nb", "only a-z"},
	    {"\xC3\xA9", "only a-z"},
	    {filled("", 'a', 64), "64 characters: 63"},
	};

	(void)state;
	try_all("name", rule_name, samples, ARRAY_LEN(samples));
}

static void
users_that_are_no_account_names(void **state)
{
	const struct sample samples[] = {
	    {"root", NULL},
	    {"_pgod", NULL},
	    {"www-data", NULL},
	    {"Jan.Smit@example.org", NULL},
	    {filled("", 'u', RULE_USER_MAX), NULL},
	    {"", "empty"},
	    {"0", "is a number"},
	    {"1000", "is a number"},
	    {"1a", "begin with a letter"},
	    {"-u", "begin with a letter"},
	    {".", "begin with a letter"},
	    {"a:b", "may hold only"},
	    {"a b", "may hold only"},
	    {"a/b", "may hold only"},
	    {"a\n", "may hold only"},
	    {filled("", 'u', RULE_USER_MAX + 1), "65 characters"},
	};

	(void)state;
	try_all("user", rule_user, samples, ARRAY_LEN(samples));
}

static void
branches_that_git_would_refuse_or_misread(void **state)
{
	const struct sample samples[] = {
	    {"main", NULL},
	    {"release/1.2", NULL},
	    {"f\xC3\xBCr-alle", NULL},
	    {"a@b", NULL},
	    {"a.lockb", NULL},
	    {"Head", NULL},
	    {filled("", 'b', RULE_BRANCH_MAX), NULL},
	    {"", "empty"},
	    {"refs/heads/main", "full ref"},
	    {"-b", "begins with \"-\""},
	    {"--upload-pack=x", "begins with \"-\""},
	    {"a\tb", "control"},
	    {"a\x7f", "control"},
	    {"a b", "space"},
	    {"a~1", "space or one of"},
	    {"a^", "space or one of"},
	    {"a:b", "space or one of"},
	    {"a?", "space or one of"},
	    {"a*", "space or one of"},
	    {"a[b", "space or one of"},
	    {"a\\b", "space or one of"},
	    {"a..b", "\"..\""},
	    {"a@{1}", "\"@{\""},
	    {"@", "\"@\""},
	    {"HEAD", "HEAD"},
	    {"a.", "ends with \".\""},
	    {"/a", "\"/\""},
	    {"a/", "\"/\""},
	    {"a//b", "\"//\""},
	    {".a", "begins with \".\""},
	    {"a/.b", "begins with \".\""},
	    {"a.lock", ".lock"},
	    {"a.lock/b", ".lock"},
	    {filled("", 'b', RULE_BRANCH_MAX + 1), "245 bytes"},
	};

	(void)state;
	try_all("branch", rule_branch, samples, ARRAY_LEN(samples));
}

static void
compose_files_outside_of_the_repository(void **state)
{
	const struct sample samples[] = {
	    {"compose.yaml", NULL},
	    {"deploy/prod/my compose.yml", NULL},
	    {"a..b", NULL},
	    {".compose", NULL},
	    {filled("", 'c', RULE_COMPOSE_MAX), NULL},
	    {"", "empty"},
	    {"/etc/passwd", "absolute"},
	    {"-f", "begins with \"-\""},
	    {"a\nb", "control"},
	    {"../x", "\"..\""},
	    {"a/../b", "\"..\""},
	    {"a/..", "\"..\""},
	    {"./a", "\"..\""},
	    {"a//b", "\"//\""},
	    {"a/", "ends with \"/\""},
	    {filled("", 'c', RULE_COMPOSE_MAX + 1), "1025 bytes"},
	};

	(void)state;
	try_all("compose", rule_compose, samples, ARRAY_LEN(samples));
}

static void
networks_that_docker_would_not_take(void **state)
{
	const struct sample samples[] = {
	    {"reverseproxy", NULL},
	    {"Net_1.a-b", NULL},
	    {filled("", 'n', RULE_NETWORK_MAX), NULL},
	    {"", "empty"},
	    {"-n", "no network name"},
	    {".n", "no network name"},
	    {"a b", "no network name"},
	    {"a/b", "no network name"},
	    {"\xC3\xA9", "no network name"},
	    {filled("", 'n', RULE_NETWORK_MAX + 1), "256 characters"},
	};

	(void)state;
	try_all("network", rule_network, samples, ARRAY_LEN(samples));
}

static void
variables_that_steer_the_job(void **state)
{
	const struct sample samples[] = {
	    {"A=b", NULL},
	    {"_a9=", NULL},
	    {"A==b=", NULL},
	    {"KEY=line 1\nline 2\n", NULL},
	    {"PATHS=x", NULL},
	    {"MYHOME=x", NULL},
	    {"ENVIRONMENT=x", NULL},
	    {"COMPOSE=x", NULL},
	    {"HTTP_PROXY=x", NULL},
	    {filled("A=", 'x', RULE_ENV_MAX - 2), NULL},
	    {"hunter22", "no \"=\""},
	    {"", "no \"=\""},
	    {"=hunter22", "no proper name"},
	    {"9A=hunter22", "no proper name"},
	    {"A B=hunter22", "no proper name"},
	    {"hunter/22=", "no proper name"},
	    {"BASH_FUNC_x%%=() { :; }", "no proper name"},
	    {"COMPOSE_FILE=x", "COMPOSE_FILE, which a service may not"},
	    {"COMPOSE_PROJECT_NAME=x", "may not"},
	    {"COMPOSE_=x", "may not"},
	    {"DOCKER_HOST=x", "may not"},
	    {"BUILDKIT_PROGRESS=x", "may not"},
	    {"PATH=x", "may not"},
	    {"HOME=x", "may not"},
	    {"LD_PRELOAD=x", "may not"},
	    {"GIT_SSH_COMMAND=x", "may not"},
	    {"PGO_LIVE=x", "may not"},
	    {"BASH_ENV=x", "may not"},
	    {"ENV=x", "may not"},
	    {"PWD=x", "may not"},
	    {"GLIBC_TUNABLES=x", "may not"},
	    {"GODEBUG=x", "may not"},
	    {filled("A=", 'x', RULE_ENV_MAX - 1), "65537 bytes"},
	};

	(void)state;
	try_all("env", rule_env, samples, ARRAY_LEN(samples));
}

static void
repositories_that_git_may_be_given(void **state)
{
	const struct sample samples[] = {
	    {"https://example.org/a.git", NULL},
	    {"http://127.0.0.1:8080/a", NULL},
	    {"https://[::1]:8443/a", NULL},
	    {"ssh://git@example.org/a", NULL},
	    {"ssh://example.org:2222/~u/a", NULL},
	    {"git://example.org/a", NULL},
	    {"file:///srv/a.git", NULL},
	    {"git@example.org:a/b.git", NULL},
	    {"git@[2001:db8::1]:a", NULL},
	    {"a.b+c@host:~u/a", NULL},
	    {"/srv/a.git", NULL},
	    {"/srv/with space/a:b", NULL},
	    {filled("/", 'a', RULE_REPOSITORY_MAX - 1), NULL},
	};

	(void)state;
	try_all("repository", rule_repository, samples, ARRAY_LEN(samples));
}

/* Not in a function: there are many ways to be wrong. */
static const struct sample bad_repositories[] = {
    {"http://example.org:8080/a b", "space"},
    {"", "empty"},
    {"/", "root directory"},
    {"//", "root directory"},
    {"ext::sh -c id", "transport helper"},
    {"foo::bar", "transport helper"},
    {"::bar", "transport helper"},
    {"git-remote-x::https://h/a", "transport helper"},
    {"--upload-pack=id", "begins with \"-\""},
    {"-u@host:path", "begins with \"-\""},
    {"a/b", "relative"},
    {"./a", "relative"},
    {"../a", "relative"},
    {"~/a", "relative"},
    {"a", "relative"},
    {"/srv/a\n", "newline"},
    {"https://h/a\x01", "control"},
    {"https://h/a%0ab", "control"},
    {"https://h/a%00b", "control"},
    {"https://h/a%4", "malformed"},
    {"https://h/a%", "malformed"},
    {"file:///a%0Ab", "control"},
    {"HTTPS://h/a", "scheme that is not supported"},
    {"ftp://h/a", "scheme that is not supported"},
    {"git+ssh://h/a", "scheme that is not supported"},
    {"rsync://h/a", "scheme that is not supported"},
    {"https:///a", "names no host"},
    {"https://:80/a", "no proper host"},
    {"https://-h/a", "no proper host"},
    {"ssh://-oProxyCommand=id/a", "no proper host"},
    {"ssh://%2DoProxyCommand=id/a", "no proper host"},
    {"ssh://-oProxyCommand=id@h/a", "no proper user name"},
    {"https://h h/a", "no proper host"},
    {"https://[::1/a", "no proper host"},
    {"https://[]/a", "no proper host"},
    {"https://[::1]x/a", "no proper host"},
    {"https://h:/a", "port"},
    {"https://h:0/a", "port"},
    {"https://h:65536/a", "port"},
    {"https://h:+1/a", "port"},
    {"https://h:8080x/a", "port"},
    {"https://h", "names only a host"},
    {"https://h/", "names only a host"},
    {"https://h/a?private_token=hunter22", "\"?\""},
    {"https://h/a#main", "a branch has its own key"},
    {"https://u:hunter22@x@h/a", "%40"},
    {"https://@h/a", "no user name or token"},
    {"https://hunter22%0a@h/a", "control character"},
    {"https://hunter22%zz@h/a", "malformed"},
    {"https://hunter%3A22:x@h/a", "%3A"},
    {"https://hunter22%ff@h/a", "UTF-8"},
    {"https://hunter22%ed%a0%80@h/a", "UTF-8"},
    {"ssh://git:hunter22@h/a", "password in an ssh URL"},
    {"ssh://@h/a", "no proper user name"},
    {"git://u@h/a", "git protocol knows none"},
    {"file://host/a", "three slashes"},
    {"file://u@h/a", "three slashes"},
    {"host:path", "not a place"},
    {"https:/h/a", "not a place"},
    {"u@-h:a", "not a place"},
    {"u@h", "relative"},
    {"u@h:", "no proper path"},
    {"u@h:-a", "no proper path"},
    {"u:hunter22@h:a", "not a place"},
};

static void
repositories_that_git_must_not_be_given(void **state)
{
	const struct sample too_long = {filled("/", 'a', RULE_REPOSITORY_MAX), "2049 bytes"};

	(void)state;
	try_all("repository", rule_repository, bad_repositories, ARRAY_LEN(bad_repositories));
	try_all("repository", rule_repository, &too_long, 1);
}

static void
secrets_stay_out_of_every_sentence(void **state)
{
	static const char *const values[] = {"https://u:hunter22@x@h/a", "https://hunter22%0a@h/a",
	    "https://hunter22@/a", "https://hunter22@h", "https://u:hunter22@h:0/a", "https://hunter22@-h/a",
	    "ssh://u:hunter22@h/a", "ssh://hunter22!@h/a", "git://hunter22@h/a", "hunter22@h", "u:hunter22@h:a",
	    "hunter22::x", "ftp://u:hunter22@h/a", "hunter22", "https://h/a?t=hunter22", "hunter22=", "9=hunter22",
	    "hunter22 x=", "PATH=hunter22", "hunter22\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct err err = ERR_INIT;

		if (rule_repository(values[i], &err) == 0)
			fail_msg("%s is accepted", values[i]);
		assert_null(strstr(err.msg, "hunter"));
		(void)rule_env(values[i], &err);
		assert_null(strstr(err.msg, "hunter"));
	}
}

static void
credentials_leave_the_url(void **state)
{
	static const struct {
		const char *value;
		const char *url;
		const char *auth;
	} samples[] = {
	    {"https://h/a", "https://h/a", NULL},
	    {"https://oauth2:tok@h:81/a/b.git", "https://h:81/a/b.git", "oauth2:tok"},
	    {"http://tok@h/a", "http://h/a", "tok:"},
	    {"https://u:@h/a", "https://h/a", "u:"},
	    {"https://:p@h/a", "https://h/a", ":p"},
	    {"https://u:a:b@h/a@b", "https://h/a@b", "u:a:b"},
	    {"https://u%20x:p%40%3A%2f%C3%A9@h/a%20b", "https://h/a%20b", "u x:p@:/\xC3\xA9"},
	    {"https://u:p%3a@[::1]/a", "https://[::1]/a", "u:p:"},
	    {"ssh://git@h/a", "ssh://git@h/a", NULL},
	    {"git@h:a@b", "git@h:a@b", NULL},
	    {"/srv/u:p@h", "/srv/u:p@h", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct err err = ERR_INIT;
		auto_free char *url = NULL;
		auto_free char *auth = NULL;

		assert_int_equal(rule_split_repository(samples[i].value, &url, &auth, &err), 0);
		assert_string_equal(url, samples[i].url);
		if (samples[i].auth == NULL)
			assert_null(auth);
		else
			assert_string_equal(auth, samples[i].auth);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_that_compose_or_a_directory_would_not_take),
	    cmocka_unit_test(users_that_are_no_account_names),
	    cmocka_unit_test(branches_that_git_would_refuse_or_misread),
	    cmocka_unit_test(compose_files_outside_of_the_repository),
	    cmocka_unit_test(networks_that_docker_would_not_take),
	    cmocka_unit_test(variables_that_steer_the_job),
	    cmocka_unit_test(repositories_that_git_must_not_be_given),
	    cmocka_unit_test(repositories_that_git_may_be_given),
	    cmocka_unit_test(secrets_stay_out_of_every_sentence),
	    cmocka_unit_test(credentials_leave_the_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
