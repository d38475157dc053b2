#include "job/live.h"

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
#include "job/files.h"
#include "job/remote.h"
#include "job/repo.h"

#define ADOPTED_INDEX "pgo-adopted.index"

enum { INDEX_MAX_BYTES = 96 << 20 };

void
live_done(struct live *live)
{
	auto_close_(&live->fd);
	auto_close_(&live->stage_fd);
	tree_done(&live->old);
	tree_done(&live->pending);
	tree_done(&live->tracked);
	tree_done(&live->new);
}

static int
write_file(const char *path, const struct buf *b, struct err *err)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(err, "cannot write %s", path);
	return io_write_all(fd, buf_str(b), b->len, err);
}

/* An old checkout of the live tree has its own index. A copy of it is read with our repository's configuration: the
 * hostile one beside it is never looked at, and its owner can exchange nothing under us. */
static bool
load_adopted(const struct job *job, struct live *live)
{
	auto_buf struct buf b = BUF_INIT(INDEX_MAX_BYTES);
	auto_free char *copy = str_printf("%s/%s", job->repo, ADOPTED_INDEX);
	auto_close int fd = -1;
	struct err err;
	struct stat st;
	bool ok;

	fd = path_open_beneath(live->fd, ".git/index", O_RDONLY | O_NONBLOCK, 0, &err);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || io_read_all(fd, &b, &err) < 0)
		return false;
	ok = write_file(copy, &b, &err) >= 0 && tree_load_index(job, ADOPTED_INDEX, &live->old, &err) >= 0;
	unlink(copy);
	return ok;
}

static void
load_old(const struct job *job, struct live *live)
{
	auto_free char *index = str_printf("%s/%s", job->repo, REPO_LIVE_INDEX);
	char oid[REMOTE_OID_SIZE];
	struct err err;

	if (access(index, F_OK) == 0 && tree_load_index(job, REPO_LIVE_INDEX, &live->old, &err) >= 0)
		live->source = LIVE_INDEX;
	else if (repo_ref(job, REPO_LIVE, oid) && tree_load(job, oid, false, &live->old, &err) >= 0)
		live->source = LIVE_REF;
	else if (load_adopted(job, live))
		live->source = LIVE_ADOPTED;
}

static void
load_pending(const struct job *job, struct live *live)
{
	auto_free char *oid = files_read_mark(job->repo, REPO_CHECKOUT_MARK);
	struct err err;

	live->interrupted = oid && str_is_oid(oid) && tree_load(job, oid, false, &live->pending, &err) >= 0;
}

static void
merge_tracked(struct live *live)
{
	for (size_t i = 0; i < live->old.n; i++)
		tree_add(&live->tracked, &live->old.v[i]);
	for (size_t i = 0; i < live->pending.n; i++)
		if (!tree_find(&live->old, live->pending.v[i].path, strlen(live->pending.v[i].path)))
			tree_add(&live->tracked, &live->pending.v[i]);
	tree_sort(&live->tracked);
}

int
live_open(const struct job *job, struct live *live, struct err *err)
{
	live->fd = files_open_root(job->live, err);
	if (live->fd < 0)
		return live->fd;
	live->stage_fd = files_open_root(job->stage, err);
	if (live->stage_fd < 0)
		return live->stage_fd;
	load_old(job, live);
	load_pending(job, live);
	merge_tracked(live);
	return 0;
}
