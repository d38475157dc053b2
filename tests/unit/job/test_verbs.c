/* keys, inputs, resolve and mkdirs. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

static void
fetch(struct fx *fx)
{
	if (fx_job(fx, "fetch", NULL) != 0)
		fail_msg("fetch: %s", buf_str(&fx->err));
}

/* Gives the verb these paths, NULL-terminated, each below the fixture's directory. */
static int
job_with_paths(struct fx *fx, const char *verb, const char *oid, const char *const *paths)
{
	auto_buf struct buf in = BUF_INIT(1 << 20);
	int r;

	for (size_t i = 0; paths[i]; i++) {
		auto_free char *path = paths[i][0] == '/' ? str_dup(paths[i]) : str_printf("%s/%s", fx->dir, paths[i]);

		buf_add(&in, path, strlen(path) + 1);
	}
	fx->in = buf_str(&in);
	fx->in_len = in.len;
	r = fx_job(fx, verb, oid);
	fx->in = NULL;
	fx->in_len = 0;
	return r;
}

/* The output has this in it; a newline at its beginning is that of the line before. */
static void
told(const struct fx *fx, const char *text)
{
	auto_free char *out = str_printf("\n%s", buf_str(&fx->out));

	if (strstr(out, text) == NULL)
		fail_msg("no \"%s\" in:%s", text, out);
}

static void
keys_prints_each_line_with_its_place(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid =
	    fx_commit(fx, "mkdir -p ssh/sub; printf '# me\\n\\nssh-ed25519 AAAA a\\r\\n  \\nssh-rsa BBBB b' >ssh/a.pub;"
			  "echo 'ssh-ed25519 CCCC' >ssh/b.pub; ln -s /etc/passwd ssh/link.pub; echo x >ssh/sub/c.pub;"
			  "echo x >ssh/no.txt; echo x >'ssh/co:lon.pub'; head -c 70000 /dev/zero >ssh/big.pub;"
			  "{ head -c 17000 /dev/zero | tr '\\0' x; echo; echo 'ssh-ed25519 DDDD'; } >ssh/long.pub;"
			  "printf 'ssh-ed25519 A\\0B\\n' >ssh/nul.pub;"
			  "echo x >\"ssh/$(printf 'new\\nline').pub\"; mkdir other; echo x >other/x.pub");

	fetch(fx);
	assert_int_equal(fx_job(fx, "keys", oid), 0);
	assert_int_equal(fx->err.len, 0);
	told(fx, "\na.pub:3:ssh-ed25519 AAAA a\na.pub:5:ssh-rsa BBBB b\nb.pub:1:ssh-ed25519 CCCC\n");
	told(fx, "\nlong.pub:2:ssh-ed25519 DDDD\n");
	told(fx, "link.pub:0:left out: it is not a regular file\n");
	told(fx, "co?lon.pub:0:left out: its name has a colon or a control character\n");
	told(fx, "new\\nline.pub:0:left out: its name has a colon or a control character\n");
	told(fx, "big.pub:0:left out: it has more than 65536 bytes\n");
	told(fx, "nul.pub:0:line 1 is left out: it is no text\n");
	/* cut, so that core sees that it is too long */
	told(fx, "\nlong.pub:1:xxxxx");
	assert_int_equal(strspn(strstr(buf_str(&fx->out), "long.pub:1:") + 11, "x"), 16385);
}

static void
a_repository_without_keys_has_none(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx, "echo 1 >a");
	auto_free char *file = NULL;

	fetch(fx);
	assert_int_equal(fx_job(fx, "keys", oid), 0);
	assert_int_equal(fx->out.len, 0);
	file = fx_commit(fx, "ln -s /root/.ssh ssh");
	fetch(fx);
	assert_int_equal(fx_job(fx, "keys", file), 0);
	assert_int_equal(fx->out.len, 0);
}

