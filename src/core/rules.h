/* By which rules a commit was judged: when they are others, what they refused is judged again. */
#ifndef PGO_CORE_RULES_H
#define PGO_CORE_RULES_H

#include <stdbool.h>

#include "conf/conf.h"

struct store_service;

enum { RULES_HEX = 65, RULES_TEXT = 2 * RULES_HEX };

/* How the refusal of a commit ends that an operator went back from. */
#define RULES_BY_HAND "`up` applies the newest commit"

/* Two digests, keyed with the host's key and with a space between them: of all in the configuration that can make a
 * refused commit one that passes, or the other way round (the service's exceptions, ports, limits, networks, account,
 * compose file, and whose upstreams are taken), and of the variables that its compose file sees. */
void rules_text(const struct conf *conf, const struct conf_service *s, const char *key, char ret[RULES_TEXT]);

/* Must the tracked commit be judged again, now that rules_text() says this? By other rules what was refused; with other
 * variables also what runs, was rolled back or did not get healthy: it is another release. What an operator cancelled
 * or went back from is left as it is. */
bool rules_judge_again(const struct store_service *row, const char text[RULES_TEXT]);

#endif
