/* The whole of pgod-conf but its standard streams: the text of pgo.toml in, the document of ARCHITECTURE.md out. */
#ifndef PGO_CONF_CHECK_H
#define PGO_CONF_CHECK_H

#include <jansson.h>
#include <stddef.h>

enum { CHECK_SERVICES_MAX = 1000, CHECK_OPERATORS_MAX = 256 };

/* The document: {"version", "errors", "services", "operators", "shown"}. With any error only the first three, and
 * "services" is empty. Never NULL; the caller owns it.
 * It holds the configuration's secrets in "services" and never in "errors". */
json_t *check_text(const char *text, size_t len);
/* The document for a file over the limit of toml.h, which need not be read whole. */
json_t *check_too_large(void);

#endif
