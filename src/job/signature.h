/* What a commit says of itself, and what ssh-keygen says of its signature: foreign text, taken apart. */
#ifndef PGO_JOB_SIGNATURE_H
#define PGO_JOB_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum signature {
	SIGNATURE_NONE,
	SIGNATURE_SSH,
	SIGNATURE_OTHER, /* OpenPGP, X.509 */
};

enum { COMMIT_WORD_MAX = 120 };

/* A commit as `git cat-file commit` prints it; the words are cut to COMMIT_WORD_MAX bytes. */
struct commit_words {
	enum signature signature;
	char author[COMMIT_WORD_MAX + 1]; /* "Tess <tess@example.org>" */
	char subject[COMMIT_WORD_MAX + 1];
};

void commit_words_read(const char *text, size_t len, struct commit_words *ret);

/* Why the signature does not count, from the words of `git verify-commit` ("…; …"), which tells what ssh-keygen said:
 * adds "was signed with the ED25519 key SHA256:…, which is none of the signers'" or the like to ret. signers: the name
 * of the signers file as ssh-keygen knows it. */
void signature_explain(const char *words, const char *signers, struct buf *ret);
/* The words of a `git verify-commit` that failed tell of the signature, not of what kept git or ssh-keygen from
 * checking it.
 */
bool signature_is_judged(const char *words);
/* Adds "tess@example.org with the ED25519 key SHA256:…" for a good signature; nothing when the words tell of none. */
void signature_signer(const char *words, struct buf *ret);

#endif
