/* What a repository on this machine says of one branch: git's protocol 2, one request and one answer. The half of
 * ls-remote that asks, without its two programs and its shell; the half that answers is git's own upload-pack. */
#ifndef PGO_JOB_LSREFS_H
#define PGO_JOB_LSREFS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "job/remote.h"

/* The directory that git would give to upload-pack for this URL, within url; NULL when it is not plainly one. */
const char *lsrefs_path(const char *url);
/* Asks for the refs whose names begin with ref. */
void lsrefs_request(const char *ref, struct buf *ret);
/* Finds ref, and no other, in an answer that is whole. */
bool lsrefs_pick(const char *answer, size_t len, const char *ref, char ret_oid[REMOTE_OID_SIZE]);

#endif
