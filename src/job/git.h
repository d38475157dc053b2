/* Running git: plumbing only, with nothing of the account's or the machine's configuration. */
#ifndef PGO_JOB_GIT_H
#define PGO_JOB_GIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "job/job.h"

enum { GIT_WORDS_MAX = 600 }; /* bytes of git's own words in a sentence of ours */

#define GIT_NOWHERE "/dev/null"

/* One run of git. What is zero or NULL is not used. */
struct git_call {
	const char *const *args; /* command and its arguments, NULL-terminated */
	const char *index;	 /* GIT_INDEX_FILE: the name of a file in the repository, or an absolute path */
	const char *work_tree;	 /* GIT_WORK_TREE, and the working directory */
	const char *const *env;	 /* further variables, NULL-terminated */
	bool remote;		 /* talks to PGO_URL: gets PGO_AUTH */
	const char *git_dir;	 /* another repository than PGO_REPO; GIT_NOWHERE: none */
	const void *in;		 /* standard input, in_len bytes */
	size_t in_len;
	int in_fd;	   /* standard input when > 0 (and in is NULL) */
	int out_fd;	   /* standard output when > 0 (and out is NULL) */
	int keep_fd;	   /* git and what it runs get this one too, at the same number, when > 0 */
	struct buf *out;   /* standard output */
	struct buf *words; /* git's last words, made clean */
	int deadline_ms;   /* 0: JOB_LOCAL_DEADLINE_MS */
};

/* Runs git to its end. Returns its exit status, or < 0 when it could not be run or took too long. */
int git_run(const struct job *job, const struct git_call *call, struct err *err);

/* Like git_run, but an exit status other than 0 is an error too: "<what>: <git's words>". Returns 0 or < 0. */
int git_do(const struct job *job, const struct git_call *call, const char *what, struct err *err);

struct strv;
/* This process becomes git: args begin with "git", config has "KEY=VALUE" each, which counts for git and all that it
 * runs, hooks too. What of PGO_* the hooks need is handed on. Returns only when that fails. */
int git_become(const struct job *job, const char *const *args, const struct strv *config, struct err *err);

/* The last words of a git that failed as one short line: no prefixes, no advice, no control characters, and never the
 * secret (may be NULL). Adds to ret, up to its limit. */
void git_clean_words(struct buf *ret, const char *text, const char *secret);

/* The configuration key that carries the credentials for the host of url ("http.https://host:1/.extraHeader"); NULL
 * when url is not http(s). The caller frees. */
char *git_auth_key(const char *url);

/* url is on this machine (file:// or an absolute path), so its owner may be another account. */
bool git_url_is_local(const char *url);

/* A branch name that can stand in a refspec: what git-check-ref-format would take, and nothing that is special there.
 */
bool git_branch_is_valid(const char *branch);

/* For repositories of other accounts on this machine; elsewhere the default. Both for ls-remote and fetch. */
const char *git_upload_pack(const char *url);

#endif
