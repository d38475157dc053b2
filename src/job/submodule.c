#include "job/submodule.h"

#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "job/git.h"
#include "job/remote.h"
#include "job/repo.h"
#include "job/submodule_url.h"

enum { GITMODULES_MAX_BYTES = 1 << 20 };

struct fetching {
	const struct job *job;
	unsigned count;
};

/* What .gitmodules says: a path and a URL for each name. */
struct modules {
	struct strv names, paths, urls; /* of equal length; "" for what is not said */
};

static void
modules_done(struct modules *m)
{
	strv_done(&m->names);
	strv_done(&m->paths);
	strv_done(&m->urls);
}

static void
modules_set(struct modules *m, const char *name, bool is_url, const char *value)
{
	size_t i = 0;

	while (i < m->names.n && !str_eq(m->names.v[i], name))
		i++;
	if (i == m->names.n && (!strv_add(&m->names, name) || !strv_add(&m->paths, "") || !strv_add(&m->urls, "")))
		return;
	str_set(is_url ? &m->urls.v[i] : &m->paths.v[i], value);
}

/* Records are "submodule.NAME.url\nVALUE\0". The name is nothing to us but a name. */
static void
modules_parse(const struct buf *out, struct modules *ret)
{
	for (const char *at = buf_str(out), *end = at + out->len; at < end; at += strlen(at) + 1) {
		const char *value = strchr(at, '\n');
		auto_free char *key = str_printf("%.*s", value ? (int)(value - at) : 0, at);
		char *dot = strrchr(key, '.');

		if (!dot || !str_starts(key, "submodule."))
			continue;
		*dot = '\0';
		if (str_eq(dot + 1, "url") || str_eq(dot + 1, "path"))
			modules_set(ret, key, dot[1] == 'u', value + 1);
	}
}

/* The file as the commit has it: git parses it, without the inclusions that it may ask for. */
static int
modules_load(const struct job *job, const char *oid, struct modules *ret, struct err *err)
{
	auto_free char *blob = str_printf("--blob=%s:.gitmodules", oid);
	const char *const args[] = {
	    "config", "-z", "--no-includes", blob, "--get-regexp", "^submodule\\..*\\.(path|url)$", NULL};
	auto_buf struct buf out = BUF_INIT(GITMODULES_MAX_BYTES);
	int r = git_run(job, &(struct git_call){.args = args, .out = &out}, err);

	if (r < 0)
		return r;
	modules_parse(&out, ret);
	return 0;
}

/* The URL of the submodule at path; NULL: it says none, or more than one. */
static const char *
modules_url(const struct modules *m, const char *path)
{
	const char *url = NULL;

	for (size_t i = 0; i < m->paths.n; i++) {
		if (!str_eq(m->paths.v[i], path))
			continue;
		if (url)
			return NULL;
		url = m->urls.v[i];
	}
	return url && *url ? url : NULL;
}

static bool
is_refused_commit(const char *words)
{
	static const char *const needles[] = {"not our ref", "unadvertised", "remote ref", "shallow", "does not allow"};

	for (size_t i = 0; i < ARRAY_LEN(needles); i++)
		if (strstr(words, needles[i]))
			return true;
	return false;
}

static int
set_ref(const struct job *job, const char *ref, const char *oid, struct err *err)
{
	const char *const args[] = {"update-ref", ref, oid, NULL};

	return git_do(job, &(struct git_call){.args = args}, "cannot note the submodule", err);
}

/* Some servers give out what a branch begins with, and nothing else: then the branches, with all of their history. */
static int
fetch_branches(const struct job *job, const char *oid, const char *ref, struct buf *words, struct err *err)
{
	int r = remote_fetch_all(job, REPO_SCAN, words, err);

	if (r != 0 || !repo_has_whole(job, oid))
		return r;
	return set_ref(job, ref, oid, err);
}

