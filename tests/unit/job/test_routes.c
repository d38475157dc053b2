/* routes and routes-try, and what stage says of a file that both want. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

enum { REFUSED = 6 };

/* A deployed commit with a directory caddy/, and PGO_IMPORT. */
static void
deployed(struct fx *fx, const char *import)
{
	auto_free char *oid =
	    fx_commit(fx, "mkdir -p caddy; echo main >caddy/Caddyfile; echo x >caddy/.x.pgo; ln -s caddy link");

	fx_deploy(fx, oid);
	fx_env(fx, "PGO_IMPORT", import);
}

static int
routes(struct fx *fx, const char *verb, const char *text)
{
	int r;

	fx->in = text;
	fx->in_len = strlen(text);
	r = fx_job(fx, verb, NULL);
	fx->in = NULL;
	fx->in_len = 0;
	return r;
}

static void
the_file_is_written_whole_and_only_when_it_differs(void **state)
{
	struct fx *fx = *state;

	deployed(fx, "caddy/sites/import");
	assert_int_equal(routes(fx, "routes", "a {\n}\n"), 0);
	assert_string_equal(buf_str(&fx->out), "written\n");
	fx_assert_file(fx, "live/caddy/sites/import", "a {\n}");
	fx_do(fx, "[ $(stat -c %a live/caddy/sites/import) = 644 ]; stat -c '%i %Y' live/caddy/sites/import >was");
	assert_int_equal(routes(fx, "routes", "a {\n}\n"), 0);
	assert_string_equal(buf_str(&fx->out), "same\n");
	fx_do(fx, "stat -c '%i %Y' live/caddy/sites/import | cmp - was; exec 3<live/caddy/sites/import; echo x >y");
	assert_int_equal(routes(fx, "routes", ""), 0);
	assert_string_equal(buf_str(&fx->out), "written\n");
	fx_do(fx, "[ ! -s live/caddy/sites/import ] && [ \"$(ls -A live/caddy/sites)\" = import ]");
	/* A mode in which the proxy could not read it is another file. */
	fx_do(fx, "chmod 600 live/caddy/sites/import");
	assert_int_equal(routes(fx, "routes", ""), 0);
	assert_string_equal(buf_str(&fx->out), "written\n");
}

static void
a_candidate_lies_beside_the_file_and_goes_again(void **state)
{
	struct fx *fx = *state;

	deployed(fx, "caddy/import");
	assert_int_equal(routes(fx, "routes-try", "a"), 0);
	assert_string_equal(buf_str(&fx->out), "none\n");
	fx_assert_file(fx, "live/caddy/.import.pgo", "a");
	fx_assert_missing(fx, "live/caddy/import");
	assert_int_equal(routes(fx, "routes", "a"), 0);
	fx_assert_missing(fx, "live/caddy/.import.pgo");
	assert_int_equal(routes(fx, "routes-try", "b\n"), 0);
	assert_string_equal(buf_str(&fx->out), "other\na");
	fx_assert_file(fx, "live/caddy/import", "a");
	fx_assert_file(fx, "live/caddy/.import.pgo", "b");
	assert_int_equal(routes(fx, "routes-try", "a"), 0);
	assert_string_equal(buf_str(&fx->out), "same\n");
	fx_assert_missing(fx, "live/caddy/.import.pgo");
}

