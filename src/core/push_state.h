/* A push, from the question whether it may begin until its refs have been moved, or not. There is one a service: the
 * app's lock, held as long as this core lives. Only push*.c include this. */
#ifndef PGO_CORE_PUSH_STATE_H
#define PGO_CORE_PUSH_STATE_H

#include "core/journal.h"
#include "core/push.h"
#include "core/push_text.h"
#include "core/service.h"
#include "ipc/pushline.h"

/* Who reads, and waits for the answer. */
struct pusher {
	void (*say)(void *to, const char *line);
	void (*answer)(void *to, const char *no); /* once; NULL: it is accepted */
};

struct push {
	struct service *svc;
	const struct pusher *pusher;
	void *to; /* of the pusher; NULL: he has gone, or has his answer */
	char who[TASK_WHO_MAX];
	int64_t begun_ms; /* wall clock */
	int64_t deploy;	  /* 0: not yet begun */
	bool works;	  /* its objects are there: it goes on without the pusher */
	bool unchanged;
	bool deletes; /* no commit came: the app goes, and then the branch */
	char *no;     /* why it is rejected; NULL: it may still be accepted */
	struct push_text text;
	struct journal_follower follower;
};

struct push *push_new(struct service *svc, const struct pusher *pusher, void *to, const char *who);
/* Says why it ends here, and answers. */
void push_give_up(struct push *p, const char *why);
/* The last word to the pusher, if he is still there; NULL is yes. */
void push_answer(struct push *p, const char *no);
/* Nobody waits for it any more. */
void push_discard(struct service *svc);
/* Written down before anything is done: whatever ends this core, the next one knows what the refs wait for. */
int push_write_down(struct push *p, const struct pushline_ref *refs, size_t n, struct err *err);

/* Why nothing can be pushed to it now, or its branch be deleted by a push; NULL when it can. The caller frees. */
char *push_refusal(const struct service *svc, bool deletes);
/* Does the branch belong to this app itself? */
bool push_is_own_branch(const struct service *svc, const char *branch);
/* It is this app that the push goes to, unless that cannot be now. */
void push_take(struct receive *r, struct service *svc);
/* push_delete.c: the two questions about a branch that is to be deleted. p->svc is the app of the branch. */
void push_ask_to_delete(struct receive *r);
void push_delete(struct push *p, const char *branch);

#endif
