/* The address of a site, as the names of `urls` say it and a Caddyfile has it: [scheme://]host[:port][/path]. Pure. */
#ifndef PGO_CONF_SITE_H
#define PGO_CONF_SITE_H

#include <stdbool.h>

#include "base/err.h"

enum {
	SITE_HOST_MAX = 253, /* a name of the DNS */
	SITE_PATH_MAX = 255,
	SITE_PORT_HTTP = 80,
	SITE_PORT_HTTPS = 443,
};

struct site {
	bool plain; /* http alone: http:// or port 80 was written */
	int port;   /* as written, else 80 or 443 */
	/* Lower case, without the brackets of an IPv6 address; "*.example.org" stands for one label; "": any name. */
	char host[SITE_HOST_MAX + 1];
	char path[SITE_PATH_MAX + 1]; /* as written, may end with "*"; "": all of the site */
};

/* -EINVAL with the end of a sentence that begins with `key "urls[0]"`: what is wrong and what to write instead. Nothing
 * passes that means something else than an address to a proxy's configuration. *ret_site is untouched then. */
int site_parse(const char *s, struct site *ret_site, struct err *err);
/* Both are one site, however they are written: http and https on their own ports are, since who has a name is asked for
 * by both. */
bool site_same(const struct site *a, const struct site *b);
/* Equal texts for the same site, for a table; exact: http and https are told apart. The caller frees. */
char *site_key(const struct site *s, bool exact);
/* Requests for b would reach a if there were no b: a has a wildcard, or no host, or less of a path. */
bool site_covers(const struct site *a, const struct site *b);

#endif