static void
inputs_tells_what_the_commit_has(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid =
	    fx_commit(fx, "mkdir -p d/e; echo 1 >d/e/f; ln -s d link; ln -s nowhere d/dangling; echo 1 >d-x");
	static const char *const paths[] = {"live", "live/d", "live/d/e/f", "live/link", "live/link/e/f",
	    "live/d/dangling", "live/none", "live/planted/x", "live/d/e/planted2", "data", "data/x", "data/l/x",
	    "data/l", "/etc/passwd", NULL};
	auto_free char *script =
	    str_printf("cd work; D=%s/live; echo tree $(git rev-parse HEAD^{tree});"
		       "echo tree $(git rev-parse HEAD:d); echo blob $(git rev-parse HEAD:d/e/f);"
		       "echo symlink $D/link; echo symlink $D/link; echo symlink $D/d/dangling; echo absent;"
		       "echo symlink $D/planted; echo symlink $D/d/e/planted2; echo absent; echo absent;"
		       "echo symlink %s/data/l; echo symlink %s/data/l; echo absent",
		fx->dir, fx->dir, fx->dir);
	auto_free char *expected = fx_sh(fx, script);
	auto_free char *with_newline = str_printf("%s\n", expected);

	fetch(fx);
	fx_do(fx, "ln -s / live/planted; mkdir -p live/d/e; ln -s / live/d/e/planted2; ln -s / data/l");
	assert_int_equal(job_with_paths(fx, "inputs", oid, paths), 0);
	assert_string_equal(buf_str(&fx->out), with_newline);
}

static void
a_submodule_that_the_model_reads_is_refused_by_its_name(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx,
	    "mkdir -p lib doc; echo 1 >lib/a; echo 1 >doc/a; git add -A; git update-index --add --cacheinfo "
	    "160000,1111111111111111111111111111111111111111,lib/sub; git commit -qm s; mkdir -p lib/sub");

	fetch(fx);
	assert_int_equal(
	    job_with_paths(fx, "inputs", oid, (const char *const[]){"live/doc", "live/lib/a", "live/li", NULL}), 0);
	assert_int_equal(job_with_paths(fx, "inputs", oid, (const char *const[]){"live/doc", "live/lib", NULL}), 6);
	fx_assert_said(fx, "the submodule lib/sub is part of ./lib, which the compose file uses");
	assert_int_equal(job_with_paths(fx, "inputs", oid, (const char *const[]){"live/lib/sub", NULL}), 6);
	assert_int_equal(job_with_paths(fx, "inputs", oid, (const char *const[]){"live/lib/sub/x/y", NULL}), 6);
	assert_int_equal(job_with_paths(fx, "inputs", oid, (const char *const[]){"live", NULL}), 6);
}

#define POINTER                                                                                                          \
	"printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258d" \
	"aaa5e2ca24d17e2393\\nsize 12345\\n'"

static void
a_pointer_of_git_lfs_that_the_model_reads_is_refused_by_its_name(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx,
	    "mkdir -p www doc; echo 1 >www/a; seq 100 >www/b; " POINTER " >www/logo.png;" POINTER " >doc/big.psd;"
	    "(echo '# how to'; " POINTER ") >doc/about; ln -s logo.png www/link");

	fetch(fx);
	assert_int_equal(
	    job_with_paths(fx, "inputs", oid, (const char *const[]){"live/www/a", "live/doc/about", "data", NULL}), 0);
	assert_int_equal(job_with_paths(fx, "inputs", oid, (const char *const[]){"live/www", NULL}), 6);
	fx_assert_said(fx, "www/logo.png is not the file itself but a pointer of git LFS");
	assert_null(strstr(buf_str(&fx->err), "doc/big.psd"));
	assert_int_equal(job_with_paths(fx, "inputs", oid, (const char *const[]){"live", NULL}), 6);
	fx_assert_said(fx, "doc/big.psd is not");
	assert_null(strstr(buf_str(&fx->err), "doc/about"));
}

static void
inputs_refuses_what_is_no_clean_path(void **state)
{
	struct fx *fx = *state;
	auto_free char *oid = fx_commit(fx, "echo 1 >a");

	fetch(fx);
	assert_int_equal(job_with_paths(fx, "inputs", oid, (const char *const[]){"live/../../etc", NULL}), 1);
	fx->in = "/no/end";
	fx->in_len = 7;
	assert_int_equal(fx_job(fx, "inputs", oid), 1);
}

