#include "job/git.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/proc.h"
#include "base/str.h"

/* Nobody's configuration, no prompt ever, no program that a URL could name. */
static const char *const fixed_env[] = {
    "LANG=C.UTF-8",
    "LC_ALL=C.UTF-8",
    "GIT_CONFIG_NOSYSTEM=1",
    "GIT_CONFIG_GLOBAL=/dev/null",
    "GIT_CONFIG_SYSTEM=/dev/null",
    "GIT_ATTR_NOSYSTEM=1",
    "GIT_TERMINAL_PROMPT=0",
    "GIT_SSH_VARIANT=ssh",
    "GIT_NO_REPLACE_OBJECTS=1",
    "GIT_OPTIONAL_LOCKS=0",
    "GIT_LITERAL_PATHSPECS=1",
    "GIT_AUTHOR_NAME=pgo",
    "GIT_AUTHOR_EMAIL=pgo@localhost",
    "GIT_COMMITTER_NAME=pgo",
    "GIT_COMMITTER_EMAIL=pgo@localhost",
};

/* git gives this to a shell, so no byte of it comes from outside: ssh itself puts the variables in. What is learnt of
 * hosts is kept beside the repository, for an account may have no home; what its home knows counts as well. */
#define SSH                                                                                              \
	"GIT_SSH_COMMAND=ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ConnectTimeout=20 " \
	"-o 'UserKnownHostsFile=${PGO_KNOWN_HOSTS} ~/.ssh/known_hosts ~/.ssh/known_hosts2'"
#define SSH_WITH_KEY SSH " -o IdentitiesOnly=yes -o IdentityAgent=none -o 'IdentityFile=${PGO_SSH_KEY}'"
#define KNOWN_HOSTS "pgo-known_hosts" /* "pgo-": it stays when the repository is set aside */

/* transfer.fsckObjects stays off: it refuses old but harmless repositories. What it would catch we refuse where it
 * bites (names in tree.c), and git itself refuses to write such paths. */
static const char *const fixed_args[] = {
    "git",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.attributesFile=/dev/null",
    "-c",
    "core.autocrlf=false",
    "-c",
    "core.symlinks=true",
    "-c",
    "core.fileMode=true",
    "-c",
    "core.trustctime=false", /* rename(2) changes it */
    "-c",
    "core.fsync=committed,loose-object",
    "-c",
    "core.bigFileThreshold=16m", /* larger ones pass through in pieces, and cost no memory of their size */
    "-c",
    "credential.helper=",
    "-c",
    "protocol.ext.allow=never",
    "-c",
    "fetch.unpackLimit=1", /* a pack is verified and synced as a whole */
    "-c",
    "fetch.recurseSubmodules=false",
    "-c",
    "submodule.recurse=false",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "pack.threads=1",
    "-c",
    "http.lowSpeedLimit=100",
    "-c",
    "http.lowSpeedTime=60",
};

enum { ARGS_MAX = 160, ENV_MAX = 48, STDERR_MAX_BYTES = 16 << 10, SECRET_MIN = 4 };

/* git of the PATH we were given; the caller frees. NULL: there is none. */
static char *
find_git(void)
{
	const char *path = getenv("PATH");
	const char *at = path ? path : "/usr/bin:/bin";

	while (*at) {
		size_t len = strcspn(at, ":");
		auto_free char *file = str_printf("%.*s/git", (int)len, at);

		if (*at == '/' && access(file, X_OK) == 0)
			return TAKE(file);
		at += len + (at[len] == ':');
	}
	return NULL;
}

bool
git_url_is_local(const char *url)
{
	return url[0] == '/' || strncasecmp(url, "file://", 7) == 0;
}

const char *
git_upload_pack(const char *url)
{
	/* GIT_CONFIG_* does not survive into a local upload-pack, so the permission to read a repository that another
	 * account owns goes with the command. A constant: no byte of it comes from outside. */
	return git_url_is_local(url) ? "--upload-pack=git -c 'safe.directory=*' upload-pack"
				     : "--upload-pack=git-upload-pack";
}

char *
git_auth_key(const char *url)
{
	const char *host;

	if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
		return NULL;
	host = strstr(url, "://") + 3;
	return str_printf("http.%.*s/.extraHeader", (int)(host - url + (ptrdiff_t)strcspn(host, "/?#")), url);
}

