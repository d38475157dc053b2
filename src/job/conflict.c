#include "job/live.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/str.h"
#include "job/files.h"

enum { DEPTH_MAX = 128 };

struct search {
	const struct live *live;
	unsigned n;
	char *last_blocked; /* the prefix that was said last: once for all files below it */
};

#define MOVE_AWAY "move it away or remove it from the repository"

static bool
may_say(struct search *s)
{
	if (s->n == JOB_COMPLAINTS_MAX)
		job_say("… and more");
	return s->n++ < JOB_COMPLAINTS_MAX;
}

static bool
is_tracked(const struct search *s, const char *path)
{
	return tree_find(&s->live->tracked, path, strlen(path)) != NULL;
}

/* The first thing below a directory that the repository did not put there (allocated), or NULL. */
static char *
first_untracked(const struct search *s, const char *dir, int depth)
{
	struct err err;
	int fd = path_open_beneath(s->live->fd, dir, O_RDONLY | O_DIRECTORY, 0, &err);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	char *found = NULL;

	if (!d || depth > DEPTH_MAX || !tree_has_below(&s->live->tracked, dir)) {
		if (d)
			closedir(d);
		else if (fd >= 0)
			close(fd);
		return str_printf("%s/", dir);
	}
	for (struct dirent *e = readdir(d); e && !found; e = readdir(d)) {
		auto_free char *path = str_printf("%s/%s", dir, e->d_name);
		struct stat st;

		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
			found = first_untracked(s, path, depth + 1);
		else if (!is_tracked(s, path))
			found = TAKE(path);
	}
	closedir(d);
	return found;
}

static void
check_in_place(struct search *s, const struct entry *e, const struct stat *st)
{
	bool tracked = is_tracked(s, e->path);

	if (S_ISDIR(st->st_mode)) {
		auto_free char *inside = e->mode == MODE_GITLINK ? NULL : first_untracked(s, e->path, 0);

		if (inside && may_say(s))
			job_say("the commit has a file %s, but a directory of that name with %s, which is not the "
				"repository's, lies in the checkout (kept as it is): " MOVE_AWAY,
			    e->path, inside);
		return;
	}
	if (tracked && (S_ISREG(st->st_mode) || S_ISLNK(st->st_mode)))
		return;
	if (e->mode != MODE_GITLINK && files_compare(s->live->fd, e->path, s->live->stage_fd, e->path) != FILES_DIFFER)
		return;
	if (may_say(s))
		job_say("the commit adds %s, but an untracked file of that name lies in the checkout (kept as it "
			"is): " MOVE_AWAY,
		    e->path);
}

/* Something that is no directory lies at path[0..len), above a file of the commit. */
static void
check_blocked(struct search *s, const struct entry *e, size_t len, bool is_link)
{
	auto_free char *prefix = str_printf("%.*s", (int)len, e->path);

	if (is_tracked(s, prefix)) /* goes away with the old commit */
		return;
	if (s->last_blocked && str_eq(s->last_blocked, prefix))
		return;
	if (may_say(s)) {
		/* A container that can write the checkout could plant one that points anywhere: nothing is written
		 * through it. */
		if (is_link)
			job_say("%s is a symbolic link in the checkout that does not come from the repository, and the "
				"commit has "
				"files below it (%s): remove the link",
			    prefix, e->path);
		else
			job_say("the commit adds %s, but an untracked file %s lies in the checkout (kept as it "
				"is): " MOVE_AWAY,
			    e->path, prefix);
	}
	free(s->last_blocked);
	s->last_blocked = TAKE(prefix);
}

/* Walks to the directory of e. Returns its fd, or -1 when it is missing or in the way (then that was said). */
static int
enter_parent(struct search *s, const struct entry *e)
{
	struct err err;
	auto_close int fd = path_open_beneath(s->live->fd, ".", O_PATH | O_DIRECTORY, 0, &err);

	for (const char *at = e->path, *slash = strchr(at, '/'); slash && fd >= 0;
	     at = slash + 1, slash = strchr(at, '/')) {
		auto_free char *name = str_printf("%.*s", (int)(slash - at), at);
		int next = files_enter_dir(fd, name, false, &err);

		if (next == -ELOOP || next == -ENOTDIR)
			check_blocked(s, e, (size_t)(slash - e->path), next == -ELOOP);
		close(fd);
		fd = next < 0 ? -1 : next;
	}
	return take_fd(&fd);
}

static void
check_entry(struct search *s, const struct entry *e)
{
	const char *slash = strrchr(e->path, '/');
	auto_close int fd = enter_parent(s, e);
	struct stat st;

	if (fd >= 0 && fstatat(fd, slash ? slash + 1 : e->path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		check_in_place(s, e, &st);
}

unsigned
live_conflicts(const struct live *live)
{
	struct search s = {.live = live};

	for (size_t i = 0; i < live->new.n &&s.n <= JOB_COMPLAINTS_MAX; i++)
		check_entry(&s, &live->new.v[i]);
	free(s.last_blocked);
	return s.n;
}
