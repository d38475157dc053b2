#include "job/repo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/str.h"
#include "job/files.h"
#include "job/git.h"
#include "job/remote.h"

#define MAINTAINED_MARK "pgo-maintained"

enum {
	MAINTAIN_EVERY_S = 24 * 3600,
	MAINTAIN_PACKS = 10,
	MAINTAIN_LOOSE = 1000,
	MAINTAIN_DEADLINE_MS = 5 * 60000,
	WALK_FDS = 32,
	KEEP_TEXT_MAX_BYTES = 512,
	REFS_TEXT_MAX_BYTES = 4 << 20,
};

bool
repo_exists(const struct job *job)
{
	auto_free char *head = str_printf("%s/HEAD", job->repo);
	auto_free char *last = str_printf("%s/objects/info", job->repo);

	return access(head, F_OK) == 0 && access(last, F_OK) == 0;
}

int
repo_init(const struct job *job, size_t oid_len, struct err *err)
{
	const char *format = oid_len == 64 ? "--object-format=sha256" : "--object-format=sha1";
	const char *const args[] = {
	    "init", "--quiet", "--bare", "--template=", "--initial-branch=none", format, "--", job->repo, NULL};

	return git_do(job, &(struct git_call){.args = args}, "cannot make the repository", err);
}

int
repo_hold_refs(const struct job *job, struct err *err)
{
	auto_close int fd = open(job->repo, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_SH) < 0)
		return err_errno(err, "cannot lock %s", job->repo);
	return take_fd(&fd);
}

/* "receive-pack 4711 on host": keeps a pack from a repack until the refs of the push that brought it are written down.
 */
static bool
is_kept_by_somebody(const char *path)
{
	auto_buf struct buf text = BUF_INIT(KEEP_TEXT_MAX_BYTES);
	struct err err = ERR_INIT;
	int pid = 0;

	if (io_read_file(AT_FDCWD, path, &text, &err) < 0 || sscanf(buf_str(&text), "receive-pack %d ", &pid) != 1)
		return false;
	return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

static int
clear_but_locks(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *name = path + ftw->base;

	(void)st;
	if (type == FTW_D)
		/* What somebody pushes at the same time is locked by itself: job/serve.c. */
		return (ftw->level == 1 && str_starts(name, "broken-")) || str_starts(name, "tmp_objdir-")
			   ? FTW_SKIP_SUBTREE
			   : FTW_CONTINUE;
	/* A .keep file outlives only what was killed, and would keep its pack for ever. */
	if (str_starts(name, "tmp_") || str_eq(name, "gc.pid") ||
	    (str_ends(name, ".keep") && !is_kept_by_somebody(path)))
		unlink(path);
	return FTW_CONTINUE;
}

static int
clear_all(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type != FTW_D && str_ends(path, ".lock"))
		unlink(path);
	return clear_but_locks(path, st, type, ftw);
}

/* Whoever pushes holds the refs for a moment only. What was left then is in the way of the next git, which says so, and
 * goes when that is tried again. */
