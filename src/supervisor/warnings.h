/* What a configuration says that is accepted, and that somebody may have meant otherwise. */
#ifndef PGO_SUPERVISOR_WARNINGS_H
#define PGO_SUPERVISOR_WARNINGS_H

#include "conf/conf.h"

enum { WARNINGS_MAX = 20 };

/* Adds a sentence with the file and the line of the service for each, at most WARNINGS_MAX. path: of the file. */
void warnings_of(const char *path, const struct conf *c, struct strv *ret);

#endif
