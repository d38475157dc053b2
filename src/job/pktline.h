/* git's pkt-lines on a hook's stdin and stdout. */
#ifndef PGO_JOB_PKTLINE_H
#define PGO_JOB_PKTLINE_H

#include "base/err.h"

enum { PKTLINE_MAX = 65516 }; /* bytes of a line, as in git */

/* One line into ret (PKTLINE_MAX + 1 bytes), with a NUL behind it and without its newline. Its length; 0: a flush, or
 * an empty line, which git does not send; < 0: malformed, or the end. */
int pktline_read(char *ret, struct err *err);
/* One line; at most 1500 bytes: a ref and a reason fit. */
int pktline_write(const char *line, struct err *err);
int pktline_flush(struct err *err);

#endif
