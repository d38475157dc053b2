/* pgod-web: strangers with HTTP requests on one side, core on the other. It knows two paths, and nothing of what the
 * page says. */
#ifndef PGO_WEB_WEB_H
#define PGO_WEB_WEB_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/err.h"

enum { LISTENERS_MAX = 2 };

/* One connection, which carries one request. */
struct visitor {
	LIST_ENTRY(visitor) link;
	struct web *web;
	struct MHD_Connection *http;
	int fd; /* libmicrohttpd's */
	long long begun_ms;
	const struct route *route; /* what was asked for; NULL until the request is there */
	bool asked;		   /* the request is there, for better or worse */
	bool waits;		   /* for core; its connection is suspended */
	long long waits_since_ms;
	bool cut; /* its socket was shut down: libmicrohttpd is about to notice */
};
LIST_HEAD(visitor_list, visitor); /* newest first */

struct web {
	int arrival; /* from pgod: channels to core */
	int core;    /* -1: none */
	bool asked;  /* core owes an answer */
	int listeners[LISTENERS_MAX];
	long long deaf_until_ms; /* no connection is accepted before */
	struct MHD_Daemon *daemon;
	int epoll; /* libmicrohttpd's */
	struct visitor_list visitors;
	size_t nvisitors;
	struct MHD_Response *page; /* core's last answer; NULL: none yet */
	long long page_ms;
	char health[32]; /* with it: why not all is well; "" */
};

/* http.c: all of libmicrohttpd. Starts it; nothing is accepted yet. */
int http_start(struct web *w, struct err *err);
void http_stop(struct web *w);
/* Takes connections from a listener that is readable. */
void http_accept(struct web *w, int listener);
/* Reads, answers, closes what is over its time; never blocks. */
void http_turn(struct web *w);
/* How long nothing has to be done unless a descriptor says so; -1: for ever. */
int http_wait_ms(const struct web *w);
/* The text (freed later) is the page from now on. */
void http_set_page(struct web *w, char *take_text, size_t len);
/* Those who wait for core are answered with what there is. */
void http_wake(struct web *w);
/* Does anybody wait for core? */
bool http_waits(const struct web *w);

/* ask.c: the channel to core. Asks for a page, if none is on its way; while there is no core, the next one is asked. */
void ask_core(struct web *w);
/* Core has said something, or gone. */
void ask_readable(struct web *w);
/* pgod has a new channel for us: 1, or 0 when pgod has gone. */
int ask_arrival(struct web *w, struct err *err);

#endif
