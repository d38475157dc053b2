#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/str.h"
#include "job/appmodel.h"
#include "job/appvars.h"
#include "job/hide.h"
#include "job/job.h"
#include "job/source.h"
#include "job/unset.h"
#include "job/words.h"

enum {
	CNAME_MAX_BYTES = 64 << 10,
	RESOLVE_DEADLINE_MS = 60000,
	RESOLVE_CPU_S = 60,
	WORDS_MAX_BYTES = 1 << 20,
	ENV_VARIABLES_MAX = STRV_MAX
};

extern char **environ;

/* What compose is to read. */
struct reading {
	struct source source;
	char *path; /* of the compose file; NULL: the text is all of it */
	char *override_path;
	struct buf text; /* of an app: the compose file that we write, or what lies over its own */
	struct strv vars;
};

static void
reading_done(struct reading *rd)
{
	free(rd->path);
	free(rd->override_path);
	buf_done(&rd->text);
	strv_done(&rd->vars);
}
#define auto_reading __attribute__((cleanup(reading_done)))

/* --- apps --- */

/* No more than words, in no order that matters. */
static void
split_words(const char *words, struct strv *ret)
{
	while (words && *(words += strspn(words, " ")) != '\0') {
		size_t len = strcspn(words, " ");

		strv_add_take(ret, str_printf("%.*s", (int)len, words));
		words += len;
	}
}

static int
read_directives(const struct job *job, const struct source *source, struct directives *ret, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(JOB_YAML_MAX_BYTES);
	auto_free char *path = str_printf("%s/%s", job->live, source->file);
	int r = source->kind == APP_DOCKERFILE ? io_read_file(AT_FDCWD, path, &text, err) : 0;

	if (r >= 0)
		r = directives_read(buf_str(&text), text.len, ret, err);
	return r < 0 ? err_wrap(err, "%s", source->file) : 0;
}

/* What is no file, or cannot be read, has no names either: the job `stage` has said so. */
static char *
read_hostname(const struct job *job)
{
	auto_buf struct buf text = BUF_INIT(CNAME_MAX_BYTES);
	auto_free char *path = str_printf("%s/CNAME", job->live);

	return io_read_file(AT_FDCWD, path, &text, NULL) < 0 ? NULL : appmodel_hostname(buf_str(&text));
}

/* Writes the compose file of an app that has none; for one that has, what lies over it. */
static int
write_text(const struct job *job, struct reading *rd, struct err *err)
{
	auto_directives struct directives found = {NULL, 0};
	auto_strv struct strv allowed = {0};
	auto_strv struct strv complaints = {0};
	auto_free char *hostname = read_hostname(job);
	int r = appvars_read(STDIN_FILENO, &rd->vars, err);

	if (r >= 0)
		r = read_directives(job, &rd->source, &found, err);
	if (r < 0)
		return r;
	split_words(job->directives, &allowed);
	appmodel_write(
	    &(struct app_source){
		.kind = rd->source.kind,
		.name = job->service,
		.hostname = hostname,
		.static_image = job->static_image,
		.vars = &rd->vars,
		.allowed = &allowed,
		.found = &found,
	    },
	    &rd->text, &complaints);
	for (size_t i = 0; i < complaints.n; i++)
		job_say("%s", complaints.v[i]);
	if (complaints.n == 0 && rd->text.full)
		job_say("the config vars are too large: %d MiB are taken", JOB_MODEL_MAX_BYTES >> 20);
	return complaints.n > 0 || rd->text.full ? JOB_REFUSED : JOB_OK;
}

/* --- compose --- */

static bool
env_has(char *const *env, size_t n, const char *var)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(env[i], var, strcspn(var, "=") + 1) == 0)
			return true;
	}
	return false;
}

/* The administrator's entries, an app's config vars, and nothing else: HOME and the like are ours, and would be read by
 * whoever writes ${HOME}.
 */
static void
make_env(const struct reading *rd, char **env)
{
	size_t n = 0;

	for (size_t i = 0; environ[i] && n < ENV_VARIABLES_MAX; i++)
		if (str_starts(environ[i], JOB_ENV_PREFIX))
			env[n++] = environ[i] + strlen(JOB_ENV_PREFIX);
	for (size_t i = 0; i < rd->vars.n && n < ENV_VARIABLES_MAX; i++)
		if (appvars_may_interpolate(rd->vars.v[i]) && !env_has(env, n, rd->vars.v[i]))
			env[n++] = rd->vars.v[i];
	env[n] = NULL;
}

static void
add_file(struct strv *argv, const char *path)
{
	if (!path)
		return;
	strv_add(argv, "-f");
	strv_add(argv, path);
}

