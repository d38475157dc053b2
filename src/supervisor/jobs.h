/* The jobs that run: started, waited for their turn, bounded in time, ended, reported. */
#ifndef PGO_SUPERVISOR_JOBS_H
#define PGO_SUPERVISOR_JOBS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "ipc/channel.h"
#include "supervisor/children.h"
#include "supervisor/facts.h"

struct jobs;

/* All arguments are borrowed and must outlive the jobs. */
struct jobs *jobs_new(struct event_base *base, struct children *children, const struct facts *facts);
void jobs_free(struct jobs *js);
/* Where reports go from now on. NULL: core died. Its jobs are then nobody's: those that hold a lock run to their end
 * (what they began is better finished than cut), the others are ended. */
void jobs_set_core(struct jobs *js, struct channel *core);
/* Core's messages `job` and `kill`. An error means that core broke the rules. */
int jobs_start(struct jobs *js, struct msg *m, struct err *err);
int jobs_kill(struct jobs *js, const struct msg *m, struct err *err);
/* Ends every job: TERM, then KILL after its grace. locked: those that hold or wait for a lock too. */
void jobs_end(struct jobs *js, bool locked);
/* KILL to every job, at once. */
void jobs_kill_all(struct jobs *js);
size_t jobs_count(const struct jobs *js);

#endif
