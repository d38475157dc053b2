/* Text for a compose file that we write ourselves. */
#ifndef PGO_JOB_YAMLTEXT_H
#define PGO_JOB_YAMLTEXT_H

#include <stdbool.h>

#include "base/buf.h"

/* Adds a string of YAML, in which compose replaces no variable. False for what is not UTF-8, of which there is none. */
bool yamltext_quote(struct buf *b, const char *s);

#endif
