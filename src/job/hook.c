/* git's hooks. pre-receive: nothing of the push has been kept yet; what is wrong with it as such is told here, and core
 * says whether it may come at all. proc-receive: its objects are in the repository; core deploys them, and moves the
 * refs itself. Both wait for core, and neither decides: who is the account can be either of them. */
#include "job/hook.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/str.h"
#include "job/control.h"
#include "job/git.h"
#include "job/pktline.h"
#include "job/repo.h"

enum {
	LINE_MAX_BYTES = 8 * 1024, /* git's own limit of a ref's name is that of a path */
	INPUT_MAX_BYTES = 1024 * 1024,
	PACK_HEAD_BYTES = 12, /* "PACK", version, number of objects */
	REFS_TEXT_MAX_BYTES = 64 * 1024,
};

static int
change_refs(const struct job *job, const struct buf *in, const char *what, struct err *err)
{
	static const char *const args[] = {"update-ref", "--stdin", NULL};
	auto_close int held = -1;

	if (in->len == 0)
		return 0;
	held = repo_hold_refs(job, err);
	if (held < 0)
		return -err->num;
	return git_do(job, &(struct git_call){.args = args, .in = buf_str(in), .in_len = in->len}, what, err);
}

int
hook_forget_pushed(const struct job *job, struct err *err)
{
	auto_strv struct strv refs = {0};
	auto_buf struct buf in = BUF_INIT(1 << 20);

	if (repo_list_refs(job, NULL, REPO_PUSHED, &refs, err) < 0)
		return -err->num;
	for (size_t i = 0; i < refs.n; i++)
		buf_printf(&in, "delete %s\n", refs.v[i]);
	return change_refs(job, &in, "cannot tidy up after an earlier push", err);
}

/* As everything of ours that a pusher is to notice. */
static int
refuse(const char *why)
{
	job_say(" !     %s", why);
	return JOB_FAILED;
}

static int
read_changes(struct control_refs *refs, struct err *err)
{
	auto_buf struct buf in = BUF_INIT(INPUT_MAX_BYTES);
	size_t len;

	if (io_read_all(STDIN_FILENO, &in, err) < 0)
		return err_set(
		    err, EINVAL, "too many refs at once: a push may have one branch and %d tags", PUSH_REFS_MAX - 1);
	for (size_t at = 0; at < in.len; at += len + 1) {
		len = strcspn(in.data + at, "\n");
		if (control_add_ref(refs, in.data + at, len, err) < 0)
			return -err->num;
	}
	return 0;
}

/* What the head of a pack says; 0 for a file that has none. */
static int64_t
objects_of(int dirfd, const char *name)
{
	auto_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	unsigned char head[PACK_HEAD_BYTES];
	uint32_t n;

	if (fd < 0 || read(fd, head, sizeof(head)) != (ssize_t)sizeof(head) || memcmp(head, "PACK", 4) != 0)
		return 0;
	memcpy(&n, head + 8, sizeof(n));
	return ntohl(n);
}

/* Of all packs that git holds back. */
static int64_t
count_objects(const char *quarantine)
{
	auto_free char *path = str_printf("%s/pack", quarantine);
	DIR *d = opendir(path);
	int64_t n = 0;

	if (d == NULL)
		return 0; /* a push that brings no objects */
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		if (str_ends(e->d_name, ".pack"))
			n += objects_of(dirfd(d), e->d_name);
	closedir(d);
	return n;
}

static int
check_objects(const struct job *job, struct err *err)
{
	const char *quarantine = getenv("GIT_QUARANTINE_PATH");
	int64_t most = 0;
	int64_t n = quarantine == NULL ? 0 : count_objects(quarantine);

	if (!str_to_int(job->max_objects, 1, INT64_MAX, &most))
		return err_set(err, EINVAL, "PGO_MAX_OBJECTS is no number");
	if (n <= most)
		return 0;
	return err_set(err, E2BIG,
	    "the push has %lld objects and may have %lld (max_objects in [push]): push a part of the history first, or have "
	    "the administrator raise it",
	    (long long)n, (long long)most);
}