static void
mkdirs_makes_what_is_missing_and_follows_nothing(void **state)
{
	struct fx *fx = *state;
	static const char *const good[] = {"live/a/b/c", "live/a", "data/x", "live/file", "live", NULL};
	static const char *const bad[][2] = {{"live/link/x", NULL}, {"live/link", NULL}, {"data/l/x/y", NULL},
	    {"live/file/x", NULL}, {"outside/x", NULL}, {"/tmp/pgo-nowhere", NULL}};

	fx_do(fx, "ln -s ../outside live/link; ln -s ../outside data/l; echo f >live/file");
	assert_int_equal(job_with_paths(fx, "mkdirs", NULL, good), 0);
	fx_do(fx, "[ -d live/a/b/c ] && [ -d data/x ] && [ -f live/file ] && [ $(stat -c %a live/a) = 755 ]");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(job_with_paths(fx, "mkdirs", NULL, bad[i]), 1);
		fx_assert_said(fx, "cannot make the directory ");
	}
	fx_do(fx, "[ \"$(ls outside)\" = file ]");
}

/* A compose that writes down what it was given, and answers what $ANSWER says. */
static void
fake_compose(struct fx *fx, const char *answer)
{
	auto_free char *script =
	    str_printf("cat >compose <<'EOS'\n#!/bin/sh\nd=$(dirname \"$0\")\nprintf '%%s\\n' \"$@\" >\"$d/argv\"\n"
		       "env >\"$d/env\"\npwd >\"$d/cwd\"\n%s\nEOS\nchmod +x compose",
		answer);
	auto_free char *path = str_printf("%s/compose", fx->dir);

	fx_do(fx, script);
	fx_env(fx, "PGO_COMPOSE", path);
}

static void
resolve_runs_compose_on_the_first_file_and_its_override(void **state)
{
	struct fx *fx = *state;

	fake_compose(fx, "echo '{}'");
	fx_env(fx, "STAGE", "test");
	fx_env(fx, "PGO_ENV_STAGE", "prod");
	fx_do(fx, "cd live; echo a >compose.yml; echo a >docker-compose.yml; echo a >compose.override.yaml; echo a "
		  ">compose.override.yml");
	assert_int_equal(fx_job(fx, "resolve", NULL), 0);
	assert_string_equal(buf_str(&fx->out), "{}\n");
	fx_do(fx,
	    "printf '%s\\n' -p svc --project-directory $PWD/live -f $PWD/live/compose.yml -f "
	    "$PWD/live/compose.override.yaml "
	    "config --format json | cmp - argv; grep -qx STAGE=prod env; ! grep -q '^PGO_\\|^HOME' env; [ $(cat cwd) = "
	    "$PWD/live ]");
	fx_env(fx, "PGO_COMPOSE_FILE", "docker-compose.yml");
	assert_int_equal(fx_job(fx, "resolve", NULL), 0);
	fx_do(fx, "printf '%s\\n' -p svc --project-directory $PWD/live -f $PWD/live/docker-compose.yml config --format "
		  "json | cmp - argv");
}

static void
resolve_refuses_a_file_before_compose_runs(void **state)
{
	static const struct {
		const char *prepare, *said;
	} cases[] = {
	    {":", "none of compose.yaml, compose.yml, docker-compose.yml, docker-compose.yaml"},
	    {"ln -s ../outside/file compose.yaml", "compose.yaml is a symbolic link: commit the file itself"},
	    {"truncate -s 50000000 compose.yaml", "compose.yaml has 50000000 bytes; at most 1048576 are read"},
	    {"mkdir compose.yaml", "compose.yaml is not a file"},
	    {"mkfifo compose.yaml", "compose.yaml is not a file"},
	    {"echo a >compose.yaml; ln -s ../outside/file compose.override.yml",
		"compose.override.yml is a symbolic link"},
	};
	struct fx *fx = *state;

	fake_compose(fx, "exit 0");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *script = str_printf("rm -rf live/*; cd live; %s", cases[i].prepare);

		fx_do(fx, script);
		assert_int_equal(fx_job(fx, "resolve", NULL), 5);
		fx_assert_said(fx, cases[i].said);
		fx_assert_missing(fx, "argv");
	}
	fx_env(fx, "PGO_COMPOSE_FILE", "../outside/file");
	assert_int_equal(fx_job(fx, "resolve", NULL), 5);
	fx_env(fx, "PGO_COMPOSE_FILE", "gone.yml");
	assert_int_equal(fx_job(fx, "resolve", NULL), 5);
	fx_assert_said(fx, "the repository has no file gone.yml");
	fx_do(fx, "ln -s ../outside live/sub");
	fx_env(fx, "PGO_COMPOSE_FILE", "sub/file");
	assert_int_equal(fx_job(fx, "resolve", NULL), 5);
	fx_assert_missing(fx, "argv");
}

