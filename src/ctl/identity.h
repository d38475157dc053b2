/* With which key the user signs: -i FILE, else PGOCTL_ID, else ssh-agent. */
#ifndef PGO_CTL_IDENTITY_H
#define PGO_CTL_IDENTITY_H

#include <libssh/libssh.h>

#include "base/err.h"

/* file: the value of -i, or NULL. *ret_key is the private key (the caller frees it), NULL when ssh-agent is to sign.
 * Asks for a passphrase on the terminal. */
int identity_load(const char *file, ssh_key *ret_key, struct err *err);

#endif