bool
git_branch_is_valid(const char *branch)
{
	size_t len = strlen(branch);

	if (len == 0 || len > 200 || branch[0] == '-' || branch[0] == '/' || branch[0] == '.' ||
	    branch[len - 1] == '/' || branch[len - 1] == '.' || str_ends(branch, ".lock"))
		return false;
	if (strstr(branch, "..") || strstr(branch, "//") || strstr(branch, "/.") || strstr(branch, "@{") ||
	    strstr(branch, ".lock/"))
		return false;
	for (const char *c = branch; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("~^:?*[\\", *c))
			return false;
	return true;
}

/* The secret reaches git in its environment: argv is everyone's to read, the repository's configuration stays on disk.
 */
static void
add_auth(const struct job *job, struct strv *env)
{
	auto_free char *key = job->auth ? git_auth_key(job->url) : NULL;

	if (!key)
		return;
	/* Measured: after a redirect git sends the header to the other host as well. So a redirect is an error here. */
	strv_add(env, "GIT_CONFIG_COUNT=2");
	strv_add(env, "GIT_CONFIG_KEY_1=http.followRedirects");
	strv_add(env, "GIT_CONFIG_VALUE_1=false");
	strv_add_take(env, str_printf("GIT_CONFIG_KEY_0=%s", key));
	strv_add_take(env, str_printf("GIT_CONFIG_VALUE_0=Authorization: Basic %s", job->auth));
}

static void
add_inherited(struct strv *env, const char *name)
{
	const char *value = getenv(name);

	if (value)
		strv_add_take(env, str_printf("%s=%s", name, value));
}

static void
add_ssh(const struct job *job, struct strv *env)
{
	strv_add_take(env, job->repo ? str_printf("PGO_KNOWN_HOSTS=%s/" KNOWN_HOSTS, job->repo)
				     : str_dup("PGO_KNOWN_HOSTS=/dev/null"));
	if (job->ssh_key)
		strv_add_take(env, str_printf("PGO_SSH_KEY=%s", job->ssh_key));
	strv_add(env, job->ssh_key ? SSH_WITH_KEY : SSH);
}

static void
add_common(struct strv *env)
{
	add_inherited(env, "HOME");
	add_inherited(env, "PATH");
	add_inherited(env, "USER");
	add_inherited(env, "LOGNAME");
	for (size_t i = 0; i < ARRAY_LEN(fixed_env); i++)
		strv_add(env, fixed_env[i]);
}

static void
make_env(const struct job *job, const struct git_call *call, struct strv *env)
{
	add_common(env);
	/* Also for where another server sends us on to. */
	strv_add(env, job->foreign ? "GIT_ALLOW_PROTOCOL=https" : "GIT_ALLOW_PROTOCOL=http:https:ssh:git:file");
	strv_add_take(env, str_printf("GIT_DIR=%s", call->git_dir ? call->git_dir : job->repo));
	if (call->index && call->index[0] == '/')
		strv_add_take(env, str_printf("GIT_INDEX_FILE=%s", call->index));
	else if (call->index)
		strv_add_take(env, str_printf("GIT_INDEX_FILE=%s/%s", job->repo, call->index));
	if (call->work_tree)
		strv_add_take(env, str_printf("GIT_WORK_TREE=%s", call->work_tree));
	for (size_t i = 0; call->env && call->env[i]; i++)
		strv_add(env, call->env[i]);
	if (call->remote) {
		add_auth(job, env);
		add_ssh(job, env);
	}
}

static bool
is_advice(const char *line)
{
	static const char *const advice[] = {"hint:", "Please make sure you have the correct access rights",
	    "and the repository exists.", "fatal: Could not read from remote repository.",
	    "warning: ", "Warning: Permanently added", "remote: "};

	for (size_t i = 0; i < ARRAY_LEN(advice); i++)
		if (str_starts(line, advice[i]))
			return true;
	return *line == '\0';
}

/* Overwrites each occurrence of the secret. */
static void
hide_secret(char *text, const char *secret)
{
	size_t len = secret ? strlen(secret) : 0;

	if (len < SECRET_MIN)
		return;
	for (char *at = strstr(text, secret); at; at = strstr(at, secret))
		memset(at, '*', len);
}

/* Puts the sentences of git's lines, without prefixes, behind each other. With `all`, advice counts as well. */
static void
join_lines(struct buf *ret, char *text, bool all)
{
	static const char *const prefixes[] = {"fatal: ", "error: ", "remote: ", "warning: "};
	char *save = NULL;

	for (char *line = strtok_r(text, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save)) {
		if (!all && is_advice(line))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
			if (str_starts(line, prefixes[i]))
				line += strlen(prefixes[i]);
		if (ret->len > 0)
			buf_str_add(ret, "; ");
		buf_vis(ret, line, strlen(line), false);
	}
}