static void
resolve_explains_what_compose_says(void **state)
{
	struct fx *fx = *state;

	fx_do(fx, "echo a >live/compose.yaml");
	fake_compose(fx, "echo 'time=\"2026-01-01T00:00:00Z\" level=warning msg=\"The \\\"X\\\" variable is not set. "
			 "Defaulting to a blank "
			 "string.\"' >&2; echo '{}'");
	assert_int_equal(fx_job(fx, "resolve", NULL), 6);
	assert_string_equal(buf_str(&fx->err),
	    "compose.yaml: a variable is not set and has no default: X; set it with \"env\" in pgo.toml or in .env, or "
	    "write ${X:-default}\n");
	fake_compose(
	    fx, "echo 'time=\"2026-01-01T00:00:00Z\" level=warning msg=\"`version` is obsolete\"' >&2; echo '{}'");
	assert_int_equal(fx_job(fx, "resolve", NULL), 0);
	assert_string_equal(buf_str(&fx->err), "warning: `version` is obsolete\n");
	fake_compose(fx, "printf 'open /etc/shadow: no such file or directory\\033[2J\\n' >&2; exit 15");
	assert_int_equal(fx_job(fx, "resolve", NULL), 6);
	fx_assert_said(fx, "files outside the repository are not visible");
	assert_null(strchr(buf_str(&fx->err), '\033'));
	fake_compose(fx, "printf 'env file %s/x.env not found: no such file\\n' \"$(pwd)\" >&2; exit 14");
	assert_int_equal(fx_job(fx, "resolve", NULL), 6);
	assert_null(strstr(buf_str(&fx->err), "files outside"));
	fake_compose(fx, "head -c 5000000 /dev/zero");
	assert_int_equal(fx_job(fx, "resolve", NULL), 6);
	fx_assert_said(fx, "the resolved model has more than 4 MiB");
	assert_int_equal(fx->out.len, 0);
}

static void
what_was_pushed_needs_no_compose_file(void **state)
{
	struct fx *fx = *state;
	static const char vars[] = "TAG=7\0HTTP_PORT=8080\0LD_PRELOAD=./evil.so";

	fake_compose(fx, "cat >\"$d/in\"; echo '{}'");
	fx_env(fx, "PGO_APP", "1");
	fx_env(fx, "PGO_ENV_ADMIN", "x");
	fx->in = vars;
	fx->in_len = sizeof(vars);
	fx_do(fx, "cd live; echo FROM scratch >Dockerfile; echo hi >index.html");
	assert_int_equal(fx_job(fx, "resolve", NULL), 0);
	fx_do(fx, "printf '%s\\n' -p svc --project-directory $PWD/live -f - config --format json | cmp - argv; "
		  "grep -q '\"kind\":\"dockerfile\"' in; grep -q '\"TAG\":\"7\"' in; grep -qx TAG=7 env; "
		  "grep -qx ADMIN=x env; ! grep -q LD_PRELOAD env; grep -q '\"LD_PRELOAD\":\"./evil.so\"' in");
	/* With a compose file only what the vars want lies over it. */
	fx_do(fx, "echo a >live/compose.yaml");
	assert_int_equal(fx_job(fx, "resolve", NULL), 0);
	fx_do(fx,
	    "printf '%s\\n' -p svc --project-directory $PWD/live -f $PWD/live/compose.yaml -f - config --format json "
	    "| cmp - argv; [ \"$(cat in)\" = '{\"x-pgo-app\":{\"kind\":\"compose\",\"worker\":false,"
	    "\"port\":\"8080\",\"check\":\"\"}}' ]; grep -qx TAG=7 env");
	fx_env(fx, "PGO_STATIC_IMAGE", "web:1");
	fx_do(fx, "rm live/compose.yaml live/Dockerfile; truncate -s 50000000 live/index.html");
	assert_int_equal(fx_job(fx, "resolve", NULL), 0);
	fx_do(fx, "grep -q '\"kind\":\"static\"' in; grep -q 'FROM web:1' in");
}

