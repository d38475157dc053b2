/* What git's hooks and core say to each other over the control socket of a push, in lines. Pure. The hooks run as the
 * app's account, which its containers may be as well: core believes nothing of what they say.
 *
 *   hook → core: `ask` or `deploy`, `ref OLD NEW NAME` for each change, `end`
 *   core → hook: `say TEXT` any number of times, then `ok`, or `no REASON`
 *
 * `ask` comes before anything is kept of the push, `deploy` when its objects are in the repository. */
#ifndef PGO_IPC_PUSHLINE_H
#define PGO_IPC_PUSHLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	PUSH_REFS_MAX = 65, /* changes in one push: a branch and 64 tags */
	PUSH_NAME_MAX = 255,
	PUSH_OID_MAX = 64,
	PUSHLINE_MAX = 1024, /* bytes of a line, without its end */
};

enum pushline_word {
	PUSHLINE_ASK,
	PUSHLINE_DEPLOY,
	PUSHLINE_REF,
	PUSHLINE_END,
	PUSHLINE_SAY,
	PUSHLINE_OK,
	PUSHLINE_NO
};

/* One change of a ref. Object names are hex of the repository's length, both alike; all zeros: there is none. */
struct pushline_ref {
	char old[PUSH_OID_MAX + 1];
	char new[PUSH_OID_MAX + 1];
	char name[PUSH_NAME_MAX + 1]; /* "refs/heads/main", UTF-8 without control characters and blanks */
};

struct pushline {
	enum pushline_word word;
	struct pushline_ref ref;     /* PUSHLINE_REF */
	char text[PUSHLINE_MAX + 1]; /* PUSHLINE_SAY, PUSHLINE_NO */
};

/* A line without its end. 0, or -EBADMSG with a sentence. */
int pushline_parse(const char *line, size_t len, struct pushline *ret, struct err *err);
/* The line, with its end. Text is made plain (as buf_vis does) and cut to what fits. */
void pushline_add(struct buf *b, enum pushline_word word, const char *text);
void pushline_add_ref(struct buf *b, const struct pushline_ref *ref);
/* The name of a ref that can be spoken of; else -EINVAL and the end of a sentence that begins with the name. */
int pushline_check_name(const char *name, struct err *err);
/* No object: all zeros. */
bool pushline_is_none(const char *oid);

#endif
