#include "supervisor/job.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/sanitized.h"
#include "ipc/upstreams.h"

enum {
	SECOND = 1000,
	MINUTE = 60 * SECOND,
	HOUR = 60 * MINUTE,
	NOFILE = 4096, /* git and compose need some hundred at most */
};

/* clang-format off */
static const struct proc_limit ordinary[] = {
	{RLIMIT_NOFILE, NOFILE},
	{RLIMIT_CORE, 0},
};

/* A compose file can be a bomb (aliases, includes): it may not take the machine's memory or processors. */
static const struct proc_limit confined[] = {
	{RLIMIT_NOFILE, NOFILE},
	{RLIMIT_CORE, 0},
	{RLIMIT_DATA, PGO_SANITIZED ? RLIM_INFINITY : 1024UL * 1024 * 1024},
	{RLIMIT_CPU, 60},
};

/* A pack says how much there is to be had; git makes room for that before it looks. */
static const struct proc_limit serving[] = {
	{RLIMIT_NOFILE, NOFILE},
	{RLIMIT_CORE, 0},
	{RLIMIT_DATA, PGO_SANITIZED ? RLIM_INFINITY : 1024UL * 1024 * 1024},
};

#define SERVING serving, ARRAY_LEN(serving)
#define ORDINARY ordinary, ARRAY_LEN(ordinary)
#define CONFINED confined, ARRAY_LEN(confined)
#define MODEL "-p", "{service}", "--project-directory", "{live}", "--env-file", "/dev/null", "-f", "-"
#define ONE_OFF "-p", "{service}", "--project-directory", "{live}", "--env-file", "/dev/null", "-f", "/dev/fd/3", "run", "--rm", "--no-deps"
#define PROJECT "-p", "{service}"

