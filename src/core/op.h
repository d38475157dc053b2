/* What may be asked over SSH: one const table. Parsing, help, access and the manual derive from it. */
#ifndef PGO_CORE_OP_H
#define PGO_CORE_OP_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct client;

/* An option of an operation. What is not in the operation's table is refused. */
struct op_option {
	const char *names;  /* "-n --tail" */
	bool value;	    /* takes one */
	const char *refuse; /* why it is refused; NULL: it is passed on */
};

struct op {
	const char *name;
	const char *usage; /* of the arguments */
	const char *help;
	const struct op_option *options; /* ends with names NULL; NULL: none */
	int operands_max;		 /* compose services; -1: any number */
	bool command;			 /* what follows the first operand is a command, passed as it is */
	bool raw;			 /* the handler reads the arguments itself */
	bool looks;			 /* tells what is, and no more: not worth a line in the log */
	bool changes;			 /* refused while the service is held or its directories are not ready */
	void (*run)(struct client *c, const struct op *op, const struct strv *args);
};

/* The whole table, for help and tests. */
const struct op *op_table(size_t *ret_n);
const struct op *op_find(const char *name);
/* Checks arguments against the table; what may be passed on comes back in a form that leaves nothing to guess: options
 * first, each in one word ("-f", "--tail=5"); then operands. -EINVAL with a sentence. */
int op_args(const struct op *op, const struct strv *args, struct strv *ret, struct err *err);
/* Runs the client's operation line: answers it, now or later. */
void op_run(struct client *c);

/* status.c: the answer to `status`. */
void status_run(struct client *c, const struct op *op, const struct strv *args);

#endif
