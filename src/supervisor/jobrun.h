/* From a row of the menu to a process. */
#ifndef PGO_SUPERVISOR_JOBRUN_H
#define PGO_SUPERVISOR_JOBRUN_H

#include "supervisor/job.h"

struct jobrun {
	const struct job_kind *kind;
	const char *service;
	const struct strv *operands;
	const int *stdio; /* JOB_STDIO of them; -1: /dev/null, and no descriptor 3 */
	int lockfd;	  /* -1: without a lock */
	int cols;	  /* of its terminal, for a kind that has one */
	int rows;
};

/* Starts the process: the account's, in a session and a view of its own. All of r is borrowed. *ret_terminal is the
 * other end of its terminal (the caller closes), untouched for a kind without. */
int jobrun_spawn(const struct facts *f, const struct jobrun *r, pid_t *ret_pid, int *ret_terminal, struct err *err);

#endif
