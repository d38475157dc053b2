/* pgod-job: git and files on behalf of a service, as its account. Everything in a repository is hostile: names, trees,
 * links. */
#ifndef PGO_JOB_JOB_H
#define PGO_JOB_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* What the parent told us in PGO_*; borrowed from the environment; NULL where unset. */
struct job {
	const char *service;
	const char *live;
	const char *stage;
	const char *repo;
	const char *datadir;
	const char *url;
	const char *branch;
	const char *auth;    /* base64 of user:password */
	const char *ssh_key; /* file of the deploy key */
	const char *compose;
	const char *compose_file;
	const char *app;	  /* "1": it was pushed, and may do without a compose file */
	const char *directives;	  /* of a Dockerfile that are followed: words with blanks between */
	const char *static_image; /* which serves a site of plain files */
	const char *signed_only;  /* "1": verify checks the signature */
	const char *import;	  /* the file of the routes, relative to live */
	const char *rewind;	  /* "refuse": verify checks the history */
	const char *hooks;	  /* the directory of git's hooks */
	const char *max_bytes;	  /* of a push, in digits */
	const char *max_objects;  /* likewise */
	bool foreign;		  /* url is a submodule's, of another server than the repository's */
};

/* What the parent adds to the name of each entry of `env`, which is for the compose file alone. */
#define JOB_ENV_PREFIX "PGO_ENV_"

enum {
	JOB_OK = 0,
	JOB_FAILED = 1,
	JOB_USAGE = 2,
	JOB_NO_BRANCH = 3,
	JOB_EMPTY_REPO = 4,
	JOB_BAD_COMPOSE_FILE = 5,
	JOB_REFUSED = 6, /* stage, resolve, verify, inputs: the commit is at fault, not this machine */
};

enum {
	JOB_COMMITS_MAX = 256,		   /* operands of a verb */
	JOB_PATHS_MAX = 1024,		   /* paths on stdin of inputs and mkdirs */
	JOB_STDIN_MAX_BYTES = 5 << 20,	   /* the same in bytes: 1024 paths of PATH_MAX and a little */
	JOB_YAML_MAX_BYTES = 1 << 20,	   /* a compose file */
	JOB_MODEL_MAX_BYTES = 4 << 20,	   /* the resolved model */
	JOB_COMPLAINTS_MAX = 10,	   /* paths named when many are in the way */
	JOB_LOCAL_DEADLINE_MS = 10 * 60000 /* git on our own disk */
};

/* The verbs: each returns its exit status, or < 0 with the sentence in err (then the exit status is 1). */
int verb_ls_remote(const struct job *job, char *const *operands, struct err *err);
int verb_fetch(const struct job *job, char *const *operands, struct err *err);
int verb_export(const struct job *job, char *const *operands, struct err *err);
int verb_import(const struct job *job, char *const *operands, struct err *err);
int verb_verify(const struct job *job, char *const *operands, struct err *err);
int verb_stage(const struct job *job, char *const *operands, struct err *err);
int verb_keys(const struct job *job, char *const *operands, struct err *err);
int verb_resolve(const struct job *job, char *const *operands, struct err *err);
int verb_inputs(const struct job *job, char *const *operands, struct err *err);
int verb_checkout(const struct job *job, char *const *operands, struct err *err);
int verb_routes(const struct job *job, char *const *operands, struct err *err);
int verb_routes_try(const struct job *job, char *const *operands, struct err *err);
int verb_submodules(const struct job *job, char *const *operands, struct err *err);
int verb_accept(const struct job *job, char *const *operands, struct err *err);
int verb_receive_pack(const struct job *job, char *const *operands, struct err *err);
int verb_upload_pack(const struct job *job, char *const *operands, struct err *err);
int verb_upload_archive(const struct job *job, char *const *operands, struct err *err);
/* git runs these as its hooks: a name instead of a verb. */
int verb_pre_receive(const struct job *job, char *const *operands, struct err *err);
int verb_proc_receive(const struct job *job, char *const *operands, struct err *err);
int verb_probe(const struct job *job, char *const *operands, struct err *err);
int verb_mkdirs(const struct job *job, char *const *operands, struct err *err);

/* One line on stderr for the service's developers; control characters are spelled out. */
void job_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct buf;
/* Reads the NUL-terminated absolute paths that inputs and mkdirs get on stdin into b and checks each: clean, at most
 * JOB_PATHS_MAX. Walk them with strlen; they end at b->len. */
int job_read_paths(struct buf *b, struct err *err);

#endif
