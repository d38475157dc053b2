/* The way out of a terminal whose other side is silent: a line that begins with "~.", as with ssh. */
#ifndef PGO_CTL_ESCAPE_H
#define PGO_CTL_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Zeroed: at the start of a line. */
struct escape {
	enum { ESCAPE_LINE, ESCAPE_TILDE, ESCAPE_WITHIN } state;
};

/* Adds to ret what of the typed bytes is for the other side ("~~" at the start of a line is one "~"). Returns true at
 * "~.": what follows is nobody's. */
bool escape_filter(struct escape *e, const char *typed, size_t len, struct buf *ret);

#endif