/* By which git sees what it holds back. */
static void
add_quarantine(struct strv *env)
{
	static const char *const names[] = {
	    "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (getenv(names[i]) != NULL)
			strv_add_take(env, str_printf("%s=%s", names[i], getenv(names[i])));
}

/* What has come lies apart until the hook has said yes. */
static int
run_on_new(const struct job *job, const char *const *args, struct buf *out, struct err *err)
{
	auto_strv struct strv env = {0};

	add_quarantine(&env);
	return git_run(job, &(struct git_call){.args = args, .env = (const char *const *)env.v, .out = out}, err);
}

static int
refuse_shallow(struct err *err)
{
	return err_set(err, EINVAL,
	    "the clone that this comes from is shallow: it has a part of the history only; run `git fetch --unshallow` there, "
	    "and push again");
}

/* Where the clones of those that push at the moment are cut off: git notes it beside the repository. */
static int
read_cuts(const struct job *job, struct buf *ret, struct err *err)
{
	DIR *d = opendir(job->repo);
	int r = 0;

	if (d == NULL)
		return err_errno(err, "cannot read %s", job->repo);
	for (struct dirent *e = readdir(d); e != NULL && r >= 0; e = readdir(d)) {
		struct err gone = ERR_INIT;

		if (!str_starts(e->d_name, REPO_CUTS))
			continue;
		r = io_read_file(dirfd(d), e->d_name, ret, &gone);
		if (r < 0 && gone.num != ENOENT) /* another push has ended */
			err_set(err, gone.num, "%s", gone.msg);
		r = gone.num == ENOENT ? 0 : r;
	}
	closedir(d);
	return r;
}

/* Those of the objects, a line each, that are there, or with there = false those that are not. */
static int
sort_out(const struct job *job, const struct strv *env, struct buf *list, bool there, struct err *err)
{
	static const char *const args[] = {"cat-file", "--batch-check=%(objectname)", NULL};
	static const char missing[] = " missing";
	auto_buf struct buf out = BUF_INIT(2 * INPUT_MAX_BYTES);
	auto_free char *text = NULL;
	char *save = NULL;
	int r = git_do(job,
	    &(struct git_call){.args = args,
		.env = (const char *const *)env->v,
		.in = buf_str(list),
		.in_len = list->len,
		.out = &out},
	    "cannot look for commits", err);

	if (r < 0)
		return r;
	buf_drop(list, list->len);
	text = buf_take(&out);
	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (str_ends(line, missing) == there)
			continue;
		buf_printf(list, "%.*s\n", (int)strcspn(line, " "), line);
	}
	return 0;
}

/* A commit at which the clone is cut off, and that came with this push: git would take the rest of it, and say no to
 * the ref when all has been done, although its parents may be here. */
static int
check_cuts(const struct job *job, struct err *err)
{
	static const struct strv nothing = {0};
	auto_strv struct strv quarantine = {0};
	auto_buf struct buf list = BUF_INIT(INPUT_MAX_BYTES);

	add_quarantine(&quarantine);
	if (read_cuts(job, &list, err) < 0)
		return -err->num;
	if (list.len > 0 && sort_out(job, &nothing, &list, false, err) < 0)
		return -err->num;
	if (list.len > 0 && sort_out(job, &quarantine, &list, true, err) < 0)
		return -err->num;
	return list.len > 0 ? refuse_shallow(err) : 0;
}

/* git looks at this only when all has been done. What is in the repository already needs no look. */
static int
check_whole(const struct job *job, const struct control_refs *refs, struct err *err)
{
	auto_strv struct strv args = {0};
	bool any = false;
	int r;

	strv_add(&args, "rev-list");
	strv_add(&args, "--quiet");
	for (size_t i = 0; i < refs->n; i++) {
		any = any || !pushline_is_none(refs->v[i].new);
		if (!pushline_is_none(refs->v[i].new))
			strv_add(&args, refs->v[i].new);
	}
	if (!any)
		return 0;
	strv_add(&args, "--not");
	strv_add(&args, "--all");
	r = run_on_new(job, (const char *const *)args.v, NULL, err);
	if (r > 0)
		return refuse_shallow(err);
	return r < 0 ? r : check_cuts(job, err);
}

/* git moves a branch to nothing else, and says so then. */
static int
check_commit(const struct job *job, const struct pushline_ref *ref, struct err *err)
{
	const char *const args[] = {"cat-file", "-t", ref->new, NULL};
	auto_buf struct buf type = BUF_INIT(64);
	int r = run_on_new(job, args, &type, err);

	if (r < 0 || str_eq(buf_str(&type), "commit\n"))
		return r;
	return err_set(
	    err, EINVAL, "what is to be %s is no commit: push a commit there, and a tag as a tag", ref->name);
}

static int
check_commits(const struct job *job, const struct control_refs *refs, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < refs->n && r >= 0; i++)
		if (str_starts(refs->v[i].name, "refs/heads/") && !pushline_is_none(refs->v[i].new))
			r = check_commit(job, &refs->v[i], err);
	return r;
}

static bool
lies_below(const char *name, const char *other)
{
	size_t len = strlen(other);

	return strncmp(name, other, len) == 0 && name[len] == '/';
}

/* git keeps a ref where another one would have its directory, and so takes only one of them: which it finds out when
 * they are moved, and that is when all has been done. */