void
git_clean_words(struct buf *ret, const char *text, const char *secret)
{
	auto_free char *copy = str_dup(text);
	auto_free char *again = NULL;
	auto_buf struct buf joined = BUF_INIT(4 * STDERR_MAX_BYTES);
	size_t skip;

	hide_secret(copy, secret);
	again = str_dup(copy);
	join_lines(&joined, copy, false);
	if (joined.len == 0)
		join_lines(&joined, again, true);
	skip = joined.len > GIT_WORDS_MAX ? joined.len - GIT_WORDS_MAX : 0;
	while (skip > 0 && skip < joined.len && ((unsigned char)joined.data[skip] & 0xc0) == 0x80)
		skip++;
	buf_str_add(ret, skip > 0 ? "…" : "");
	buf_str_add(ret, buf_str(&joined) + skip);
}

static size_t
make_args(const struct git_call *call, const char **argv)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(fixed_args); i++)
		argv[n++] = fixed_args[i];
	for (size_t i = 0; call->args[i] && n < ARGS_MAX - 1; i++)
		argv[n++] = call->args[i];
	argv[n] = NULL;
	return n;
}

int
git_run(const struct job *job, const struct git_call *call, struct err *err)
{
	auto_free char *git = find_git();
	auto_strv struct strv env = {0};
	auto_buf struct buf tail = BUF_INIT(STDERR_MAX_BYTES);
	const char *argv[ARGS_MAX];
	int r;

	if (!git)
		return err_set(err, ENOENT, "git is not installed");
	make_args(call, argv);
	make_env(job, call, &env);
	r = proc_run(
	    &(struct proc_spec){
		.path = git,
		.argv = (char *const *)argv,
		.envp = env.v,
		.cwd = call->work_tree,
		.stdio = {call->in_fd > 0 ? call->in_fd : -1, call->out_fd > 0 ? call->out_fd : -1, -1},
		.keep = &call->keep_fd,
		.nkeep = call->keep_fd > 0 ? 1 : 0,
		.death_signal = 9,
	    },
	    call->in, call->in_len, call->out, &tail, call->deadline_ms ? call->deadline_ms : JOB_LOCAL_DEADLINE_MS,
	    err);
	if (r < 0)
		return err_wrap(err, "git %s", call->args[0]);
	if (call->out && call->out->full)
		return err_set(err, EFBIG, "git %s answers with more than %zu bytes", call->args[0], call->out->limit);
	if (call->words)
		git_clean_words(call->words, buf_str(&tail), job->auth);
	return r;
}

int
git_do(const struct job *job, const struct git_call *call, const char *what, struct err *err)
{
	auto_buf struct buf words = BUF_INIT(GIT_WORDS_MAX + 8);
	struct git_call copy = *call;
	int r;

	copy.words = &words;
	r = git_run(job, &copy, err);
	if (r <= 0)
		return r;
	if (words.len > 0)
		return err_set(err, EIO, "%s: %s", what, buf_str(&words));
	return err_set(err, EIO, "%s: git %s ended with status %d", what, call->args[0], r);
}

static void
add_config(struct strv *env, const struct strv *config)
{
	strv_add_take(env, str_printf("GIT_CONFIG_COUNT=%zu", config->n));
	for (size_t i = 0; i < config->n; i++) {
		size_t key = strcspn(config->v[i], "=");

		strv_add_take(env, str_printf("GIT_CONFIG_KEY_%zu=%.*s", i, (int)key, config->v[i]));
		strv_add_take(env, str_printf("GIT_CONFIG_VALUE_%zu=%s", i, config->v[i] + key + 1));
	}
}

int
git_become(const struct job *job, const char *const *args, const struct strv *config, struct err *err)
{
	static const char *const handed_on[] = {"PGO_SERVICE", "PGO_MAX_OBJECTS"};
	auto_free char *git = find_git();
	auto_strv struct strv env = {0};

	if (!git)
		return err_set(err, ENOENT, "git is not installed");
	add_common(&env);
	strv_add_take(&env, str_printf("PGO_REPO=%s", job->repo));
	for (size_t i = 0; i < ARRAY_LEN(handed_on); i++)
		add_inherited(&env, handed_on[i]);
	add_config(&env, config);
	execve(git, (char *const *)args, env.v);
	return err_errno(err, "cannot execute %s", git);
}
