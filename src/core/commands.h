/* What each kind of job is called in pgo_command_count: one table. */
#ifndef PGO_CORE_COMMANDS_H
#define PGO_CORE_COMMANDS_H

#include <stddef.h>

enum { COMMANDS_MAX = 64 }; /* rows of the table */

struct command {
	const char *kind;   /* a row of pgod's menu of jobs */
	const char *cmd;    /* "git", "compose" or "docker"; NULL: the job runs none of them, and is not counted */
	const char *subcmd; /* what of it does the work */
};

const struct command *commands_table(size_t *ret_n);
/* The first row with the command that this kind runs, so that kinds with one command share a counter; -1: none. */
int commands_index(const char *kind);

#endif
