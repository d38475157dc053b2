/* Jobs as core sees them: asked of pgod by kind and service, their small output collected, their end told once. */
#ifndef PGO_CORE_JOB_H
#define PGO_CORE_JOB_H

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/core.h"

enum {
	JOB_OUT_MAX = 4 * 1024 * 1024, /* the largest output that is collected: a model */
	JOB_TAIL_MAX = 4 * 1024,       /* last bytes of stderr, for the reason of a failure */
	JOB_DRAIN_MS = 2000,	       /* output of left-over grandchildren is waited for this long after the end */
};

/* Exit statuses of pgod-job: the remote answers and has no such branch; the commit is to blame. */
enum {
	JOB_STATUS_NO_BRANCH = 3,
	JOB_STATUS_EMPTY = 4,
	JOB_STATUS_BAD_COMPOSE_FILE = 5,
	JOB_STATUS_REFUSED = 6,
};

struct job_result {
	int status;	   /* exit status, 128 + signal, or -1 when it did not run to its end */
	const char *error; /* why, for -1; "" else */
	const char *out;   /* stdout, complete (with status 0), NUL-terminated */
	size_t out_len;
	const char *tail; /* the end of stderr, trimmed, escaped, newlines kept */
};

struct job_spec {
	const char *kind; /* a row of pgod's menu */
	const char *service;
	const struct strv *args; /* NULL: none */
	const void *in;		 /* becomes stdin; NULL: /dev/null */
	size_t in_len;
	int in_fd;  /* stdin when > 0 (and in is NULL); borrowed */
	int out_fd; /* stdout when > 0: it is not collected; borrowed */
	const int *
	    pipes; /* the client's stdin, stdout, stderr for the job; borrowed. NULL: stdout and stderr are collected */
	int third; /* becomes the job's descriptor 3 when > 0, beside pipes or a terminal; borrowed */
	int cols;  /* size of the terminal on which the job runs, 0: on none; then nothing is collected */
	int rows;
	/* The job runs; terminal (borrowed) is the other end of its terminal, -1 without. NULL: nobody asks. */
	void (*started)(void *ctx, int terminal);
	/* Each line of collected output as it comes (stream 1 or 2), plain text with its newline; NULL: nobody follows.
	 */
	void (*piece)(void *ctx, int stream, const char *data, size_t len);
	/* Called once, from the loop; the job is gone afterwards. Not called after job_abandon. */
	void (*done)(void *ctx, const struct job_result *result);
	void *ctx;
};

/* Never NULL; what goes wrong is told through done. */
struct job *job_start(struct core *core, const struct job_spec *spec);
/* "INT", "HUP", "QUIT", "WINCH"; "TERM" ends the job, at the latest by KILL. */
void job_signal(struct job *job, const char *signal);
/* The job runs on, but nobody listens: done and piece are not called any more. NULL is fine. */
void job_abandon(struct job *job);

/* Ends all jobs of a service that goes; true while some still run. */
bool job_end_all(struct core *core, const char *service);

/* Handlers of pgod's messages; unknown ids are late answers and ignored. */
void job_on_waiting(struct core *core, int64_t id, int64_t pid);
void job_on_started(struct core *core, int64_t id, int terminal);
void job_on_exited(struct core *core, int64_t id, int status, const char *error);

/* Why the job failed, in one line: the error, else the end of stderr, else its status. Returns buf. */
const char *job_reason(const struct job_result *r, char *buf, size_t size);
/* Somebody ended it by a signal: that is no verdict on what it did. */
bool job_was_killed(const struct job_result *r);

#endif
