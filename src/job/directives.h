/* The comments by which a Dockerfile says how its container is run, in octohost's words: "# WORD argument..." at the
 * very beginning of a line. Pure; the file is hostile. */
#ifndef PGO_JOB_DIRECTIVES_H
#define PGO_JOB_DIRECTIVES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { DIRECTIVES_MAX = 64, DIRECTIVE_ARGS_MAX = 3, DIRECTIVE_LINE_MAX = 4096 };

enum directive_word {
	DIRECTIVE_ADD_NAME,
	DIRECTIVE_LINK_SERVICE,
	DIRECTIVE_MOUNT_FROM_HOST,
	DIRECTIVE_NO_HTTP_PROXY,
	DIRECTIVE_PORTS_FROM_HOST,
	DIRECTIVE_VOLUMES_FROM,
	DIRECTIVE_WORDS
};

struct directive {
	enum directive_word word;
	int line;	  /* of the file, from 1 */
	struct strv args; /* between 0 and DIRECTIVE_ARGS_MAX + 1 of them: one more tells that there were too many */
};

struct directives {
	struct directive *v;
	size_t n;
};
#define auto_directives __attribute__((cleanup(directives_done)))
void directives_done(struct directives *d);

/* "MOUNT_FROM_HOST". */
const char *directive_name(enum directive_word word);
/* Finds them in the text of a file, in its order. A word counts in any case, but only as a whole: "# NO_HTTP_PROXY_X"
 * is a comment. -E2BIG for more than DIRECTIVES_MAX. */
int directives_read(const char *text, size_t len, struct directives *ret, struct err *err);

/* directive_keys.c */
bool directives_have(const struct directives *all, enum directive_word word);
/* Adds a sentence for each that the administrator does not follow (allowed has their names; NO_HTTP_PROXY gives nothing
 * and needs no leave), and for each with too few or too many arguments. */
void directives_check(const struct directives *all, const struct strv *allowed, struct strv *complaints);
/* Adds what they want of the compose service of an app, each key with a comma in front; a sentence for each argument
 * that is not understood. */
void directives_write(const struct directives *all, const char *app, struct buf *b, struct strv *complaints);

#endif