static const struct job_kind table[] = {
	/* git, without the engine's group */
	{"ls-remote", JOB_PGOD_JOB, OPERANDS_NONE, VIEW_PLAIN, JOB_REMOTE, 60 * SECOND, 2 * SECOND, ORDINARY, {"ls-remote"}},
	{"fetch", JOB_PGOD_JOB, OPERANDS_ANY_COMMITS, VIEW_PLAIN, JOB_LOCK | JOB_REMOTE, 10 * MINUTE, 5 * SECOND, ORDINARY, {"fetch"}},
	{"export", JOB_PGOD_JOB, OPERANDS_COMMITS, VIEW_PLAIN, JOB_REMOTE, 10 * MINUTE, 2 * SECOND, ORDINARY, {"export"}},
	{"import", JOB_PGOD_JOB, OPERANDS_COMMIT, VIEW_PLAIN, JOB_LOCK, 10 * MINUTE, 5 * SECOND, ORDINARY, {"import"}},
	{"verify", JOB_PGOD_JOB, OPERANDS_COMMITS, VIEW_PLAIN, JOB_LOCK | JOB_REMOTE | JOB_VERIFY, 10 * MINUTE, 5 * SECOND, ORDINARY, {"verify"}},
	{"stage", JOB_PGOD_JOB, OPERANDS_COMMIT, VIEW_PLAIN, JOB_LOCK | JOB_FILE | JOB_ROUTES, 5 * MINUTE, 2 * SECOND, ORDINARY, {"stage"}},
	{"keys", JOB_PGOD_JOB, OPERANDS_COMMIT, VIEW_PLAIN, 0, 30 * SECOND, 2 * SECOND, ORDINARY, {"keys"}},
	{"inputs", JOB_PGOD_JOB, OPERANDS_COMMIT, VIEW_PLAIN, JOB_LOCK, 60 * SECOND, 2 * SECOND, ORDINARY, {"inputs"}},
	{"checkout", JOB_PGOD_JOB, OPERANDS_COMMITS, VIEW_PLAIN, JOB_LOCK, 10 * MINUTE, 10 * SECOND, ORDINARY, {"checkout"}},
	{"submodules", JOB_PGOD_JOB, OPERANDS_COMMIT, VIEW_PLAIN, JOB_LOCK | JOB_REMOTE, 10 * MINUTE, 5 * SECOND, ORDINARY, {"submodules"}},
	{"accept", JOB_PGOD_JOB, OPERANDS_NONE, VIEW_PLAIN, JOB_LOCK, 10 * MINUTE, 2 * SECOND, ORDINARY, {"accept"}},
	{"probe", JOB_PGOD_JOB, OPERANDS_PROBE, VIEW_PLAIN, 0, HOUR + MINUTE, 2 * SECOND, ORDINARY, {"probe"}},
	{"mkdirs", JOB_PGOD_JOB, OPERANDS_NONE, VIEW_PLAIN, JOB_LOCK, 60 * SECOND, 2 * SECOND, ORDINARY, {"mkdirs"}},
	{"routes-try", JOB_PGOD_JOB, OPERANDS_NONE, VIEW_PLAIN, JOB_LOCK | JOB_ROUTES, 60 * SECOND, 2 * SECOND, ORDINARY, {"routes-try"}},
	{"routes", JOB_PGOD_JOB, OPERANDS_NONE, VIEW_PLAIN, JOB_LOCK | JOB_ROUTES, 60 * SECOND, 2 * SECOND, ORDINARY, {"routes"}},
	/* the repository's compose file: sealed, without the engine's group */
	{"resolve", JOB_PGOD_JOB, OPERANDS_NONE, VIEW_SEALED, JOB_LOCK | JOB_FILE | JOB_RESOLVE, 60 * SECOND, 2 * SECOND, CONFINED,
	    {"resolve"}},
	/* what git's clients ask of an app: as long as they stay. What is pushed is deployed meanwhile */
	{"receive-pack", JOB_PGOD_JOB, OPERANDS_NONE, VIEW_PLAIN, JOB_SERVE | JOB_CLIENT | JOB_THIRD | JOB_ANSWERS, 6 * HOUR, 5 * SECOND, SERVING, {"receive-pack"}},
	{"upload-pack", JOB_PGOD_JOB, OPERANDS_NONE, VIEW_PLAIN, JOB_SERVE | JOB_CLIENT, HOUR, 2 * SECOND, SERVING, {"upload-pack"}},
	{"upload-archive", JOB_PGOD_JOB, OPERANDS_NONE, VIEW_PLAIN, JOB_SERVE | JOB_CLIENT, HOUR, 2 * SECOND, SERVING, {"upload-archive"}},
	/* the approved model: what compose will compare containers with */
	{"hash", JOB_COMPOSE, OPERANDS_NONE, VIEW_PLAIN, 0, 60 * SECOND, 2 * SECOND, CONFINED, {MODEL, "config", "--hash", "*"}},
	/* the approved model, with the engine's group */
	{"pull", JOB_COMPOSE, OPERANDS_WORDS, VIEW_PLAIN, JOB_LOCK | JOB_ENGINE | JOB_REGISTRIES, 30 * MINUTE, 10 * SECOND, ORDINARY, {MODEL, "pull"}},
	{"build", JOB_COMPOSE, OPERANDS_WORDS, VIEW_STAGED, JOB_LOCK | JOB_ENGINE | JOB_REGISTRIES | JOB_TEMPORARY, HOUR, 10 * SECOND, ORDINARY, {MODEL, "build"}},
	{"up", JOB_COMPOSE, OPERANDS_WORDS, VIEW_PLAIN, JOB_LOCK | JOB_ENGINE, 15 * MINUTE, 10 * SECOND, ORDINARY,
	    {MODEL, "--profile", "*", "up", "-d", "--no-build", "--pull", "never", "--remove-orphans"}},
	{"create", JOB_COMPOSE, OPERANDS_WORDS, VIEW_PLAIN, JOB_LOCK | JOB_ENGINE, 5 * MINUTE, 10 * SECOND, ORDINARY,
	    {MODEL, "up", "--no-build", "--pull", "never", "--no-start", "--no-deps", "--no-recreate"}},
	/* what was built and runs well, to the registry of [push] */
	{"push-image", JOB_COMPOSE, OPERANDS_NONE, VIEW_PLAIN, JOB_ENGINE | JOB_PUBLISHES, 10 * MINUTE, 5 * SECOND, ORDINARY,
	    {MODEL, "push", "--quiet"}},
	/* what runs, by the project's name */
	{"stop", JOB_COMPOSE, OPERANDS_WORDS, VIEW_PLAIN, JOB_LOCK | JOB_ENGINE | JOB_LEFT, 10 * MINUTE, 10 * SECOND, ORDINARY,
	    {PROJECT, "stop"}},
	{"start", JOB_COMPOSE, OPERANDS_WORDS, VIEW_PLAIN, JOB_LOCK | JOB_ENGINE, 10 * MINUTE, 10 * SECOND, ORDINARY, {PROJECT, "start"}},
	{"restart", JOB_COMPOSE, OPERANDS_WORDS, VIEW_PLAIN, JOB_LOCK | JOB_ENGINE, 10 * MINUTE, 10 * SECOND, ORDINARY,
	    {PROJECT, "restart"}},
	{"down", JOB_COMPOSE, OPERANDS_WORDS, VIEW_PLAIN, JOB_LOCK | JOB_ENGINE | JOB_LEFT, 10 * MINUTE, 10 * SECOND, ORDINARY,
	    {PROJECT, "down"}},
	/* a proxy's, as its service's `reload` says: it reads the file as it is, so it may be ended and run again at any time */
	{"reload", JOB_COMPOSE, OPERANDS_WORDS, VIEW_PLAIN, JOB_ENGINE, 60 * SECOND, 5 * SECOND, ORDINARY,
	    {PROJECT, "exec", "-T"}},
	/* a client's: it ends with the client, and after a day in any case */
	{"logs", JOB_COMPOSE, OPERANDS_WORDS, VIEW_PLAIN, JOB_ENGINE | JOB_CLIENT, 24 * HOUR, 2 * SECOND, ORDINARY,
	    {PROJECT, "--ansi", "never", "logs"}},
	{"logs-colour", JOB_COMPOSE, OPERANDS_WORDS, VIEW_PLAIN, JOB_ENGINE | JOB_CLIENT, 24 * HOUR, 2 * SECOND, ORDINARY,
	    {PROJECT, "--ansi", "always", "logs"}},
	{"exec", JOB_COMPOSE, OPERANDS_WORDS, VIEW_PLAIN, JOB_ENGINE | JOB_CLIENT, 24 * HOUR, 2 * SECOND, ORDINARY, {PROJECT, "exec"}},
	/* a container of its own, which core removes should compose not come to do that */
	{"run", JOB_COMPOSE, OPERANDS_WORDS, VIEW_PLAIN, JOB_ENGINE | JOB_CLIENT | JOB_THIRD, 24 * HOUR, 10 * SECOND, ORDINARY, {ONE_OFF}},
	{"run-terminal", JOB_COMPOSE, OPERANDS_WORDS, VIEW_PLAIN, JOB_ENGINE | JOB_CLIENT | JOB_TERMINAL | JOB_THIRD, 24 * HOUR, 10 * SECOND, ORDINARY,
	    {ONE_OFF}},
	{"exec-terminal", JOB_COMPOSE, OPERANDS_WORDS, VIEW_PLAIN, JOB_ENGINE | JOB_CLIENT | JOB_TERMINAL, 24 * HOUR, 2 * SECOND, ORDINARY,
	    {PROJECT, "exec"}},
};
/* clang-format on */

