/* Key pairs that pgod makes and keeps: each one file of root's, the private half as ssh-keygen writes it, then a line
 * with the public half. */
#ifndef PGO_SUPERVISOR_KEYFILE_H
#define PGO_SUPERVISOR_KEYFILE_H

#include "base/buf.h"
#include "supervisor/facts.h"

enum { KEYFILE_MAX = 16 * 1024 };

struct key_pair {
	struct buf private; /* in OpenSSH's format, with its last newline */
	char *public;	    /* "ssh-ed25519 AAAA…"; NULL: of an older file that has none */
};
#define KEY_PAIR_INIT                            \
	{                                        \
		.private = BUF_INIT(KEYFILE_MAX) \
	}
#define auto_key_pair __attribute__((cleanup(key_pair_done)))

/* A new ed25519 pair, from pgod-ssh, which has the library for it. */
int key_pair_make(const struct facts *f, struct key_pair *ret, struct err *err);
/* Stores it: whole or not at all, on the disk when this returns. */
int key_pair_store(int dirfd, const char *name, const struct key_pair *k, struct err *err);
/* Reads a file that must be root's alone. -ENOENT when there is none. */
int key_pair_read(int dirfd, const char *name, struct key_pair *ret, struct err *err);
/* Overwrites and frees. */
void key_pair_done(struct key_pair *k);

#endif