static void
a_push_with_nothing_to_run_is_told_what_comes_close(void **state)
{
	static const struct {
		const char *prepare, *said;
	} cases[] = {
	    {":", "the repository has nothing that can be run: none of compose.yaml, compose.yml, docker-compose.yml, "
		  "docker-compose.yaml, Dockerfile, index.html is there\n"},
	    {"echo a >dockerfile", "is there; there is a file dockerfile: call it Dockerfile\n"},
	    {"echo a >docker.compose.yml", "; there is a file docker.compose.yml: call it compose.yaml\n"},
	    {"echo a >Docker-Compose.yml", "; there is a file Docker-Compose.yml: call it docker-compose.yml\n"},
	    {"echo a >index.htm", "; there is a file index.htm: call it index.html\n"},
	    {"mkdir b a; echo a >b/Dockerfile; echo a >a/compose.yml",
		"; there is a/compose.yml, but only the root is looked at\n"},
	    {"ln -s ../outside/file Dockerfile", "Dockerfile is a symbolic link: commit the file itself\n"},
	    {"mkdir Dockerfile", "Dockerfile is not a file\n"},
	};
	struct fx *fx = *state;

	fake_compose(fx, "exit 0");
	fx_env(fx, "PGO_APP", "1");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *script = str_printf("rm -rf live/*; cd live; %s", cases[i].prepare);

		fx_do(fx, script);
		assert_int_equal(fx_job(fx, "resolve", NULL), 5);
		fx_assert_said(fx, cases[i].said);
		fx_assert_missing(fx, "argv");
	}
}

static void
what_is_tracked_needs_a_compose_file(void **state)
{
	struct fx *fx = *state;

	fake_compose(fx, "exit 0");
	fx_do(fx, "cd live; echo FROM scratch >Dockerfile; echo hi >index.html");
	assert_int_equal(fx_job(fx, "resolve", NULL), 5);
	assert_string_equal(buf_str(&fx->err),
	    "the repository has no compose file: none of compose.yaml, compose.yml, docker-compose.yml, docker-compose.yaml "
	    "is there\n");
	fx_assert_missing(fx, "argv");
}

static void
directives_and_vars_are_refused_before_compose_runs(void **state)
{
	struct fx *fx = *state;

	fake_compose(fx, "exit 0");
	fx_env(fx, "PGO_APP", "1");
	fx_env(fx, "PGO_DIRECTIVES", "ADD_NAME LINK_SERVICE");
	fx_do(fx, "cd live; printf 'FROM x\\n# ADD_NAME\\n# MOUNT_FROM_HOST /etc\\n# VOLUMES_FROM\\n' >Dockerfile");
	assert_int_equal(fx_job(fx, "resolve", NULL), 6);
	assert_null(strstr(buf_str(&fx->err), "ADD_NAME"));
	fx_assert_said(fx, "Dockerfile:3: the directive MOUNT_FROM_HOST is not allowed");
	fx_assert_said(fx, "Dockerfile:4: the directive VOLUMES_FROM is not allowed");
	fx_do(fx, "echo FROM x >live/Dockerfile");
	fx->in = "HTTP_PORT=http";
	fx->in_len = strlen(fx->in) + 1;
	assert_int_equal(fx_job(fx, "resolve", NULL), 6);
	fx_assert_said(fx, "HTTP_PORT must be a port");
	fx->in_len--; /* half of a var is none */
	assert_int_equal(fx_job(fx, "resolve", NULL), 1);
	fx_assert_missing(fx, "argv");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(keys_prints_each_line_with_its_place),
	    TEST(a_repository_without_keys_has_none),
	    TEST(inputs_tells_what_the_commit_has),
	    TEST(a_submodule_that_the_model_reads_is_refused_by_its_name),
	    TEST(a_pointer_of_git_lfs_that_the_model_reads_is_refused_by_its_name),
	    TEST(inputs_refuses_what_is_no_clean_path),
	    TEST(mkdirs_makes_what_is_missing_and_follows_nothing),
	    TEST(resolve_runs_compose_on_the_first_file_and_its_override),
	    TEST(resolve_refuses_a_file_before_compose_runs),
	    TEST(resolve_explains_what_compose_says),
	    TEST(what_was_pushed_needs_no_compose_file),
	    TEST(a_push_with_nothing_to_run_is_told_what_comes_close),
	    TEST(what_is_tracked_needs_a_compose_file),
	    TEST(directives_and_vars_are_refused_before_compose_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