const struct job_kind *
job_kind_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(table);
	return table;
}

const struct job_kind *
job_kind_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (str_eq(table[i].name, name))
			return &table[i];
	}
	return NULL;
}

int
job_check_stdio(const char *stdio, size_t nfds, struct err *err)
{
	if (strlen(stdio) != nfds)
		return err_set(err, EBADMSG, "job: stdio does not match the descriptors");
	for (size_t i = 0; stdio[i] != '\0'; i++) {
		if (stdio[i] < '0' || stdio[i] >= '0' + JOB_STDIO || strchr(stdio + i + 1, stdio[i]) != NULL)
			return err_set(err, EBADMSG, "job: stdio is not a set of 0, 1, 2, 3");
	}
	return 0;
}

int
job_check_terminal(const struct job_kind *k, long long cols, long long rows, size_t nfds, struct err *err)
{
	bool has = (k->flags & JOB_TERMINAL) != 0;

	if (has ? cols < 1 || cols > TERMINAL_MAX || rows < 1 || rows > TERMINAL_MAX : cols != 0 || rows != 0)
		return err_set(err, EINVAL, "%s: %lld columns and %lld rows", k->name, cols, rows);
	if (has && nfds > ((k->flags & JOB_THIRD) != 0))
		return err_set(err, EINVAL, "%s brings its own stdio", k->name);
	return 0;
}

