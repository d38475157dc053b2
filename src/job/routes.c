#include "job/routes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/str.h"
#include "job/files.h"
#include "job/job.h"
#include "job/live.h"

enum { ROUTES_MAX_BYTES = 4 << 20, ROUTES_MODE = 0644 };

/* Where the file lies. What is about to become it lies beside it, under another name. */
struct place {
	int dirfd; /* O_PATH */
	const char *base;
	char *candidate;
};

static void
place_done(struct place *p)
{
	if (p->dirfd >= 0)
		close(p->dirfd);
	free(p->candidate);
}

/* The name beside the file under which its next content lies for a while. The caller frees. */
static char *
candidate_of(const char *import)
{
	const char *slash = strrchr(import, '/');
	const char *base = slash == NULL ? import : slash + 1;

	return str_printf("%.*s.%s.pgo", (int)(base - import), import, base);
}

static bool
is_tracked(const struct tree *tracked, const char *path)
{
	const struct entry *e = NULL;

	for (size_t len = strcspn(path, "/"); e == NULL; len += 1 + strcspn(path + len + 1, "/")) {
		e = tree_find(tracked, path, len);
		if (path[len] == '\0')
			break;
	}
	if (e == NULL && !tree_has_below(tracked, path))
		return false;
	job_say(
	    "pgod writes the routes to %s, as import in pgo.toml says, and the repository has %s %s itself: remove it "
	    "there (git rm --cached) and add it to .gitignore, or change import",
	    path, e == NULL ? "the directory" : "the file", e == NULL ? path : e->path);
	return true;
}

bool
routes_are_tracked(const struct tree *tracked, const char *import)
{
	auto_free char *candidate = candidate_of(import);

	return is_tracked(tracked, import) || is_tracked(tracked, candidate);
}

static int
open_place(const struct job *job, struct place *ret, struct err *err)
{
	auto_close int rootfd = files_open_root(job->live, err);

	if (rootfd < 0)
		return rootfd;
	ret->dirfd = files_make_parent(rootfd, job->import, &ret->base, err);
	if (ret->dirfd < 0)
		return err_wrap(err, "cannot make the directory of %s", job->import);
	ret->candidate = candidate_of(ret->base);
	return 0;
}

/* What lies there now. Anything but a plain file, which somebody may have put there, is as good as nothing: it is
 * replaced, and nothing is read or written through it. */
static bool
read_current(const struct place *p, struct buf *ret, bool *ret_mode)
{
	struct err ignored;
	struct stat st;

	if (fstatat(p->dirfd, p->base, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
	    io_read_file(p->dirfd, p->base, ret, &ignored) < 0)
		return false;
	*ret_mode = (st.st_mode & 07777) == ROUTES_MODE;
	return true;
}

static int
remove_candidate(const struct place *p, struct err *err)
{
	if (unlinkat(p->dirfd, p->candidate, 0) < 0 && errno != ENOENT)
		return err_errno(err, "cannot remove %s", p->candidate);
	return 0;
}

static int
write_candidate(const struct place *p, const struct buf *text, struct err *err)
{
	auto_close int fd = -1;

	if (remove_candidate(p, err) < 0)
		return -err->num;
	fd = openat(p->dirfd, p->candidate, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, ROUTES_MODE);
	if (fd < 0)
		return err_errno(err, "cannot make %s", p->candidate);
	if (io_write_all(fd, buf_str(text), text->len, err) < 0)
		return err_wrap(err, "cannot write %s", p->candidate);
	if (fchmod(fd, ROUTES_MODE) < 0 || fsync(fd) < 0)
		return err_errno(err, "cannot write %s", p->candidate);
	return 0;
}

/* A reader sees the old file or the new one. */
static int
put_in_place(const struct place *p, const struct buf *text, struct err *err)
{
	auto_close int fd = openat(p->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (write_candidate(p, text, err) < 0)
		return -err->num;
	if (renameat(p->dirfd, p->candidate, p->dirfd, p->base) < 0) {
		err_errno(err, "cannot put the new file in the place of the old one");
		unlinkat(p->dirfd, p->candidate, 0);
		return -err->num;
	}
	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, "cannot write the directory");
	return 0;
}

/* Nothing tracked is overwritten: the next checkout would take it for an edit. */
static int
check_untracked(const struct job *job, struct err *err)
{
	auto_live struct live live = LIVE_INIT;
	int r = live_open(job, &live, err);

	if (r < 0)
		return r;
	return routes_are_tracked(&live.tracked, job->import) ? JOB_REFUSED : 0;
}

struct routes {
	struct buf text;    /* what the file is to hold */
	struct buf current; /* what it holds */
	struct place place;
	bool there; /* it can be read */
	bool same;
};

static void
routes_done(struct routes *r)
{
	buf_done(&r->text);
	buf_done(&r->current);
	place_done(&r->place);
}
#define auto_routes __attribute__((cleanup(routes_done)))
#define ROUTES_INIT                                                                                                \
	{                                                                                                          \
		.text = BUF_INIT(ROUTES_MAX_BYTES), .current = BUF_INIT(ROUTES_MAX_BYTES), .place = {.dirfd = -1 } \
	}

/* Reads stdin and the file. */
static int
look(const struct job *job, struct routes *r, struct err *err)
{
	bool mode = false;
	int rc = io_read_all(STDIN_FILENO, &r->text, err);

	if (rc < 0)
		return err_wrap(err, "cannot read the routes");
	rc = check_untracked(job, err);
	if (rc != 0)
		return rc;
	rc = open_place(job, &r->place, err);
	if (rc < 0)
		return rc;
	r->there = read_current(&r->place, &r->current, &mode);
	r->same = r->there && mode && r->text.len == r->current.len &&
		  memcmp(buf_str(&r->text), buf_str(&r->current), r->text.len) == 0;
	return 0;
}

int
verb_routes(const struct job *job, char *const *operands, struct err *err)
{
	auto_routes struct routes r = ROUTES_INIT;
	int rc = look(job, &r, err);

	(void)operands;
	if (rc != 0)
		return rc;
	rc = r.same ? remove_candidate(&r.place, err) : put_in_place(&r.place, &r.text, err);
	if (rc < 0)
		return err_wrap(err, "%s", job->import);
	puts(r.same ? "same" : "written");
	return JOB_OK;
}

int
verb_routes_try(const struct job *job, char *const *operands, struct err *err)
{
	auto_routes struct routes r = ROUTES_INIT;
	int rc = look(job, &r, err);

	(void)operands;
	if (rc != 0)
		return rc;
	rc = r.same ? remove_candidate(&r.place, err) : write_candidate(&r.place, &r.text, err);
	if (rc < 0)
		return err_wrap(err, "%s", job->import);
	puts(r.same ? "same" : r.there ? "other" : "none");
	if (!r.same && r.there)
		fwrite(buf_str(&r.current), 1, r.current.len, stdout);
	return JOB_OK;
}
