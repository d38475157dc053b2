/* The authorized keys of a service, from the lines that the job `keys` prints. Pure. */
#ifndef PGO_CORE_KEYS_H
#define PGO_CORE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "ipc/authkey.h"

enum {
	KEYS_MAX = 1024,		    /* keys of a service; further ones are refused and told */
	KEYS_PROBLEMS_MAX = 32,		    /* lines that are told to be refused; the others are counted */
	KEYS_PROBLEM_MAX = 512,		    /* bytes of each */
	KEYS_FINGERPRINT_SIZE = 7 + 43 + 1, /* "SHA256:", 43 digits, NUL */
	KEYS_MD5_SIZE = 4 + 16 * 3,	    /* "MD5:", 16 pairs of digits with colons between them, NUL */
};

struct key {
	struct authkey auth;
	char *file; /* "x.pub", of the directory ssh; escaped for logs */
	int line;
};

struct keys {
	struct key *v;
	size_t n;
	struct strv problems; /* "x.pub:3: what is wrong: key ignored", escaped */
	size_t refused;	      /* lines, also those that are not among the problems */
};
#define auto_keys __attribute__((cleanup(keys_done)))

/* Reads lines FILE:LINENO:TEXT; at LINENO 0 TEXT is what the job itself has to say of FILE. What cannot be used is left
 * out and told: no line harms another. */
void keys_parse(const char *text, size_t len, struct keys *ret_keys);
void keys_done(struct keys *keys);
/* The next line behind `after` (NULL: the first) with this blob, NULL when there is none: a key may stand in several.
 * Constant time per key. */
const struct key *keys_next(const struct keys *keys, const struct key *after, const void *blob, size_t len);
/* "SHA256:...", as ssh-keygen -l prints it. */
void keys_fingerprint(const void *blob, size_t len, char ret_text[KEYS_FINGERPRINT_SIZE]);
/* "MD5:...", as ssh-keygen -l -E md5 prints it: for people who have it written down so. Nothing is decided by it. */
void keys_fingerprint_md5(const void *blob, size_t len, char ret_text[KEYS_MD5_SIZE]);

#endif
