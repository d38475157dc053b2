/* pgod's command line: one const table; parsing, usage and the manual's test derive from it. */
#ifndef PGO_SUPERVISOR_OPTIONS_H
#define PGO_SUPERVISOR_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct options {
	char *config;
	char *ssh;
	char *metric;	  /* "": not served */
	char *dir;	  /* clean, absolute */
	char *datadir;	  /* clean, absolute */
	char *deploy_key; /* the service whose key is to be printed; NULL: none */
	int64_t duration_ms;
	bool debug;
	bool restart;
	bool check;
	bool version;
	bool help;
};
#define auto_options __attribute__((cleanup(options_done)))

struct option_row {
	char letter; /* 0: it has only a long name */
	const char *name;
	const char *arg;   /* what its value is called; NULL: a flag that takes =true or =false */
	const char *value; /* the default, as written on a command line; NULL: none */
	const char *help;
	int (*set)(struct options *o, const char *value, struct err *err);
};

/* The whole table. */
const struct option_row *options_table(size_t *ret_n);
/* Reads the command line over the defaults. Fails with -EINVAL and a sentence. Calls getopt_long: once a process, or
 * reset optind. */
int options_parse(int argc, char **argv, struct options *ret_o, struct err *err);
/* The text of --help. */
void options_usage(struct buf *b);
void options_done(struct options *o);

#endif