/* Where a container can be, and nowhere else: the job is in the host's network. */
static bool
is_probe(const struct strv *o)
{
	int64_t n;

	if (o->n < 3 || o->n > 4 || !upstream_ok(o->v[0]) || !str_to_int(o->v[1], 1, UINT16_MAX, &n) ||
	    !str_to_int(o->v[2], 1, HOUR, &n))
		return false;
	for (const char *p = o->n == 4 ? o->v[3] : "/"; *p != '\0'; p++) {
		if (*p <= ' ' || *p == 0x7f)
			return false;
	}
	return o->n == 3 || o->v[3][0] == '/';
}

/* Who has many keys, or many addresses, must not keep a service from coming up. */
int
job_check_room(const struct job_kind *k, size_t running, struct err *err)
{
	size_t most = (k->flags & JOB_CLIENT) != 0 ? JOBS_MAX - JOBS_KEPT : JOBS_MAX;

	return running < most ? 0 : err_set(err, EAGAIN, "%zu jobs run already: try again later", running);
}

int
job_check_third(const struct job_kind *k, const char *stdio, struct err *err)
{
	bool has = (k->flags & JOB_THIRD) != 0;

	if (has != (strchr(stdio, '3') != NULL))
		return err_set(err, EINVAL, "%s %s", k->name, has ? "needs a descriptor 3" : "has no descriptor 3");
	return 0;
}

int
job_check_operands(const struct job_kind *k, const struct strv *operands, struct err *err)
{
	switch (k->operands) {
	case OPERANDS_NONE:
		if (operands->n != 0)
			return err_set(err, EINVAL, "%s takes no operands", k->name);
		return 0;
	case OPERANDS_COMMIT:
		if (operands->n != 1 || !str_is_oid(operands->v[0]))
			return err_set(err, EINVAL, "%s takes one commit", k->name);
		return 0;
	case OPERANDS_COMMITS:
	case OPERANDS_ANY_COMMITS:
		if (operands->n < (k->operands == OPERANDS_COMMITS) || operands->n > JOB_WORDS_MAX)
			return err_set(err, EINVAL, "%s takes %s%d commits", k->name,
			    k->operands == OPERANDS_COMMITS ? "1 to " : "at most ", JOB_WORDS_MAX);
		for (size_t i = 0; i < operands->n; i++) {
			if (!str_is_oid(operands->v[i]))
				return err_set(err, EINVAL, "%s takes commits only", k->name);
		}
		return 0;
	case OPERANDS_PROBE:
		return is_probe(operands)
			   ? 0
			   : err_set(err, EINVAL, "%s takes an address, a port and milliseconds", k->name);
	case OPERANDS_WORDS:
		if (operands->n > JOB_WORDS_MAX)
			return err_set(err, E2BIG, "%s takes at most %d words", k->name, JOB_WORDS_MAX);
		return 0;
	}
	return err_set(err, EINVAL, "%s has no operands", k->name);
}

int
job_deadline_ms(const struct job_kind *k, const struct conf_service *s)
{
	bool timed = s != NULL && s->timeout_ms > 0 && (k->flags & JOB_LOCK) != 0;

	return timed ? (int)s->timeout_ms : k->deadline_ms;
}

char *
job_program_path(const struct job_kind *k, const struct facts *f)
{
	return k->program == JOB_COMPOSE ? str_dup(f->compose) : str_printf("%s/pgod-job", f->libexec);
}

static void
add_word(struct strv *argv, const char *word, const struct facts *f, const char *service)
{
	if (str_eq(word, "{service}"))
		strv_add(argv, service);
	else if (str_eq(word, "{live}"))
		strv_add_take(argv, str_printf("%s/%s", f->dir, service));
	else
		strv_add(argv, word);
}

void
job_argv(const struct job_kind *k, const struct facts *f, const char *service, const struct strv *operands,
    struct strv *ret_argv)
{
	strv_add(ret_argv, k->program == JOB_COMPOSE ? "docker-compose" : "pgod-job");
	for (size_t i = 0; i < JOB_COMMAND_MAX && k->command[i] != NULL; i++)
		add_word(ret_argv, k->command[i], f, service);
	for (size_t i = 0; i < operands->n; i++)
		strv_add(ret_argv, operands->v[i]);
}

static void
env_add(struct strv *envp, const char *name, const char *value)
{
	strv_add_take(envp, str_printf("%s=%s", name, value));
}

