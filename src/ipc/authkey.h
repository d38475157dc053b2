/* One line of a file of public keys, as ssh-keygen writes and sshd's authorized_keys holds them: [options] type base64
 * [comment]. Pure. */
#ifndef PGO_IPC_AUTHKEY_H
#define PGO_IPC_AUTHKEY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "ipc/key_options.h"

enum { AUTHKEY_LINE_MAX = 16 * 1024 }; /* bytes */

struct authkey {
	unsigned char *blob; /* what SSH sends as the public key */
	size_t blob_len;
	const char *type; /* "ssh-ed25519", ...; static */
	char *comment;	  /* escaped for logs */
	struct key_limits limits;
};
#define auto_authkey __attribute__((cleanup(authkey_done)))

/* Blanks around the line do not matter. -EINVAL with a sentence; ret is untouched then. What *ret holds is the
 * caller's: authkey_done. */
int authkey_parse(const char *line, struct authkey *ret, struct err *err);
void authkey_done(struct authkey *key);
/* Is this the key's blob? In constant time. */
bool authkey_is(const struct authkey *key, const void *blob, size_t len);

#endif