static int
run_compose(const struct job *job, const struct reading *rd, struct buf *model, struct buf *words, struct err *err)
{
	static const struct proc_limit limits[] = {{RLIMIT_CPU, RESOLVE_CPU_S}, {RLIMIT_CORE, 0}};
	auto_strv struct strv argv = {0};
	char *env[ENV_VARIABLES_MAX + 1];
	const char *const fixed[] = {job->compose, "-p", job->service, "--project-directory", job->live};

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		strv_add(&argv, fixed[i]);
	add_file(&argv, rd->path);
	add_file(&argv, rd->override_path);
	add_file(&argv, rd->text.len > 0 ? "-" : NULL);
	strv_add(&argv, "config");
	strv_add(&argv, "--format");
	strv_add(&argv, "json");
	make_env(rd, env);
	return proc_run(
	    &(struct proc_spec){
		.path = job->compose,
		.argv = argv.v,
		.envp = env,
		.cwd = job->live,
		.stdio = {-1, -1, -1},
		.limits = limits,
		.nlimits = ARRAY_LEN(limits),
		.death_signal = 9,
	    },
	    rd->text.len > 0 ? buf_str(&rd->text) : NULL, rd->text.len, model, words, RESOLVE_DEADLINE_MS, err);
}

/* Compose says nothing of an extension inside a service: what is written there would be ignored without a word. */
static int
check_margin(const char *path, const char *name, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(JOB_YAML_MAX_BYTES);
	int lineno = 0, r = path ? io_read_file(AT_FDCWD, path, &text, err) : 0;

	for (const char *line = buf_str(&text); r >= 0 && line != NULL; line = strchr(line, '\n')) {
		line += lineno++ > 0;
		if ((*line == ' ' || *line == '\t') && str_starts(line + strspn(line, " \t"), "x-pgo:")) {
			job_say(
			    "%s:%d: x-pgo must stand at the left margin, at the top of the file; what it says of one"
			    " service stands there too: x-pgo: {services: {NAME: {update: in-place}}}",
			    name, lineno);
			return JOB_REFUSED;
		}
	}
	return r < 0 ? r : JOB_OK;
}

/* Compose takes a variable that is not set for an empty one, and "~" without HOME for a name, and goes on. */
static int
check_unset(const struct job *job, const char *file, const char *override, const char *words)
{
	const char *const files[] = {file, override, ".env"};
	auto_strv struct strv names = {0};
	bool homeless = strstr(words, "cannot expand '~'") != NULL;

	unset_names(words, &names);
	if (names.n > 0)
		unset_tell(&names, job->live, files, ARRAY_LEN(files));
	if (homeless)
		job_say("%s: \"~\" is nobody's home here: write the path from \"./\" or \"/\" on", file);
	return names.n > 0 || homeless ? JOB_REFUSED : JOB_OK;
}

/* What compose made of it: JOB_OK when the model can go on. */
static int
judge(const struct job *job, const struct reading *rd, int status, const struct buf *words, struct err *err)
{
	const struct source *source = &rd->source;
	int r;

	if (status != 0)
		job_say("%s: compose cannot resolve it", source->file);
	words_tell(buf_str(words), job->live, status != 0);
	if (status != 0) {
		if (words->len == 0)
			job_say("it ended with status %d", status);
		check_unset(job, source->file, source->override, buf_str(words));
		return status > 128 ? JOB_FAILED : JOB_REFUSED;
	}
	r = check_unset(job, source->file, source->override, buf_str(words));
	if (r == JOB_OK)
		r = check_margin(rd->path, source->file, err);
	return r != JOB_OK ? r : check_margin(rd->override_path, source->override, err);
}

static int
read_source(const struct job *job, struct reading *rd, struct err *err)
{
	const struct source *source = &rd->source;

	if (source_choose(job, &rd->source, err) < 0) {
		job_say("%s", err->msg);
		return JOB_BAD_COMPOSE_FILE;
	}
	if (source->kind == APP_COMPOSE)
		rd->path = str_printf("%s/%s", job->live, source->file);
	if (source->override)
		rd->override_path = str_printf("%s/%s", job->live, source->override);
	return job->app ? write_text(job, rd, err) : JOB_OK;
}

int
verb_resolve(const struct job *job, char *const *operands, struct err *err)
{
	auto_buf struct buf model = BUF_INIT(JOB_MODEL_MAX_BYTES);
	auto_buf struct buf words = BUF_INIT(WORDS_MAX_BYTES);
	auto_reading struct reading rd = {.text = BUF_INIT(JOB_MODEL_MAX_BYTES)};
	int r = read_source(job, &rd, err);

	(void)operands;
	if (r != JOB_OK)
		return r;
	r = run_compose(job, &rd, &model, &words, err);
	hide_env_files(job, (const char *const[]){rd.path ? rd.source.file : NULL, rd.source.override}, 2, &words);
	if (r == -EFBIG) {
		job_say("the resolved model has more than %d MiB", JOB_MODEL_MAX_BYTES >> 20);
		return JOB_REFUSED;
	}
	if (r < 0)
		return r;
	r = judge(job, &rd, r, &words, err);
	return r != JOB_OK ? r : io_write_all(STDOUT_FILENO, buf_str(&model), model.len, err);
}