static int
check_beside(const struct control_refs *refs, const char *other, bool is_there, struct err *err)
{
	for (size_t i = 0; i < refs->n; i++) {
		const char *name = refs->v[i].name;

		if (!pushline_is_none(refs->v[i].new) && (lies_below(name, other) || lies_below(other, name)))
			return err_set(err, EEXIST, "%s cannot stand beside %s%s: give it another name", name, other,
			    is_there ? ", which is there already" : "");
	}
	return 0;
}

static int
check_places(const struct job *job, const struct control_refs *refs, struct err *err)
{
	static const char *const prefixes[] = {"refs/heads/", "refs/tags/"};
	auto_strv struct strv there = {0};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(prefixes) && r >= 0; i++)
		r = repo_list_refs(job, NULL, prefixes[i], &there, err);
	for (size_t i = 0; i < there.n && r >= 0; i++)
		r = check_beside(refs, there.v[i], true, err);
	for (size_t i = 0; i < refs->n && r >= 0; i++)
		if (!pushline_is_none(refs->v[i].new))
			r = check_beside(refs, refs->v[i].name, false, err);
	return r;
}

int
verb_pre_receive(const struct job *job, char *const *operands, struct err *err)
{
	struct control_refs refs = {.n = 0};
	char no[PUSHLINE_MAX + 1] = "";
	int r;

	(void)operands;
	if (read_changes(&refs, err) < 0 || check_places(job, &refs, err) < 0 || check_objects(job, err) < 0 ||
	    check_commits(job, &refs, err) < 0 || check_whole(job, &refs, err) < 0)
		return refuse(err->msg);
	r = control_ask(PUSHLINE_ASK, &refs, no, err);
	if (r > 0)
		return JOB_OK;
	return r < 0 ? refuse(err->msg) : JOB_FAILED; /* core has said why */
}

/* git says first which version it speaks; then the changes that it leaves to us. */
static int
take_changes(struct control_refs *refs, struct err *err)
{
	char line[PKTLINE_MAX + 1];
	int n = pktline_read(line, err);

	if (n >= 0 && !str_starts(line, "version=1"))
		return err_set(err, EPROTO, "git speaks another version of proc-receive");
	while (n > 0)
		n = pktline_read(line, err);
	if (n < 0 || pktline_write("version=1", err) < 0 || pktline_flush(err) < 0)
		return -err->num;
	while ((n = pktline_read(line, err)) > 0) {
		if (control_add_ref(refs, line, (size_t)n, err) < 0)
			return -err->num;
	}
	return n;
}

static int
answer(const struct control_refs *refs, const char *no, struct err *err)
{
	for (size_t i = 0; i < refs->n; i++) {
		auto_free char *line =
		    no == NULL ? str_printf("ok %s", refs->v[i].name) : str_printf("ng %s %s", refs->v[i].name, no);

		if (pktline_write(line, err) < 0)
			return -err->num;
	}
	return pktline_flush(err);
}

/* The first of those that bring this object, of which there is something to be kept? */
static bool
brings(const struct control_refs *refs, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (str_eq(refs->v[i].new, refs->v[at].new))
			return false;
	}
	return !pushline_is_none(refs->v[at].new);
}

/* From the hook's start on nothing else names the objects, until core has moved the refs. */
static int
note_pushed(const struct job *job, const struct control_refs *refs, bool note, struct err *err)
{
	auto_buf struct buf in = BUF_INIT(REFS_TEXT_MAX_BYTES);

	for (size_t i = 0; i < refs->n; i++) {
		const char *oid = refs->v[i].new;

		if (brings(refs, i) && note)
			buf_printf(&in, "update " REPO_PUSHED "%s %s\n", oid, oid);
		else if (brings(refs, i))
			buf_printf(&in, "delete " REPO_PUSHED "%s\n", oid);
	}
	return change_refs(job, &in, note ? "cannot keep what was pushed" : "cannot tidy up after the push", err);
}

int
verb_proc_receive(const struct job *job, char *const *operands, struct err *err)
{
	struct control_refs refs = {.n = 0};
	char no[PUSHLINE_MAX + 1] = "";
	struct err why = ERR_INIT;
	int r;

	(void)operands;
	r = take_changes(&refs, err);
	if (r < 0)
		return r;
	r = note_pushed(job, &refs, true, &why);
	if (r >= 0)
		r = control_ask(PUSHLINE_DEPLOY, &refs, no, &why);
	/* The job `accept` has dropped them with what it moved; else nothing may have. */
	if (r == 0 && note_pushed(job, &refs, false, &why) < 0)
		job_say("%s", why.msg); /* the next push does it */
	r = answer(&refs, r > 0 ? NULL : r == 0 ? no : why.msg, err);
	return r < 0 ? r : JOB_OK;
}
