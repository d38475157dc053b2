/* The authorized keys of a service, from the lines that the job `keys` prints. Pure. */
#ifndef PGO_CORE_KEYS_H
#define PGO_CORE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum {
	KEYS_MAX = 1024,	   /* keys of a service; further ones are refused with a warning */
	KEYS_LINE_MAX = 16 * 1024, /* bytes of a line */
	KEYS_WARNINGS_MAX = 16 * 1024,
	KEYS_RSA_BITS_MIN = 2048,
	KEYS_FINGERPRINT_SIZE = 7 + 43 + 1, /* "SHA256:", 43 digits, NUL */
};

struct key {
	unsigned char *blob; /* what SSH sends as the public key */
	size_t blob_len;
	char *type; /* "ssh-ed25519", ... */
	char *file; /* "ssh/x.pub", escaped for logs */
	int line;
	char *comment; /* escaped for logs */
};

struct keys {
	struct key *v;
	size_t n;
};
#define KEYS_INIT       \
	{               \
		NULL, 0 \
	}
#define auto_keys __attribute__((cleanup(keys_done)))

/* Reads lines FILE:LINENO:TEXT. What cannot be used is left out, each with a line in warnings (may be NULL): escaped,
 * with file and line. */
void keys_parse(const char *text, size_t len, struct keys *ret_keys, struct buf *warnings);
void keys_done(struct keys *keys);
/* Is this the blob of one of the keys? Constant time per key. NULL when not. */
const struct key *keys_find(const struct keys *keys, const void *blob, size_t len);
bool keys_has(const struct keys *keys, const void *blob, size_t len);
/* "SHA256:...", as ssh-keygen -l prints it. */
void keys_fingerprint(const void *blob, size_t len, char ret_text[KEYS_FINGERPRINT_SIZE]);

#endif
