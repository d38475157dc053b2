/* The operation line "service//op arg ..." and its quoting: what pgoctl sends and core reads (spec: the reference's
 * §9). */
#ifndef PGO_IPC_OPLINE_H
#define PGO_IPC_OPLINE_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum {
	OPLINE_MAX = 32 * 1024, /* bytes of an exec string */
	OPLINE_ARGS_MAX = 256,
	OP_TERM_MAX = 64,	 /* bytes of a terminal's type: what is asked along with the line */
	OP_TERMINAL_MAX = 10000, /* its columns, rows */
};

struct opline {
	char *service;
	char *op;
	struct strv args;
};
#define OPLINE_INIT             \
	{                       \
		NULL, NULL,     \
		{               \
			NULL, 0 \
		}               \
	}
#define auto_opline __attribute__((cleanup(opline_done)))

void opline_done(struct opline *ol);
/* Splits like a POSIX shell splits words (blanks; single quotes; double quotes with \" \\ \$ \`; backslash), expanding
 * nothing. An unbalanced quote ends at the end of the line, as in the reference; trailing blanks are fine. The first
 * word must hold "//" exactly once with something on both sides. NUL bytes, more than OPLINE_MAX bytes or
 * OPLINE_ARGS_MAX words behind the first are refused. Or the words are an alias, or begin with an operation on the
 * host: see opalias.h. Returns 0, -ENODATA for a line without words, -EINVAL for a bad
 * first word, -E2BIG. */
int opline_parse(const char *line, size_t len, struct opline *ret_ol, struct err *err);
/* The line that opline_parse splits back into exactly these words: quoted only where needed. first is "service//op".
 * The caller frees. */
char *opline_format(const char *first, char *const *args, size_t nargs);

#endif
