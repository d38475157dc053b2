#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/proc.h"

enum { TEXT_MAX = 1 << 20, DEADLINE_MS = 120000 };

static const char *const paths[][2] = {
    {"PGO_LIVE", "live"}, {"PGO_STAGE", "stage"}, {"PGO_REPO", "repo"}, {"PGO_DATADIR", "data"}, {"PGO_URL", "r.git"}};

static void
base_env(struct fx *fx, struct strv *env)
{
	const char *asan = getenv("ASAN_OPTIONS");

	strv_add_take(env, str_printf("HOME=%s", fx->dir));
	strv_add(env, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	strv_add(env, "LANG=C.UTF-8");
	if (asan)
		strv_add_take(env, str_printf("ASAN_OPTIONS=%s", asan));
}

static int
run(struct fx *fx, const char *path, char *const *argv, char *const *env, struct buf *out, struct buf *errtail)
{
	struct err err = ERR_INIT;
	int r = proc_run(
	    &(struct proc_spec){.path = path, .argv = argv, .envp = env, .cwd = fx->dir, .stdio = {-1, -1, -1}}, fx->in,
	    fx->in_len, out, errtail, DEADLINE_MS, &err);

	if (r < 0)
		fail_msg("%s: %s", path, err.msg);
	return r;
}

char *
fx_sh(struct fx *fx, const char *script)
{
	auto_strv struct strv env = {0};
	auto_buf struct buf out = BUF_INIT(TEXT_MAX);
	auto_buf struct buf words = BUF_INIT(4096);
	const char *const argv[] = {"sh", "-euc", script, NULL};
	const void *in = fx->in;
	int r;

	base_env(fx, &env);
	strv_add(&env, "GIT_CONFIG_GLOBAL=/dev/null");
	strv_add(&env, "GIT_CONFIG_NOSYSTEM=1");
	strv_add(&env, "GIT_AUTHOR_NAME=t");
	strv_add(&env, "GIT_AUTHOR_EMAIL=t@t");
	strv_add(&env, "GIT_COMMITTER_NAME=t");
	strv_add(&env, "GIT_COMMITTER_EMAIL=t@t");
	fx->in = NULL;
	r = run(fx, "/bin/sh", (char *const *)argv, env.v, &out, &words);
	fx->in = in;
	if (r != 0)
		fail_msg("%s\nstatus %d: %s%s", script, r, buf_str(&out), buf_str(&words));
	if (out.len > 0 && out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0';
	return buf_take(&out);
}

void
fx_do(struct fx *fx, const char *script)
{
	free(fx_sh(fx, script));
}

int
fx_setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	char dir[] = "/tmp/pgo-job.XXXXXX";

	assert_non_null(fx);
	assert_non_null(mkdtemp(dir));
	fx->dir = str_dup(dir);
	fx->out = (struct buf)BUF_INIT(TEXT_MAX);
	fx->err = (struct buf)BUF_INIT(TEXT_MAX);
	fx_do(fx,
	    "umask 022; mkdir live stage repo data outside; chmod 700 stage repo; git init -q --bare -b main r.git;"
	    "git init -q -b main work; echo outside >outside/file");
	*state = fx;
	return 0;
}

int
fx_teardown(void **state)
{
	struct fx *fx = *state;

	fx->in = NULL;
	fx_do(fx, "chmod -R u+rwx .; rm -rf \"$PWD\"");
	free(fx->dir);
	strv_done(&fx->extra);
	buf_done(&fx->out);
	buf_done(&fx->err);
	free(fx);
	return 0;
}

char *
fx_commit(struct fx *fx, const char *script)
{
	auto_free char *whole = str_printf("cd work; %s\ngit add -A; git commit -q --allow-empty -m c;"
					   "git push -q --force ../r.git HEAD:main; git rev-parse HEAD",
	    script);

	return fx_sh(fx, whole);
}

void
fx_env(struct fx *fx, const char *name, const char *value)
{
	strv_add_take(&fx->extra, str_printf("%s=%s", name, value));
}

static bool
is_extra(const struct fx *fx, const char *name)
{
	auto_free char *prefix = str_printf("%s=", name);

	for (size_t i = 0; i < fx->extra.n; i++)
		if (str_starts(fx->extra.v[i], prefix))
			return true;
	return false;
}

static void
job_env(struct fx *fx, struct strv *env)
{
	/* The first of a name is what getenv finds. */
	for (size_t i = fx->extra.n; i > 0; i--)
		strv_add(env, fx->extra.v[i - 1]);
	base_env(fx, env);
	strv_add(env, "PGO_SERVICE=svc");
	strv_add(env, "PGO_BRANCH=main");
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (!is_extra(fx, paths[i][0]))
			strv_add_take(env, str_printf("%s=%s/%s", paths[i][0], fx->dir, paths[i][1]));
}

int
fx_job(struct fx *fx, const char *verb, const char *operands)
{
	auto_strv struct strv env = {0};
	auto_strv struct strv argv = {0};
	auto_free char *words = str_dup(operands ? operands : "");
	const char *program = getenv("PGOD_JOB");
	char *save = NULL;

	assert_non_null(program);
	strv_add(&argv, "pgod-job");
	strv_add(&argv, verb);
	for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		strv_add(&argv, word);
	job_env(fx, &env);
	buf_reset(&fx->out);
	buf_reset(&fx->err);
	fx->out.full = fx->err.full = false;
	return run(fx, program, argv.v, env.v, &fx->out, &fx->err);
}

pid_t
fx_start(struct fx *fx, const char *verb, const char *oid)
{
	auto_strv struct strv env = {0};
	const char *const argv[] = {"pgod-job", verb, oid, NULL};
	struct err err = ERR_INIT;
	pid_t pid = -1;

	job_env(fx, &env);
	if (proc_spawn(
		&(struct proc_spec){
		    .path = getenv("PGOD_JOB"), .argv = (char *const *)argv, .envp = env.v, .stdio = {-1, -1, -1}},
		&pid, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	return pid;
}

void
fx_deploy(struct fx *fx, const char *oid)
{
	static const char *const verbs[] = {"fetch", "stage", "checkout"};

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		int r = fx_job(fx, verbs[i], i == 0 ? NULL : oid);

		if (r != 0)
			fail_msg("%s: status %d: %s", verbs[i], r, buf_str(&fx->err));
	}
}

void
fx_assert_file(struct fx *fx, const char *path, const char *content)
{
	auto_free char *script = str_printf("cat '%s'", path);
	auto_free char *text = fx_sh(fx, script);

	assert_string_equal(text, content);
}

void
fx_assert_missing(struct fx *fx, const char *path)
{
	auto_free char *whole = str_printf("%s/%s", fx->dir, path);
	struct stat st;

	assert_int_equal(lstat(whole, &st), -1);
}

void
fx_assert_said(struct fx *fx, const char *text)
{
	if (!strstr(buf_str(&fx->err), text))
		fail_msg("not said: %s\nbut: %s", text, buf_str(&fx->err));
}
