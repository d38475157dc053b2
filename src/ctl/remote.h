/* A session with a pgod: connected, checked, authenticated. libssh's client side is here and in run.c. */
#ifndef PGO_CTL_REMOTE_H
#define PGO_CTL_REMOTE_H

#include <libssh/libssh.h>

#include "base/err.h"

/* Exchanges keys over the connected socket (which the session then owns). Returns 0 or -errno. */
int remote_handshake(
    int take_fd, const char *host, int port, const char *user, ssh_session *ret_session, struct err *err);
/* The host's public key; the caller frees it. */
int remote_hostkey(ssh_session session, ssh_key *ret_key, struct err *err);
/* Signs in, with this key or, when it is NULL, with ssh-agent's. */
int remote_authenticate(ssh_session session, ssh_key key, struct err *err);
/* Sets err to libssh's sentence, made printable (the peer may have written parts of it). Returns -num. */
int remote_error(ssh_session session, int num, const char *what, struct err *err);

#endif
