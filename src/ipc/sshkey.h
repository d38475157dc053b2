/* Public keys as SSH sends them: which types are safe, and what their blobs must be. Pure. */
#ifndef PGO_IPC_SSHKEY_H
#define PGO_IPC_SSHKEY_H

#include <stddef.h>

enum { SSHKEY_RSA_BITS_MIN = 2048 };

struct sshkey_type;

/* The type of this name, also one that is only known to be unsafe; NULL when it is none. */
const struct sshkey_type *sshkey_type(const char *word, size_t len);
/* "ssh-ed25519", ... */
const char *sshkey_name(const struct sshkey_type *type);
/* NULL, or why the blob is not a usable key of that type. */
const char *sshkey_check(const struct sshkey_type *type, const void *blob, size_t len);

#endif
