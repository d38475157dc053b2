/* What an operation wants of our side, as far as its words say: standard input, a terminal. */
#ifndef PGO_CTL_WANTS_H
#define PGO_CTL_WANTS_H

#include <stdbool.h>
#include <stddef.h>

enum wants_terminal {
	TERMINAL_NONE,
	TERMINAL_SHOWN, /* what comes is shown on ours: colours do no harm */
	TERMINAL_USED,	/* the command runs on it */
};

struct wants {
	bool input; /* it reads what we are given; all others leave our stdin to whom it belongs */
	enum wants_terminal terminal;
};

/* op: "service//exec"; args: the words behind it. */
struct wants wants_of(const char *op, char *const *args, size_t nargs);

#endif
