/* The host's private key: made once by pgod-ssh, kept for ever in <dir>/.ssh/host_ed25519. */
#ifndef PGO_SUPERVISOR_HOSTKEY_H
#define PGO_SUPERVISOR_HOSTKEY_H

#include "supervisor/facts.h"

/* Reads the key, or has one made and stores it. Returns a sealed memfd with its text; the caller closes. */
int hostkey_load(const struct facts *f, struct err *err);
/* A descriptor of its own on the memfd, with an offset of its own: children must not move each other's. */
int hostkey_reopen(int memfd, struct err *err);

#endif
