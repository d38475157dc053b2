/* By which rules a commit was judged: when they are others, what they refused is judged again. */
#ifndef PGO_CORE_RULES_H
#define PGO_CORE_RULES_H

#include "conf/conf.h"

enum { RULES_HEX = 65 };

/* A digest of all in the configuration that can make a refused commit one that passes, or the other way round: the
 * service's exceptions, ports, limits, networks, account, compose file, and whose upstreams are taken. */
void rules_digest(const struct conf *conf, const struct conf_service *s, char ret_hex[RULES_HEX]);

#endif
