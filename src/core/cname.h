/* The file CNAME in the root of a pushed commit: names by which its app is asked for, one a line. Pure. */
#ifndef PGO_CORE_CNAME_H
#define PGO_CORE_CNAME_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum { CNAME_NAMES_MAX = 256 };

struct cname {
	struct strv names; /* each once, in the order of the file */
	int lines[CNAME_NAMES_MAX];
};
#define auto_cname __attribute__((cleanup(cname_done)))
void cname_done(struct cname *c);
/* Blank lines and such that begin with "#" are passed over; lines may end with CRLF, the last one without. -EINVAL with
 * "CNAME:LINE: NAME is ..."; *ret is untouched then. The caller frees with cname_done. */
int cname_parse(const char *text, size_t len, struct cname *ret, struct err *err);

#endif