static int
fetch_one(const struct job *job, const char *oid, const char *path, struct err *err)
{
	auto_buf struct buf words = BUF_INIT(GIT_WORDS_MAX + 8);
	auto_free char *ref = str_printf(REPO_SUBMODULE "%s", oid);
	int r;

	if (repo_has_whole(job, ref))
		return JOB_OK;
	r = remote_fetch_commit(job, oid, ref, &words, err);
	if (r > 0 && is_refused_commit(buf_str(&words)))
		r = fetch_branches(job, oid, ref, &words, err);
	if (r < 0)
		return err_wrap(err, "cannot fetch the submodule %s", path);
	if (r == 0 && repo_has_whole(job, ref))
		return JOB_OK;
	if (r == 0) {
		job_say(
		    "the submodule %s cannot be fetched: %s has no commit %.12s: push it there", path, job->url, oid);
		return JOB_FAILED;
	}
	job_say("the submodule %s cannot be fetched", path);
	remote_complain(job, buf_str(&words));
	return JOB_FAILED;
}

static int fetch_all_of(
    struct fetching *f, const struct job *job, const char *oid, const char *prefix, int depth, struct err *err);

/* What was pushed here has no server. */
static const char *
base_of(const struct job *job)
{
	return job->url != NULL ? job->url : "";
}

/* job: as the repository that names it was fetched. */
static int
fetch_link(struct fetching *f, const struct job *job, const struct entry *e, const char *written, const char *path,
    int depth, struct err *err)
{
	auto_free char *url = NULL;
	struct job theirs = *job;
	bool foreign = false;
	struct err why;
	int r;

	if (depth >= SUBMODULES_DEPTH_MAX || f->count >= SUBMODULES_MAX) {
		job_say("the submodule %s is not fetched: at most %d are, %d deep", path, SUBMODULES_MAX,
		    SUBMODULES_DEPTH_MAX);
		return JOB_OK;
	}
	if (!written) {
		job_say("the submodule %s is not fetched: .gitmodules has no URL of its own for it", path);
		return JOB_OK;
	}
	/* A relative one means a neighbour of the repository that has it; whose server it is, the first one tells. */
	if (submodule_url(base_of(written[0] == '.' ? job : f->job), written, &url, &foreign, &why) < 0) {
		job_say("the submodule %s is not fetched: %s", path, why.msg);
		return JOB_OK;
	}
	f->count++;
	theirs.url = url;
	theirs.foreign = foreign || (written[0] == '.' && job->foreign);
	theirs.auth = theirs.foreign ? NULL : f->job->auth;
	r = fetch_one(&theirs, e->oid, path, err);
	return r == JOB_OK ? fetch_all_of(f, &theirs, e->oid, path, depth + 1, err) : r;
}

static int
fetch_all_of(struct fetching *f, const struct job *job, const char *oid, const char *prefix, int depth, struct err *err)
{
	__attribute__((cleanup(modules_done))) struct modules modules = {{0}, {0}, {0}};
	auto_tree struct tree tree = {0};
	int r = tree_load_dir(job, oid, ".gitmodules", &tree, err);

	if (r < 0 || tree.n == 0)
		return r < 0 ? r : JOB_OK;
	tree_done(&tree);
	if (tree_load_own(job, oid, false, &tree, err) < 0 || modules_load(job, oid, &modules, err) < 0)
		return -err->num;
	for (size_t i = 0; i < tree.n && r == JOB_OK; i++) {
		const struct entry *e = &tree.v[i];
		auto_free char *path = str_printf("%s%s%s", prefix, *prefix ? "/" : "", e->path);

		if (e->mode == MODE_GITLINK)
			r = fetch_link(f, job, e, modules_url(&modules, e->path), path, depth, err);
	}
	return r;
}

int
verb_submodules(const struct job *job, char *const *operands, struct err *err)
{
	repo_clear_locks(job);
	return submodules_fetch(job, operands[0], err);
}

int
submodules_fetch(const struct job *job, const char *oid, struct err *err)
{
	struct fetching f = {.job = job};

	return fetch_all_of(&f, job, oid, "", 0, err);
}
