/* Texts into a digest, for src/compose only. */
#ifndef PGO_COMPOSE_HASH_H
#define PGO_COMPOSE_HASH_H

#include <sha2.h>

/* Each text goes in behind its length, so that no two lists of texts give the same bytes. */
void hash_text(SHA2_CTX *ctx, const char *s);

#endif
