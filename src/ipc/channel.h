/* A channel: messages on libevent, with a table of what the peer may say in which state, and a bounded queue of what
 * waits to be sent. What is not in the table closes the peer. */
#ifndef PGO_IPC_CHANNEL_H
#define PGO_IPC_CHANNEL_H

#include <event2/event.h>
#include <stdbool.h>

#include "ipc/msg.h"

struct channel;

struct channel_rule {
	const char *type;
	unsigned states; /* bit mask of the states (1u << state) in which the message is allowed */
	/* Returns 0, or < 0 with err set: the channel is then closed and `closed` called with that error. */
	int (*handle)(void *ctx, struct msg *m, struct err *err);
};

struct channel_spec {
	const char *name; /* for the log: "core", "ssh 12" */
	enum msg_dir recv;
	enum msg_dir send;
	const struct channel_rule *rules;
	size_t nrules;
	/* The channel is gone (err->num 0: the peer closed it in order). Called once, from the loop; the callee frees
	 * the channel. */
	void (*closed)(void *ctx, const struct err *err);
	void *ctx;
};

/* What may wait for a slow peer; one message more closes it. */
enum {
	CHANNEL_QUEUE_MAX = 1024,		/* messages */
	CHANNEL_QUEUE_BYTES = 16 * 1024 * 1024, /* of text */
};

/* Takes the fd (made non-blocking). spec is copied; its rules stay borrowed. The state starts as 0. */
struct channel *channel_new(struct event_base *base, int take_fd, const struct channel_spec *spec);
/* Closes and frees at once, without calling `closed`, and drops what is queued; safe inside a handler and inside
 * `closed`. NULL is fine. */
void channel_free(struct channel *ch);
void channel_state(struct channel *ch, unsigned state);
/* Sends, or queues when the socket is full. Takes the body; the fds are duplicated when queued, so they stay the
 * caller's. A peer that has gone (what it said before is still handled) or whose queue is full is reported through
 * `closed`, later from the loop. */
void channel_send(struct channel *ch, json_t *take_body, const int *fds, size_t nfds);
/* Messages queued and not yet sent. */
size_t channel_queued(const struct channel *ch);

#endif
