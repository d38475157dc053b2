/* A push while git's hooks wait for an answer: what arrived, as the hooks say, and the line to the pusher's terminal.
 * What is decided about it, and done, stands behind core/push.h. */
#ifndef PGO_CORE_RECEIVE_H
#define PGO_CORE_RECEIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/core.h"
#include "ipc/gitline.h"
#include "ipc/pushline.h"

struct client;
struct service;

enum {
	RECEIVE_WHO_MAX = 128,
	RECEIVE_FETCHES_MAX = 16,	 /* of a service: pgod has a limit for the jobs of all */
	RECEIVE_SERVICE_MAX = 4,	 /* pushes to a service at a time: one is deployed, the others are told so */
	RECEIVE_UNREAD_MAX = 256 * 1024, /* bytes for a pusher who does not read; what is said then is left out */
};

struct receive {
	struct core *core;
	struct client *client;			 /* of the pusher, as long as this lives */
	struct service *svc;			 /* whose repository it goes to */
	char who[RECEIVE_WHO_MAX];		 /* the key that signed and where it stands, for people */
	struct pushline_ref refs[PUSH_REFS_MAX]; /* what is to change; nothing else does */
	size_t nrefs;
	/* The one branch among them, "main" of "refs/heads/main"; NULL when there are tags only. It is created or
	 * moved, in whatever direction, or deleted, and then alone. Borrowed from refs. */
	const struct pushline_ref *change;
	const char *branch;
	bool deletes;
	void *push;	   /* core/push.c's own */
	struct wire *wire; /* receive.c's own */
};

/* A line for the pusher's terminal; what cannot be shown there is escaped, and what is too long for a line cut. Of a
 * pusher whose terminal stands still, lines are left out in the end, and the number of them is told. */
void receive_say(struct receive *r, const char *line);
/* Answers the question that was asked last, once: NULL is yes, else the reason in one line, which git shows beside the
 * ref; what the pusher is to read of it before is said. After a yes to push_asked(), push_deploy() follows unless r
 * goes first; after any other answer, push_forget(). */
void receive_answer(struct receive *r, const char *no);
/* No, with the reason on the pusher's terminal as well, and in the log. */
void receive_refuse(struct receive *r, const char *why);

/* Serves what git's client asks for on its own pipes: the operations `push` and `fetch`. */
void receive_run(struct client *c);
/* There is nothing of the name that git's client has said: is it a push that makes it? */
bool receive_may_make(const struct client *c);
/* Makes the app, then goes on with the push. */
void receive_make(struct client *c);
/* pgod is stopping: a push that is not being deployed yet ends here; of another the deploy's end is the answer. */
void receive_quit(struct client *c);
/* NULL is fine. */
void receive_free(struct receive *r);

/* receive_refs.c, pure: may these be changed by one push, whatever is there? Fills in change, branch and deletes;
 * -EINVAL with a sentence for the pusher. */
int receive_judge_refs(struct receive *r, struct err *err);

#endif
