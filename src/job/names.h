/* The words of a YAML file that may be file names. We parse no YAML: every word is tried. */
#ifndef PGO_JOB_NAMES_H
#define PGO_JOB_NAMES_H

#include <stddef.h>

enum { NAMES_WORD_MAX = 1024 };

/* Calls back with each word of the text. A "$VAR" or "${VAR…}" inside of a word has become "*"; the default value of a
 * variable
 * ("${VAR:-default}") comes as a word of its own. Longer words than NAMES_WORD_MAX are left out. */
void names_each_word(const char *text, size_t len, void (*word)(void *arg, const char *word), void *arg);

/* Where a word points, seen from a directory below a root that lies at root_path: the clean path below the root (may
 * hold "*"; the caller frees), or NULL when it leads out of it or is no path. dir is "" or a clean relative path. */
char *names_resolve(const char *root_path, const char *dir, const char *word);

/* Calls back with each path below rootfd that fits the pattern (component by component, "*" never crosses a slash, and
 * a component that is nothing but "*" fits only names with "env" in them). Without "*": the path itself. No symbolic
 * links. */
void names_expand(int rootfd, const char *pattern, void (*path)(void *arg, const char *path), void *arg);

#endif
