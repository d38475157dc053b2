/* The names by which apps are asked for on the web. They come from repositories and their owners, and end as text of a
 * proxy's configuration that root writes: core and pgod each check them by this. Pure. */
#ifndef PGO_IPC_HOSTNAME_H
#define PGO_IPC_HOSTNAME_H

#include <stdbool.h>

#include "base/err.h"

enum {
	HOSTNAME_MAX = 253, /* a name of the DNS */
	HOSTNAME_LABEL_MAX = 63,
};

/* Lower-case letters, digits, "-" and "_" in two or more parts with dots between, and no address; "*." in front stands
 * for one part. -EINVAL with the end of a sentence that begins with the name: what is wrong. */
int hostname_check(const char *s, struct err *err);
/* Requests for b would reach a if there were no b: "*.example.org" covers "www.example.org". */
bool hostname_covers(const char *a, const char *b);

#endif
