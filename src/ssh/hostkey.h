/* The host's private key: made once by pgod, handed to every pgod-ssh as a sealed memfd. */
#ifndef PGO_SSH_HOSTKEY_H
#define PGO_SSH_HOSTKEY_H

#include <libssh/libssh.h>

#include "base/err.h"

/* Prints a fresh ed25519 key in OpenSSH's format on stdout. */
int hostkey_make(struct err *err);
/* Reads the key from a sealed memfd; the caller frees it with ssh_key_free. */
int hostkey_read(int fd, ssh_key *ret_key, struct err *err);

#endif
