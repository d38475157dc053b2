/* The options in front of a public key, as in sshd's authorized_keys: those that narrow what the key may do are
 * honoured, and any other refuses it. Pure. */
#ifndef PGO_IPC_KEY_OPTIONS_H
#define PGO_IPC_KEY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { KEY_OPTIONS_MAX = 64, KEY_OPS_MAX = 128 };

/* What a key may not. */
struct key_limits {
	char *from;	 /* a list for key_from_matches; NULL: from anywhere */
	int64_t until_s; /* wall clock: not after this second; 0: for ever */
	bool no_pty;	 /* no terminal for exec */
	struct strv ops; /* only these operations; none: any */
};

/* For the manual's test: an option, and whether it is honoured. */
struct key_option {
	const char *name;
	bool value;								    /* option="value" */
	int (*take)(const char *value, struct key_limits *limits, struct err *err); /* NULL: it is refused */
	const char *why;							    /* it is refused */
};

const struct key_option *key_options_table(size_t *ret_n);
/* Reads "a,b=\"c d\",…". Returns 0, or -EINVAL with a sentence; ret is untouched then. What *ret holds is the caller's:
 * key_limits_done. */
int key_options_parse(const char *text, struct key_limits *ret, struct err *err);
void key_limits_done(struct key_limits *limits);
/* Adds the limits as they could stand in front of a key, or nothing. */
void key_limits_text(const struct key_limits *limits, struct buf *out);
/* May it ask for this one? */
bool key_limits_allow(const struct key_limits *limits, const char *op);
/* How long the text of options in front of a key is: to the first blank outside of quotes. -EINVAL, with the whole
 * length, when a quote has no end. */
int key_options_len(const char *line, size_t *ret_len);

#endif
