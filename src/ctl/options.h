/* The command line of pgoctl: one const table; parsing and usage derive from it. */
#ifndef PGO_CTL_OPTIONS_H
#define PGO_CTL_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

enum { PORT_DEFAULT = 2222 };

struct options {
	const char *identity;	 /* NULL: PGOCTL_ID, then ssh-agent */
	const char *known_hosts; /* NULL: ~/.ssh/known_hosts */
	int port;
	bool accept_new;
	bool quiet;
	bool help;
	bool version;
	int first; /* index in argv of the first operand */
};

struct option_spec {
	char letter;	  /* 0: none */
	const char *name; /* long, without dashes */
	const char *arg;  /* what stands for its value in the usage; NULL: a flag */
	const char *help;
	int (*set)(struct options *o, const char *value, struct err *err);
};

/* The table, for the usage and for the manual's test. */
const struct option_spec *options_table(size_t *ret_n);
/* Options end at the first operand or at "--". Returns 0 or -EINVAL with a sentence. */
int options_parse(struct options *ret_o, int argc, char **argv, struct err *err);
void options_usage(FILE *to);

#endif
