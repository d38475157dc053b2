#include "job/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/str.h"
#include "job/composefile.h"
#include "job/files.h"

enum { LOOKED_AT_MAX = 4096 }; /* entries of directories, for a sentence about what comes close */

const char *const composefile_names[] = {
    "compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml", NULL};
const char *const composefile_override_names[] = {"compose.override.yaml", "compose.override.yml",
    "docker-compose.override.yml", "docker-compose.override.yaml", NULL};

static const char dockerfile[] = "Dockerfile", site[] = "index.html";

/* 1: it is a file that compose may read; 0: there is none; < 0: it is unacceptable. */
static int
check_file(int rootfd, const char *name, off_t most, struct err *err)
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
	if (st.st_size > most)
		return err_set(err, EFBIG, "%s has %lld bytes; at most %lld are read", name, (long long)st.st_size,
		    (long long)most);
	return 1;
}

static int
first_of(int rootfd, const char *const *names, const char **ret_name, struct err *err)
{
	int r = 0;

	for (size_t i = 0; names[i] && r == 0; i++) {
		r = check_file(rootfd, names[i], JOB_YAML_MAX_BYTES, err);
		if (r > 0)
			*ret_name = names[i];
	}
	return r;
}

/* --- what comes close --- */

const char *
source_meant(const char *name)
{
	static const struct {
		const char *written;
		const char *meant;
	} slips[] = {{"docker.compose.yml", "compose.yaml"}, {"docker.compose.yaml", "compose.yaml"},
	    {"docker_compose.yml", "compose.yaml"}, {"docker_compose.yaml", "compose.yaml"},
	    {"dockercompose.yml", "compose.yaml"}, {"compose.json", "compose.yaml"}, {"Containerfile", "Dockerfile"},
	    {"Dockerfile.txt", "Dockerfile"}, {"index.htm", "index.html"}};

	for (size_t i = 0; composefile_names[i]; i++) {
		if (strcasecmp(name, composefile_names[i]) == 0)
			return composefile_names[i];
	}
	if (strcasecmp(name, dockerfile) == 0)
		return dockerfile;
	if (strcasecmp(name, site) == 0)
		return site;
	for (size_t i = 0; i < ARRAY_LEN(slips); i++) {
		if (strcasecmp(name, slips[i].written) == 0)
			return slips[i].meant;
	}
	return NULL;
}

struct close_one {
	bool app;
	unsigned looked_at;
	char *here;  /* a name in the root */
	char *below; /* a path in one of its directories, named as it should be */
};

/* Whatever the order in which a directory tells its names. */
static void
keep_first(char **kept, char *take_name)
{
	if (*kept == NULL || strcmp(take_name, *kept) < 0) {
		free(*kept);
		*kept = take_name;
	} else {
		free(take_name);
	}
}

static void look_into(int dirfd, const char *above, struct close_one *c);

static void
look_at(int dirfd, const char *above, const char *name, struct close_one *c)
{
	const char *meant = source_meant(name);
	auto_close int fd = -1;

	/* A tracked repository brings its compose file: nothing else would do. */
	if (meant != NULL && !c->app && (str_eq(meant, dockerfile) || str_eq(meant, site)))
		meant = NULL;
	if (above == NULL && meant != NULL)
		keep_first(&c->here, str_dup(name));
	if (above != NULL && meant != NULL && str_eq(meant, name))
		keep_first(&c->below, str_printf("%s/%s", above, name));
	if (above != NULL || name[0] == '.')
		return;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		look_into(fd, name, c);
}

static void
look_into(int dirfd, const char *above, struct close_one *c)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *e = readdir(d); e != NULL && c->looked_at++ < LOOKED_AT_MAX; e = readdir(d))
		look_at(dirfd, above, e->d_name, c);
	closedir(d);
}

static int
nothing_found(int rootfd, bool app, struct err *err)
{
	struct close_one c = {.app = app};
	auto_free char *near = NULL;

	look_into(rootfd, NULL, &c);
	if (c.here != NULL)
		near = str_printf("; there is a file %s: call it %s", c.here, source_meant(c.here));
	else if (c.below != NULL)
		near = str_printf("; there is %s, but only the root is looked at", c.below);
	err_set(err, ENOENT, "the repository has %s: none of %s, %s, %s, %s%s is there%s",
	    app ? "nothing that can be run" : "no compose file", composefile_names[0], composefile_names[1],
	    composefile_names[2], composefile_names[3], app ? ", Dockerfile, index.html" : "",
	    near != NULL ? near : "");
	free(c.here);
	free(c.below);
	return -ENOENT;
}

/* --- choosing --- */

static int
choose_compose(const struct job *job, int rootfd, struct source *ret, struct err *err)
{
	int r;

	ret->kind = APP_COMPOSE;
	if (job->compose_file) {
		ret->file = job->compose_file;
		r = check_file(rootfd, job->compose_file, JOB_YAML_MAX_BYTES, err);
		return r != 0 ? r : err_set(err, ENOENT, "the repository has no file %s", job->compose_file);
	}
	r = first_of(rootfd, composefile_names, &ret->file, err);
	return r <= 0 ? r : first_of(rootfd, composefile_override_names, &ret->override, err) < 0 ? -err->num : 1;
}

static int
choose_built(int rootfd, struct source *ret, struct err *err)
{
	int r = check_file(rootfd, dockerfile, JOB_YAML_MAX_BYTES, err);

	*ret = (struct source){.kind = APP_DOCKERFILE, .file = dockerfile};
	if (r != 0)
		return r;
	*ret = (struct source){.kind = APP_STATIC, .file = site};
	return check_file(rootfd, site, INT64_MAX, err); /* only served */
}

int
source_choose(const struct job *job, struct source *ret, struct err *err)
{
	auto_close int rootfd = files_open_root(job->live, err);
	struct source chosen = {0};
	int r;

	if (rootfd < 0)
		return rootfd;
	r = choose_compose(job, rootfd, &chosen, err);
	if (r == 0 && job->app)
		r = choose_built(rootfd, &chosen, err);
	if (r == 0)
		return nothing_found(rootfd, job->app != NULL, err);
	if (r > 0)
		*ret = chosen;
	return r < 0 ? r : 0;
}
