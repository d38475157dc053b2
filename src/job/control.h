/* A hook's side of the control socket of a push (ipc/pushline.h). */
#ifndef PGO_JOB_CONTROL_H
#define PGO_JOB_CONTROL_H

#include <stddef.h>

#include "base/err.h"
#include "ipc/pushline.h"

enum { CONTROL_FD = 3 };

struct control_refs {
	struct pushline_ref v[PUSH_REFS_MAX];
	size_t n;
};

/* Takes "OLD NEW NAME" of git's. -EINVAL with a sentence for the pusher: too many of them, or a name that cannot be
 * spoken of. */
int control_add_ref(struct control_refs *refs, const char *line, size_t len, struct err *err);
/* Asks core (PUSHLINE_ASK, PUSHLINE_DEPLOY) and waits as long as it takes; what core says meanwhile goes to stderr,
 * which git passes on to the pusher. 1: yes; 0: no, and *ret_no (of PUSHLINE_MAX + 1 bytes) is the reason; < 0: core
 * cannot be asked. */
int control_ask(enum pushline_word question, const struct control_refs *refs, char *ret_no, struct err *err);

#endif
