#include "job/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/path.h"
#include "base/str.h"
#include "job/composefile.h"
#include "job/files.h"
#include "job/names.h"

enum { COPIES_MAX = 64, COPY_MAX_BYTES = 1 << 20, YAML_FILES_MAX = 64 };

struct search {
	const struct job *job;
	const struct live *live;
	struct strv yaml; /* compose files found so far: a queue without repetition */
	const char *dir;  /* of the one that is being read; "" at the top */
	unsigned copies;
};

static int
write_copy(const struct search *s, const char *path, const struct buf *b, struct err *err)
{
	const char *base;
	auto_close int dirfd = files_make_parent(s->live->stage_fd, path, &base, err);
	auto_close int fd = -1;

	if (dirfd < 0)
		return dirfd;
	fd = openat(dirfd, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : err_errno(err, "cannot write it");
	return io_write_all(fd, buf_str(b), b->len, err);
}

/* An untracked regular file goes to the same place in the stage, unless the commit has something there. */
static void
copy_untracked(void *arg, const char *path)
{
	struct search *s = arg;
	auto_buf struct buf b = BUF_INIT(COPY_MAX_BYTES);
	auto_close int there = -1, fd = -1;
	struct err err;
	struct stat st;

	if (tree_find(&s->live->tracked, path, strlen(path)) || tree_find(&s->live->new, path, strlen(path)))
		return;
	/* Containers write in the live tree: no link and no FIFO leads us astray or holds us up. */
	fd = path_open_beneath(s->live->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &err);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	there = path_open_beneath(s->live->stage_fd, path, O_PATH, 0, &err);
	if (there >= 0)
		return;
	if (s->copies++ >= COPIES_MAX) {
		if (s->copies == COPIES_MAX + 1)
			job_say("the compose files name more than %d untracked files; the rest is not there when they "
				"are resolved",
			    COPIES_MAX);
		return;
	}
	if (st.st_size > COPY_MAX_BYTES || io_read_all(fd, &b, &err) < 0)
		job_say(
		    "the untracked file %s is not there when the compose file is resolved: at most %d bytes are read",
		    path, COPY_MAX_BYTES);
	else if (write_copy(s, path, &b, &err) < 0)
		job_say("the untracked file %s is not there when the compose file is resolved: %s", path, err.msg);
}

static void
add_yaml(void *arg, const char *path)
{
	struct search *s = arg;

	if (s->yaml.n < YAML_FILES_MAX && !strv_has(&s->yaml, path) && tree_find(&s->live->new, path, strlen(path)))
		strv_add(&s->yaml, path);
}

static void
try_word(void *arg, const char *word)
{
	struct search *s = arg;
	auto_free char *path = names_resolve(s->job->live, s->dir, word);

	if (!path)
		return;
	if (str_ends(path, ".yml") || str_ends(path, ".yaml"))
		names_expand(s->live->stage_fd, path, add_yaml, s);
	names_expand(s->live->fd, path, copy_untracked, s);
}

static void
read_yaml(struct search *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	auto_free char *dir = slash ? str_printf("%.*s", (int)(slash - path), path) : str_dup("");
	auto_buf struct buf b = BUF_INIT(JOB_YAML_MAX_BYTES);
	auto_close int fd = -1;
	struct err err;
	struct stat st;

	s->dir = dir;
	try_word(s, ".env");
	fd = path_open_beneath(s->live->stage_fd, path, O_RDONLY | O_NONBLOCK, 0, &err);
	/* What cannot be read here, or is too large, is resolve's to complain about. */
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && io_read_all(fd, &b, &err) >= 0)
		names_each_word(buf_str(&b), b.len, try_word, s);
	s->dir = "";
}

void
stage_copy_named(const struct job *job, const struct live *live)
{
	struct search s = {.job = job, .live = live, .dir = ""};

	if (job->compose_file) {
		auto_free char *path = names_resolve(job->live, "", job->compose_file);

		if (path)
			add_yaml(&s, path);
	} else {
		for (size_t i = 0; composefile_names[i]; i++)
			add_yaml(&s, composefile_names[i]);
		for (size_t i = 0; composefile_override_names[i]; i++)
			add_yaml(&s, composefile_override_names[i]);
	}
	/* Without one nothing reads it, and an image is built from all that lies there. */
	if (s.yaml.n > 0)
		try_word(&s, ".env");
	for (size_t i = 0; i < s.yaml.n; i++) {
		auto_free char *path = str_dup(s.yaml.v[i]); /* the queue moves when it grows */

		read_yaml(&s, path);
	}
	strv_done(&s.yaml);
}
