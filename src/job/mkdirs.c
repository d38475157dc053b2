#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "job/files.h"
#include "job/job.h"

/* Makes the directories of path that are missing. Its last component may be anything but a symbolic link: a single file
 * is mounted, too. */
static int
make_one(const char *root, const char *rel, struct err *err)
{
	auto_close int rootfd = files_open_root(root, err);
	auto_close int dirfd = -1, fd = -1;
	const char *base;

	if (rootfd < 0 || *rel == '\0')
		return rootfd < 0 ? rootfd : 0;
	dirfd = files_make_parent(rootfd, rel, &base, err);
	if (dirfd < 0)
		return dirfd;
	fd = files_enter_dir(dirfd, base, true, err);
	return fd < 0 && fd != -ENOTDIR ? fd : 0;
}

int
verb_mkdirs(const struct job *job, char *const *operands, struct err *err)
{
	auto_buf struct buf paths = BUF_INIT(JOB_STDIN_MAX_BYTES);
	const char *rel = NULL;
	int r = job_read_paths(&paths, err);

	(void)operands;
	if (r < 0)
		return r;
	for (const char *p = buf_str(&paths); p < buf_str(&paths) + paths.len; p += strlen(p) + 1) {
		if (path_is_beneath(job->live, p, &rel))
			r = make_one(job->live, rel, err);
		else if (path_is_beneath(job->datadir, p, &rel))
			r = make_one(job->datadir, rel, err);
		else
			r = err_set(err, EPERM, "it lies neither in %s nor in %s", job->live, job->datadir);
		if (r < 0)
			return err_wrap(err, "cannot make the directory %s", p);
	}
	return JOB_OK;
}
