/* The log of a deploy, for people: what it said, step by step. A file of core's (logs/<service>/<deploy>.log, 0600),
 * and whoever follows it while the deploy runs. */
#ifndef PGO_CORE_JOURNAL_H
#define PGO_CORE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/err.h"

enum { JOURNAL_MAX = 1024 * 1024 }; /* bytes kept of a deploy; followers are told all of it */

struct journal;

/* Caller's storage, zeroed but for the three; taken off the list before it goes away. */
struct journal_follower {
	TAILQ_ENTRY(journal_follower) entry;
	struct journal *journal; /* NULL while it follows none */
	void (*text)(void *ctx, const char *data, size_t len);
	void (*note)(void *ctx, const char *data, size_t len); /* what journal_note wrote; NULL: text is told it too */
	void (*end)(void *ctx);				       /* the deploy has ended; it follows no longer */
	void *ctx;
};

/* Begins the log of a deploy. Never NULL: what cannot be kept (a full disk) is still told to the followers. */
struct journal *journal_new(const char *service, int64_t deploy);
void journal_write(struct journal *j, const char *data, size_t len);
/* Likewise a note of core's own, which no program can forge. */
void journal_note(struct journal *j, const char *data, size_t len);
/* Tells the followers that it has ended, and frees. NULL is fine. */
void journal_end(struct journal *j);

/* Hands f the text from its start, then each piece as it comes. */
void journal_follow(struct journal *j, struct journal_follower *f);
/* f follows no longer, if it did. */
void journal_unfollow(struct journal_follower *f);
/* The whole text of a deploy that has ended, or so far; foreign bytes are in it. ret's limit: JOURNAL_MAX at least. */
int journal_read(const char *service, int64_t deploy, struct buf *ret, struct err *err);

#endif