static void
env_account(struct strv *envp, const struct account *a)
{
	env_add(envp, "HOME", a->home);
	env_add(envp, "USER", a->name);
	env_add(envp, "LOGNAME", a->name);
	env_add(envp, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
	env_add(envp, "LANG", "C.UTF-8");
}

static void
env_paths(struct strv *envp, const struct facts *f, const char *service)
{
	env_add(envp, "PGO_SERVICE", service);
	strv_add_take(envp, str_printf("PGO_LIVE=%s/%s", f->dir, service));
	strv_add_take(envp, str_printf("PGO_STAGE=%s/.stage/%s", f->dir, service));
	strv_add_take(envp, str_printf("PGO_REPO=%s/.repos/%s.git", f->dir, service));
	strv_add_take(envp, str_printf("PGO_DATADIR=%s/%s", f->datadir, service));
}

static void
env_remote(struct strv *envp, const struct conf_service *s)
{
	env_add(envp, "PGO_URL", s->repository);
	env_add(envp, "PGO_BRANCH", s->branch);
	if (s->auth != NULL) {
		auto_free char *coded = str_base64(s->auth, strlen(s->auth));

		env_add(envp, "PGO_AUTH", coded);
	}
}

/* The administrator's `env` entries are for interpolation: set apart from the job's own variables, which are not. */
static void
env_service(struct strv *envp, const struct conf_service *s)
{
	for (size_t i = 0; i < s->env.n; i++)
		strv_add_take(envp, str_printf("PGO_ENV_%s", s->env.v[i]));
}

/* What was pushed may do without a compose file; what its Dockerfile may say is the administrator's. */
static void
env_app(struct strv *envp, const struct conf_push *push)
{
	auto_buf struct buf words = BUF_INIT(1024);

	env_add(envp, "PGO_APP", "1");
	for (size_t i = 0; push != NULL && i < push->directives.n; i++)
		buf_printf(&words, "%s%s", i > 0 ? " " : "", push->directives.v[i]);
	if (words.len > 0)
		env_add(envp, "PGO_DIRECTIVES", buf_str(&words));
	if (push != NULL && push->static_image != NULL)
		env_add(envp, "PGO_STATIC_IMAGE", push->static_image);
}

/* What git's own programs are told of [push], for the jobs that become them. */
static void
env_serve(struct strv *envp, const struct facts *f)
{
	const struct conf_push *p = f->conf->push;

	strv_add_take(envp, str_printf("PGO_HOOKS=%s/hooks", f->libexec));
	if (p == NULL)
		return;
	strv_add_take(envp, str_printf("PGO_MAX_BYTES=%lld", (long long)p->max_bytes));
	strv_add_take(envp, str_printf("PGO_MAX_OBJECTS=%lld", (long long)p->max_objects));
}

void
job_envp(const struct job_kind *k, const struct facts *f, const char *service, const struct conf_service *s,
    const struct account *a, struct strv *ret_envp)
{
	env_account(ret_envp, a);
	if ((k->flags & JOB_ENGINE) != 0)
		strv_add_take(ret_envp, str_printf("DOCKER_HOST=unix://%s", f->engine_path));
	if (k->program == JOB_PGOD_JOB)
		env_paths(ret_envp, f, service);
	if ((k->flags & JOB_REMOTE) != 0 && s != NULL)
		env_remote(ret_envp, s);
	if ((k->flags & JOB_FILE) != 0 && s != NULL && s->compose != NULL)
		env_add(ret_envp, "PGO_COMPOSE_FILE", s->compose);
	if ((k->flags & JOB_ROUTES) != 0 && s != NULL && s->import != NULL)
		env_add(ret_envp, "PGO_IMPORT", s->import);
	if ((k->flags & JOB_VERIFY) != 0 && s != NULL && s->signed_only)
		env_add(ret_envp, "PGO_SIGNED", "1");
	if ((k->flags & JOB_VERIFY) != 0 && s != NULL && s->rewind_refused)
		env_add(ret_envp, "PGO_REWIND", "refuse");
	if ((k->flags & JOB_SERVE) != 0)
		env_serve(ret_envp, f);
	if ((k->flags & JOB_RESOLVE) != 0)
		env_add(ret_envp, "PGO_COMPOSE", f->compose);
	if ((k->flags & JOB_RESOLVE) != 0 && s != NULL)
		env_service(ret_envp, s);
	if ((k->flags & JOB_RESOLVE) != 0 && s != NULL && s->hosted)
		env_app(ret_envp, f->conf->push);
}