static void
nothing_is_read_or_written_through_what_was_planted(void **state)
{
	struct fx *fx = *state;

	deployed(fx, "caddy/import");
	fx_do(fx,
	    "echo secret >outside/f; ln -s ../../outside/f live/caddy/import; ln -s ../../outside/f live/caddy/.import.pgo");
	assert_int_equal(routes(fx, "routes-try", "a"), 0);
	assert_string_equal(buf_str(&fx->out), "none\n");
	assert_int_equal(routes(fx, "routes", "a"), 0);
	fx_do(fx, "[ ! -L live/caddy/import ] && [ \"$(cat outside/f)\" = secret ]");
	fx_assert_file(fx, "live/caddy/import", "a");
	/* A pipe keeps nobody waiting; a file of the account's that is there twice stays as it is under its other name.
	 */
	fx_do(fx, "rm live/caddy/import; mkfifo live/caddy/import live/caddy/.import.pgo");
	assert_int_equal(routes(fx, "routes", "b"), 0);
	fx_assert_file(fx, "live/caddy/import", "b");
	fx_do(fx, "rm live/caddy/import; ln outside/f live/caddy/import; ln outside/f live/caddy/.import.pgo");
	assert_int_equal(routes(fx, "routes", "c"), 0);
	fx_do(fx, "[ \"$(cat outside/f)\" = secret ]");
	fx_do(fx, "rm live/caddy/import; mkdir live/caddy/import");
	assert_int_equal(routes(fx, "routes", "d"), 1);
	fx_assert_said(fx, "cannot put the new file in the place");
	fx_do(fx, "rmdir live/caddy/import; mkdir live/caddy/.import.pgo");
	assert_int_equal(routes(fx, "routes", "d"), 1);
	fx_assert_said(fx, "cannot remove .import.pgo");
}

static void
a_directory_on_the_way_that_is_a_link_is_not_followed(void **state)
{
	struct fx *fx = *state;

	deployed(fx, "own/import");
	fx_do(fx, "ln -s ../outside live/own; ls -A outside >was");
	assert_int_equal(routes(fx, "routes", "a"), 1);
	fx_assert_said(fx, "own is a symbolic link");
	assert_int_equal(routes(fx, "routes-try", "a"), 1);
	fx_do(fx, "ls -A outside | cmp - was");
}

static void
what_the_repository_has_is_not_overwritten_and_a_commit_that_has_it_is_refused(void **state)
{
	static const struct {
		const char *import, *told;
	} places[] = {
	    {"caddy/Caddyfile", "has the file caddy/Caddyfile itself"},
	    {"caddy", "has the directory caddy itself"},
	    {"link", "has the file link itself"},
	    {"link/import", "has the file link itself"},
	    {"caddy/x", "has the file caddy/.x.pgo itself"},
	    {"caddy/Caddyfile/import", "has the file caddy/Caddyfile itself"},
	};
	struct fx *fx = *state;
	auto_free char *oid = NULL;

	deployed(fx, "caddy/import");
	oid = fx_sh(fx, "git -C work rev-parse HEAD");
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		fx_env(fx, "PGO_IMPORT", places[i].import);
		assert_int_equal(routes(fx, "routes", "a"), REFUSED);
		fx_assert_said(fx, places[i].told);
		assert_int_equal(routes(fx, "routes-try", "a"), REFUSED);
		assert_int_equal(fx_job(fx, "stage", oid), REFUSED);
		fx_assert_said(fx, places[i].told);
	}
	fx_assert_file(fx, "live/caddy/Caddyfile", "main");
	fx_env(fx, "PGO_IMPORT", "caddy/Caddyfile2");
	assert_int_equal(routes(fx, "routes", "a"), 0);
	assert_int_equal(fx_job(fx, "stage", oid), 0);
}

static void
a_checkout_keeps_the_file(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = NULL;

	deployed(fx, "caddy/import");
	assert_int_equal(routes(fx, "routes", "a"), 0);
	oid = fx_commit(fx, "echo more >caddy/Caddyfile; echo x >caddy/new");
	fx_deploy(fx, oid);
	fx_assert_file(fx, "live/caddy/import", "a");
	fx_assert_file(fx, "live/caddy/Caddyfile", "more");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_file_is_written_whole_and_only_when_it_differs),
	    T(a_candidate_lies_beside_the_file_and_goes_again),
	    T(nothing_is_read_or_written_through_what_was_planted),
	    T(a_directory_on_the_way_that_is_a_link_is_not_followed),
	    T(what_the_repository_has_is_not_overwritten_and_a_commit_that_has_it_is_refused),
	    T(a_checkout_keeps_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
