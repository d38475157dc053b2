/* Is it the right host? PGOCTL_HOSTKEY, else the known_hosts files. */
#ifndef PGO_CTL_KNOWN_H
#define PGO_CTL_KNOWN_H

#include <libssh/libssh.h>
#include <stdbool.h>

#include "base/err.h"

struct known_policy {
	const char *pinned; /* PGOCTL_HOSTKEY: "ssh-ed25519 AAAA..."; NULL: none */
	const char *file;   /* --known-hosts; NULL: ~/.ssh/known_hosts, and /etc/ssh/ssh_known_hosts is read as well */
	bool accept_new;
};

/* Checks the host's key; an unknown one may be stored, after asking or with accept_new. Returns 0 when it is to be
 * trusted. A changed key is always refused. */
int known_check(const char *host, int port, ssh_key key, const struct known_policy *policy, struct err *err);

#endif
