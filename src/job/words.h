/* What compose says, in words for people. */
#ifndef PGO_JOB_WORDS_H
#define PGO_JOB_WORDS_H

#include <stdbool.h>

struct buf;

/* One line of compose without its logging dress: time="…" level=warning msg="…" becomes "warning: …". Adds to ret. */
void words_clean_line(struct buf *ret, const char *line);
/* The variable that the line complains of: that it is not set; NULL when it says something else. The caller frees. */
char *words_unset(const char *line);
/* The text names a path that lies outside the live tree: absolute and elsewhere, or with "..". */
bool words_name_outside(const char *text, const char *live);
/* Says all lines on stderr but those of words_unset, and when compose failed over a file outside the repository, why it
 * is not there. */
void words_tell(const char *text, const char *live, bool failed);

#endif
