/* The menu: every kind of job that core may ask for, with everything that is fixed about it. Core names a kind, a
 * service and operands; program, arguments, account, groups, environment, view and limits come from here and from the
 * configuration. */
#ifndef PGO_SUPERVISOR_JOB_H
#define PGO_SUPERVISOR_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/proc.h"
#include "base/str.h"
#include "supervisor/facts.h"
#include "supervisor/view.h"

/* In <dir>, root's and empty: where a job's secrets are, in its own mount namespace. */
#define JOB_PRIVATE ".private"

enum job_program { JOB_PGOD_JOB, JOB_COMPOSE };

enum job_operands {
	OPERANDS_NONE,
	OPERANDS_COMMIT,      /* exactly one object name */
	OPERANDS_COMMITS,     /* one or more of them */
	OPERANDS_ANY_COMMITS, /* or none */
	OPERANDS_PROBE,	      /* a container's address, a port, milliseconds, and a page's path or nothing */
	OPERANDS_WORDS,	      /* words for compose, checked by core's table of operations */
};

enum {
	JOB_STDIO = 4, /* descriptors of a job: 0, 1, 2, and 3 where there is one */
	JOB_COMMAND_MAX = 16,
	JOB_WORDS_MAX = 256,
	TERMINAL_MAX = 10000, /* columns, rows */
	JOBS_MAX = 128,	      /* running and waiting ones; core has a smaller limit of its own for each service */
	JOBS_KEPT = 32,	      /* of these, for what no client keeps open: deploys and healing */
};

enum job_flag {
	JOB_LOCK = 1 << 0,	 /* holds the lock of the service */
	JOB_ENGINE = 1 << 1,	 /* gets the engine's group and DOCKER_HOST */
	JOB_REMOTE = 1 << 2,	 /* gets PGO_URL, PGO_BRANCH, PGO_AUTH, and the deploy key */
	JOB_FILE = 1 << 3,	 /* gets PGO_COMPOSE_FILE */
	JOB_RESOLVE = 1 << 4,	 /* gets PGO_COMPOSE, the service's env entries, and of an app what [push] lets it do */
	JOB_VERIFY = 1 << 6,	 /* gets PGO_SIGNED and PGO_REWIND, and the signers file as stdin */
	JOB_REGISTRIES = 1 << 7, /* gets the service's registries, as docker's configuration */
	JOB_PUBLISHES = 1 << 12, /* gets the registry of [push], likewise */
	JOB_TERMINAL = 1 << 8,	 /* runs on a pseudo-terminal of its own, whose other end core is given */
	JOB_ROUTES = 1 << 9,	 /* gets PGO_IMPORT */
	JOB_THIRD = 1 << 10,	 /* has a descriptor 3 */
	JOB_SERVE = 1 << 11,	 /* answers git's clients: gets PGO_HOOKS and the limits of [push] */
	JOB_TEMPORARY = 1 << 13, /* its TMPDIR ends with it */
	JOB_CLIENT = 1 << 14,	 /* stays as long as a client likes */
	JOB_ANSWERS = 1 << 15,	 /* core ends it when pgod stops, for its client is told how it went */
	JOB_LEFT = 1 << 5,	 /* also for a service that is no longer configured, as the owner of its directory */
};

struct job_kind {
	const char *name;
	enum job_program program;
	enum job_operands operands;
	enum view_kind view;
	int flags;
	int deadline_ms;
	int grace_ms; /* between TERM and KILL */
	const struct proc_limit *limits;
	size_t nlimits;
	/* Behind the program's name; "{service}" and "{live}" are replaced, the operands follow. NULL-terminated. */
	const char *command[JOB_COMMAND_MAX];
};

const struct job_kind *job_kind_find(const char *name);
const struct job_kind *job_kind_table(size_t *ret_n);
/* stdio has a digit for each of nfds descriptors, 0 to 3, none twice. A kind with a terminal (cols and rows) brings all
 * of them itself. */
int job_check_stdio(const char *stdio, size_t nfds, struct err *err);
/* Has a job of this kind a terminal of that size, if it needs one, and none otherwise? */
int job_check_terminal(const struct job_kind *k, long long cols, long long rows, size_t nfds, struct err *err);
/* May another one of this kind begin beside so many? */
int job_check_room(const struct job_kind *k, size_t running, struct err *err);
/* Is a descriptor 3 among them if the kind has one, and not otherwise? */
int job_check_third(const struct job_kind *k, const char *stdio, struct err *err);
/* Are these operands of the kind's shape? */
int job_check_operands(const struct job_kind *k, const struct strv *operands, struct err *err);
/* How long it may run, in milliseconds: the service's `timeout` for what holds its lock, which are the steps of a
 * deploy and what operators do to containers; else, and without that key, what the menu says. s may be NULL. */
int job_deadline_ms(const struct job_kind *k, const struct conf_service *s);
/* The absolute path of the kind's program; the caller frees. */
char *job_program_path(const struct job_kind *k, const struct facts *f);
/* The whole argv. */
void job_argv(const struct job_kind *k, const struct facts *f, const char *service, const struct strv *operands,
    struct strv *ret_argv);
/* The whole environment. s is NULL for a service that is no longer configured. */
void job_envp(const struct job_kind *k, const struct facts *f, const char *service, const struct conf_service *s,
    const struct account *a, struct strv *ret_envp);

#endif