void
repo_clear_locks(const struct job *job)
{
	auto_close int fd = open(job->repo, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool alone = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;

	nftw(job->repo, alone ? clear_all : clear_but_locks, WALK_FDS, FTW_PHYS | FTW_ACTIONRETVAL);
}

bool
repo_ref(const struct job *job, const char *ref, char *ret_oid)
{
	const char *const args[] = {"rev-parse", "--verify", "--quiet", ref, NULL};
	auto_buf struct buf out = BUF_INIT(256);
	struct err err;

	if (git_run(job, &(struct git_call){.args = args, .out = &out}, &err) != 0 || out.len == 0)
		return false;
	if (out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0';
	if (!str_is_oid(out.data))
		return false;
	memcpy(ret_oid, out.data, out.len + 1);
	return true;
}

/* git keeps a ref in a file of its name or in a line of packed-refs. In doubt there are some. */
static bool
has_no_refs(const char *git_dir, const char *prefix)
{
	auto_free char *dir = str_printf("%s/%s", git_dir, prefix);
	auto_free char *packed = str_printf("%s/packed-refs", git_dir);
	auto_free char *line = str_printf(" %s", prefix);
	auto_buf struct buf text = BUF_INIT(REFS_TEXT_MAX_BYTES);
	struct err err = ERR_INIT;
	DIR *d = opendir(dir);
	bool none = d != NULL || errno == ENOENT;

	for (struct dirent *e = d != NULL ? readdir(d) : NULL; e != NULL && none; e = readdir(d))
		none = str_eq(e->d_name, ".") || str_eq(e->d_name, "..");
	if (d != NULL)
		closedir(d);
	if (none && io_read_file(AT_FDCWD, packed, &text, &err) < 0)
		return err.num == ENOENT;
	return none && strstr(buf_str(&text), line) == NULL;
}

int
repo_list_refs(const struct job *job, const char *git_dir, const char *prefix, struct strv *ret, struct err *err)
{
	const char *const args[] = {"for-each-ref", "--format=%(refname)", prefix, NULL};
	auto_buf struct buf out = BUF_INIT(REFS_TEXT_MAX_BYTES);
	auto_free char *text = NULL;
	char *save = NULL;

	if (has_no_refs(git_dir != NULL ? git_dir : job->repo, prefix))
		return 0;
	if (git_do(job, &(struct git_call){.args = args, .git_dir = git_dir, .out = &out}, "cannot list refs", err) < 0)
		return -err->num;
	text = buf_take(&out);
	for (char *ref = strtok_r(text, "\n", &save); ref; ref = strtok_r(NULL, "\n", &save))
		strv_add(ret, ref);
	return 0;
}

/* Lines are "REF OID"; name has the blank. */
static void
pick_ref(const char *lines, const char *name, char *ret_oid)
{
	const char *at = strstr(lines, name);
	char oid[REMOTE_OID_SIZE] = "";

	if (at == NULL || sscanf(at + strlen(name), "%64[0-9a-f]", oid) != 1 || !str_is_oid(oid))
		return;
	memcpy(ret_oid, oid, sizeof(oid));
}

static bool
have_whole(const struct job *job, const char *rev, const char *other)
{
	const char *const args[] = {
	    "rev-list", "--objects", "--quiet", "--no-walk", rev, other ? other : "--", other ? "--" : NULL, NULL};
	struct err err;

	return git_run(job, &(struct git_call){.args = args}, &err) == 0;
}

bool
repo_has_whole(const struct job *job, const char *rev)
{
	return have_whole(job, rev, NULL);
}

bool
repo_tracked_and_live_whole(const struct job *job, char *ret_tracked)
{
	static const char *const args[] = {
	    "for-each-ref", "--format=%(refname) %(objectname)", REPO_TRACKED, REPO_LIVE, NULL};
	auto_buf struct buf out = BUF_INIT(1024);
	char tracked[REMOTE_OID_SIZE] = "", live[REMOTE_OID_SIZE] = "";
	struct err err;

	if (git_run(job, &(struct git_call){.args = args, .out = &out}, &err) != 0)
		return false;
	pick_ref(buf_str(&out), REPO_TRACKED " ", tracked);
	pick_ref(buf_str(&out), REPO_LIVE " ", live);
	if (tracked[0] == '\0' || !have_whole(job, tracked, live[0] != '\0' ? live : NULL))
		return false;
	memcpy(ret_tracked, tracked, sizeof(tracked));
	return true;
}

bool
repo_is_sound(const struct job *job)
{
	static const char *const args[] = {"for-each-ref", "--format=%(objecttype)", "refs/pgo/", NULL};
	char oid[REMOTE_OID_SIZE];
	auto_buf struct buf out = BUF_INIT(1 << 20);
	struct err err;

	if (git_run(job, &(struct git_call){.args = args, .out = &out}, &err) != 0)
		return false;
	return out.len == 0 || !repo_ref(job, REPO_TRACKED, oid) || repo_has_whole(job, REPO_TRACKED);
}

bool
repo_passes_fsck(const struct job *job)
{
	static const char *const args[] = {"fsck", "--no-dangling", "--no-progress", "--no-reflogs", NULL};
	struct err err;

	return git_run(job, &(struct git_call){.args = args}, &err) == 0;
}

bool
repo_words_mean_damage(const char *words)
{
	static const char *const needles[] = {"corrupt", "inflate", "unable to read", "bad object", "missing ",
	    "unresolved delta", "did not send all necessary objects", "not a git repository", "invalid object",
	    "mismatched algorithms", "does not match index", "bad tree object", "could not parse", "is empty",
	    "damaged", "hash mismatch", "unable to find", "reference broken", "unable to resolve reference"};

	if (strstr(words, "No space left"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(needles); i++)
		if (strstr(words, needles[i]))
			return true;
	return false;
}

/* The files of a directory beneath objects/ whose names end like that. */
static int
count_objects(const struct job *job, const char *dir, const char *end)
{
	auto_free char *path = str_printf("%s/objects/%s", job->repo, dir);
	DIR *d = opendir(path);
	int n = 0;

	if (d == NULL)
		return 0;
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		n += e->d_name[0] != '.' && str_ends(e->d_name, end);
	closedir(d);
	return n;
}

static bool
maintenance_is_due(const struct job *job)
{
	auto_free char *mark = str_printf("%s/%s", job->repo, MAINTAINED_MARK);
	struct stat st;

	if (stat(mark, &st) == 0 && time(NULL) >= st.st_mtime && time(NULL) - st.st_mtime < MAINTAIN_EVERY_S)
		return false;
	/* As git itself estimates: names are hashes, so one directory of 256 tells of all. */
	return count_objects(job, "pack", ".pack") >= MAINTAIN_PACKS ||
	       256 * count_objects(job, "17", "") >= MAINTAIN_LOOSE;
}

void
repo_maintain(const struct job *job)
{
	/* All we need is named by refs/pgo/: tracked, live, and kept for ever. Two weeks are for commits in between. */
	static const char *const args[] = {"gc", "--quiet", "--force", "--prune=2.weeks.ago", NULL};
	struct err err;

	if (!maintenance_is_due(job))
		return;
	if (git_do(job, &(struct git_call){.args = args, .deadline_ms = MAINTAIN_DEADLINE_MS},
		"cannot tidy the repository", &err) < 0) {
		job_say("%s", err.msg);
		/* Damage, perhaps, that would let it grow without end: the next fetch looks closer. */
		files_write_mark(job->repo, REPO_BROKEN_MARK, "1", &err);
	}
	/* Also after a failure: it must not cost five minutes of each fetch. */
	if (files_write_mark(job->repo, MAINTAINED_MARK, "", &err) < 0)
		job_say("%s", err.msg);
}
