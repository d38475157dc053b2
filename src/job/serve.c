/* git's own side of push, fetch and archive, for the clients of an app: this process becomes git, in the app's bare
 * repository, with the client's pipes. Nobody's configuration counts but what stands here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/str.h"
#include "job/files.h"
#include "job/git.h"
#include "job/hook.h"
#include "job/remote.h"
#include "job/repo.h"

#define RECEIVING "pgo-receiving" /* locked by each push, shared, as long as any of its processes lives */
#define QUARANTINE "tmp_objdir-"  /* what git calls the directories of what has not been accepted yet */

enum { MAKERS_MAX = 10 };

/* For all three. What pgo keeps for itself is nobody's to see; a blob of any size costs no memory of its size. */
static const char *const ordinary[] = {
    "transfer.hideRefs=refs/pgo",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.bigFileThreshold=16m",
    "pack.threads=1",
    "pack.windowMemory=64m",
    "gc.auto=0",
    "maintenance.auto=false",
    NULL,
};

/* Branches and tags are moved by nobody but core, when it knows the outcome: git hands them to a hook. A pack is kept
 * as it came, so that its first bytes tell the number of its objects. What fsck only warns of is old and harmless. */
static const char *const receiving[] = {
    "receive.procReceiveRefs=refs/heads",
    "receive.procReceiveRefs=refs/tags",
    "receive.fsckObjects=true",
    "receive.fsck.zeroPaddedFilemode=warn",
    "receive.fsck.missingSpaceBeforeDate=warn",
    "receive.fsck.badTimezone=warn",
    "receive.unpackLimit=1",
    "receive.shallowUpdate=false",
    "receive.autogc=false",
    "receive.updateServerInfo=false",
    "receive.advertisePushOptions=false",
    "core.fsync=committed,loose-object",
    NULL,
};

static void
add_all(struct strv *config, const char *const *list)
{
	for (size_t i = 0; list[i] != NULL; i++)
		strv_add(config, list[i]);
}

static int
sweep_cuts(const struct job *job, struct err *err)
{
	DIR *d = opendir(job->repo);
	int r = 0;

	if (d == NULL)
		return err_errno(err, "cannot read %s", job->repo);
	for (struct dirent *e = readdir(d); e != NULL && r >= 0; e = readdir(d))
		if (str_starts(e->d_name, REPO_CUTS) && unlinkat(dirfd(d), e->d_name, 0) < 0)
			r = err_errno(err, "cannot remove %s", e->d_name);
	closedir(d);
	return r;
}

/* What a push left that was killed: nobody else's is there, or the lock would not have been had. */
static int
sweep(const struct job *job, struct err *err)
{
	auto_free char *objects = str_printf("%s/objects", job->repo);
	auto_close int dirfd = files_open_root(objects, err);
	DIR *d = dirfd < 0 ? NULL : opendir(objects);
	int r = 0;

	if (d == NULL)
		return err_errno(err, "cannot read %s", objects);
	for (struct dirent *e = readdir(d); e != NULL && r >= 0; e = readdir(d))
		if (str_starts(e->d_name, QUARANTINE))
			r = files_remove_dir(dirfd, e->d_name, err);
	closedir(d);
	if (r >= 0)
		r = sweep_cuts(job, err);
	return r < 0 ? r : hook_forget_pushed(job, err);
}

/* By the one who holds the lock alone. */
static int
prepare(const struct job *job, struct err *err)
{
	enum { SHA1_HEX = 40 };

	if (!repo_exists(job) && repo_init(job, SHA1_HEX, err) < 0)
		return -err->num;
	return sweep(job, err);
}

/* The descriptor is left open on purpose, for git and its hooks: its lock says that somebody receives. Of two first
 * pushes one makes the repository and the other waits for that, or does it when the first one was killed over it. */
static int
hold_repository(const struct job *job, struct err *err)
{
	auto_free char *path = str_printf("%s/" RECEIVING, job->repo);
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_errno(err, "cannot open %s", path);
	for (int i = 0; i < MAKERS_MAX; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 && prepare(job, err) < 0)
			return -err->num;
		if (flock(fd, LOCK_SH) < 0)
			return err_errno(err, "cannot lock %s", path);
		if (repo_exists(job))
			return 0;
	}
	return err_set(err, EAGAIN, "others are making the repository: try again");
}

int
verb_receive_pack(const struct job *job, char *const *operands, struct err *err)
{
	const char *const args[] = {"git", "receive-pack", job->repo, NULL};
	auto_strv struct strv config = {0};

	(void)operands;
	if (hold_repository(job, err) < 0)
		return -err->num;
	add_all(&config, ordinary);
	add_all(&config, receiving);
	strv_add_take(&config, str_printf("core.hooksPath=%s", job->hooks));
	strv_add_take(&config, str_printf("receive.maxInputSize=%s", job->max_bytes));
	return git_become(job, args, &config, err);
}

static void
set_head(const struct job *job, const char *branch)
{
	const char *const args[] = {"symbolic-ref", "HEAD", branch, NULL};
	struct err err = ERR_INIT;
	auto_close int held = repo_hold_refs(job, &err);

	if (held < 0 || git_do(job, &(struct git_call){.args = args}, "cannot point HEAD at the branch", &err) < 0)
		job_say("%s", err.msg);
}

/* Clones check out what HEAD names: the branch that is the app itself, whose commit is the tracked one. */
static void
point_head(const struct job *job)
{
	static const char *const usual[] = {"refs/heads/main", "refs/heads/master"};
	static const char of_tracked[] = "--points-at=" REPO_TRACKED;
	static const char *const args[] = {
	    "for-each-ref", "--count=1", "--format=%(refname)", of_tracked, "refs/heads/", NULL};
	auto_buf struct buf out = BUF_INIT(4096);
	struct err err = ERR_INIT;
	char oid[REMOTE_OID_SIZE];

	if (repo_ref(job, "HEAD", oid) || !repo_ref(job, REPO_TRACKED, oid))
		return;
	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		if (repo_ref(job, usual[i], oid)) {
			set_head(job, usual[i]);
			return;
		}
	}
	if (git_run(job, &(struct git_call){.args = args, .out = &out}, &err) == 0 && out.len > 1) {
		out.data[out.len - 1] = '\0';
		set_head(job, out.data);
	}
}

static int
serve(const struct job *job, const char *const *args, struct err *err)
{
	auto_strv struct strv config = {0};

	if (!repo_exists(job) && hold_repository(job, err) < 0)
		return -err->num;
	point_head(job);
	add_all(&config, ordinary);
	return git_become(job, args, &config, err);
}

int
verb_upload_pack(const struct job *job, char *const *operands, struct err *err)
{
	/* Seconds in which a client must take or say something. */
	const char *const args[] = {"git", "upload-pack", "--strict", "--timeout=600", job->repo, NULL};

	(void)operands;
	return serve(job, args, err);
}

int
verb_upload_archive(const struct job *job, char *const *operands, struct err *err)
{
	const char *const args[] = {"git", "upload-archive", job->repo, NULL};

	(void)operands;
	return serve(job, args, err);
}
