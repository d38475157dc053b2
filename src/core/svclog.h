/* What pgod's log says of a service, kept for those who look after it: `journal`. Two files a service
 * (logs/<service>/journal and journal.old), which outlive pgod; and whoever follows. */
#ifndef PGO_CORE_SVCLOG_H
#define PGO_CORE_SVCLOG_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/err.h"

enum { SVCLOG_MAX = 128 * 1024 }; /* bytes of a file: what is kept of a service is between once and twice that */

/* Caller's storage, zeroed but for the last three; svclog_unfollow before it goes away. */
struct svclog_follower {
	TAILQ_ENTRY(svclog_follower) entry;
	bool listed;
	const char *service;
	void (*text)(void *ctx, const char *data, size_t len);
	void *ctx;
};

/* Keeps a line, "2026-11-21T10:02:11Z info text", and tells who follows. What cannot be kept (a full disk) is only
 * told. */
void svclog_add(const char *service, int64_t now_s, const char *word, const char *text);
/* All that is kept, oldest first; nothing is no error. ret's limit: 2 * SVCLOG_MAX at least. */
int svclog_read(const char *service, struct buf *ret, struct err *err);
/* f is told each line from now on. */
void svclog_follow(struct svclog_follower *f);
void svclog_unfollow(struct svclog_follower *f);
/* The moment as the lines have it, of seconds of the wall clock. */
enum { SVCLOG_TIME = 24 };
void svclog_time(int64_t wall_s, char ret[SVCLOG_TIME]);

#endif
