/* What pgod-conf makes of a text, for the tests of its tables. */
#ifndef PGO_TESTS_CONF_CHECKED_H
#define PGO_TESTS_CONF_CHECKED_H

#include "conf/conf.h"

/* The sentences of what is wrong with it, a line each: "LINE: SENTENCE". The caller frees. */
char *checked_errors(const char *text);
/* One of them has these words; "": there is none. */
void checked_says(const char *text, const char *want);
/* As pgod reads it; nothing is wrong with it. The caller frees. */
struct conf *checked_conf(const char *text);

#endif
