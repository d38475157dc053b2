#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/str.h"
#include "job/composefile.h"
#include "job/files.h"
#include "job/hide.h"
#include "job/job.h"
#include "job/unset.h"
#include "job/words.h"

enum { RESOLVE_DEADLINE_MS = 60000, RESOLVE_CPU_S = 60, WORDS_MAX_BYTES = 1 << 20, ENV_VARIABLES_MAX = STRV_MAX };

const char *const composefile_names[] = {
    "compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml", NULL};
const char *const composefile_override_names[] = {"compose.override.yaml", "compose.override.yml",
    "docker-compose.override.yml", "docker-compose.override.yaml", NULL};

extern char **environ;

/* 1: it is a file that compose may read; 0: there is none; < 0: it is unacceptable. */
static int
check_file(int rootfd, const char *name, struct err *err)
{
	const char *base;
	auto_close int dirfd = files_open_parent(rootfd, name, &base, err);
	struct stat st;

	if (dirfd < 0)
		return dirfd == -ENOENT ? 0 : err_wrap(err, "%s", name);
	if (fstatat(dirfd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_errno(err, "cannot look at %s", name);
	if (S_ISLNK(st.st_mode))
		return err_set(err, ELOOP, "%s is a symbolic link: commit the file itself", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s is not a file", name);
	if (st.st_size > JOB_YAML_MAX_BYTES)
		return err_set(err, EFBIG, "%s has %lld bytes; at most %d are read", name, (long long)st.st_size,
		    JOB_YAML_MAX_BYTES);
	return 1;
}

static int
first_of(int rootfd, const char *const *names, const char **ret_name, struct err *err)
{
	int r = 0;

	for (size_t i = 0; names[i] && r == 0; i++) {
		r = check_file(rootfd, names[i], err);
		if (r > 0)
			*ret_name = names[i];
	}
	return r;
}

static int
choose_files(const struct job *job, const char **ret_file, const char **ret_override, struct err *err)
{
	auto_close int rootfd = files_open_root(job->live, err);
	int r;

	if (rootfd < 0)
		return rootfd;
	if (job->compose_file) {
		*ret_file = job->compose_file;
		r = check_file(rootfd, job->compose_file, err);
		return r != 0 ? r : err_set(err, ENOENT, "the repository has no file %s", job->compose_file);
	}
	r = first_of(rootfd, composefile_names, ret_file, err);
	if (r == 0)
		return err_set(err, ENOENT, "the repository has no compose file: none of %s, %s, %s, %s is there",
		    composefile_names[0], composefile_names[1], composefile_names[2], composefile_names[3]);
	return r < 0 ? r : first_of(rootfd, composefile_override_names, ret_override, err);
}

/* The administrator's entries and nothing else: HOME and the like are ours, and would be read by whoever writes
 * ${HOME}.
 */
static void
make_env(char **env)
{
	size_t n = 0;

	for (size_t i = 0; environ[i] && n < ENV_VARIABLES_MAX; i++)
		if (str_starts(environ[i], JOB_ENV_PREFIX))
			env[n++] = environ[i] + strlen(JOB_ENV_PREFIX);
	env[n] = NULL;
}

static int
run_compose(const struct job *job, const char *file, const char *override, struct buf *model, struct buf *words,
    struct err *err)
{
	static const struct proc_limit limits[] = {{RLIMIT_CPU, RESOLVE_CPU_S}, {RLIMIT_CORE, 0}};
	auto_strv struct strv argv = {0};
	char *env[ENV_VARIABLES_MAX + 1];
	const char *const fixed[] = {job->compose, "-p", job->service, "--project-directory", job->live, "-f", file,
	    override ? "-f" : NULL, override};

	for (size_t i = 0; i < ARRAY_LEN(fixed) && fixed[i]; i++)
		strv_add(&argv, fixed[i]);
	strv_add(&argv, "config");
	strv_add(&argv, "--format");
	strv_add(&argv, "json");
	make_env(env);
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
	    NULL, 0, model, words, RESOLVE_DEADLINE_MS, err);
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

int
verb_resolve(const struct job *job, char *const *operands, struct err *err)
{
	auto_buf struct buf model = BUF_INIT(JOB_MODEL_MAX_BYTES);
	auto_buf struct buf words = BUF_INIT(WORDS_MAX_BYTES);
	const char *file = NULL, *override = NULL;
	auto_free char *path = NULL, *override_path = NULL;
	int r = choose_files(job, &file, &override, err);

	(void)operands;
	if (r < 0) {
		job_say("%s", err->msg);
		return JOB_BAD_COMPOSE_FILE;
	}
	path = str_printf("%s/%s", job->live, file);
	override_path = override ? str_printf("%s/%s", job->live, override) : NULL;
	r = run_compose(job, path, override_path, &model, &words, err);
	hide_env_files(job, (const char *const[]){file, override}, 2, &words);
	if (r == -EFBIG) {
		job_say("the resolved model has more than %d MiB", JOB_MODEL_MAX_BYTES >> 20);
		return JOB_REFUSED;
	}
	if (r < 0)
		return r;
	if (r != 0)
		job_say("%s: compose cannot resolve it", file);
	words_tell(buf_str(&words), job->live, r != 0);
	if (r != 0) {
		if (words.len == 0)
			job_say("it ended with status %d", r);
		check_unset(job, file, override, buf_str(&words));
		return r > 128 ? JOB_FAILED : JOB_REFUSED;
	}
	r = check_unset(job, file, override, buf_str(&words));
	if (r == JOB_OK)
		r = check_margin(path, file, err);
	if (r == JOB_OK)
		r = check_margin(override_path, override, err);
	if (r != JOB_OK)
		return r;
	return io_write_all(STDOUT_FILENO, buf_str(&model), model.len, err);
}
