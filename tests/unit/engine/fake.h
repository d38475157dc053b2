/* A scripted engine at the other end of socketpairs, on the same event loop. */
#ifndef PGO_TESTS_FAKE_H
#define PGO_TESTS_FAKE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

struct fake;

enum { FAKE_CONNS_MAX = 64, FAKE_LOG_MAX = 16384 };

struct fake_conn {
	struct fake *fake;
	int fd; /* -1: closed */
	struct event *readable;
	char request[8192];
	size_t len;
};

struct fake {
	struct event_base *base;
	/* A whole request came: path is what stands between the method and the protocol. */
	void (*asked)(struct fake_conn *c, const char *path);
	struct fake_conn conns[FAKE_CONNS_MAX];
	size_t nconns;
	char log[FAKE_LOG_MAX]; /* the paths, a line each */
	char method[8];		/* of the newest request, and its body */
	char body[8192];
	void *test;
};

void fake_init(struct fake *f, void (*asked)(struct fake_conn *c, const char *path), void *test);
void fake_done(struct fake *f);
/* A new connection: returns the client's end. */
int fake_connect(struct fake *f);
void fake_send(struct fake_conn *c, const char *text);
/* A response with Content-Length. */
void fake_json(struct fake_conn *c, int status, const char *body);
/* The head of a chunked response, and a chunk. */
void fake_stream(struct fake_conn *c);
void fake_chunk(struct fake_conn *c, const char *text);
void fake_close(struct fake_conn *c);
/* How often a path with this in it was asked for. */
int fake_count(const struct fake *f, const char *part);
/* Runs the loop until *flag reaches n; fails the test after 10 s. */
void fake_wait(struct fake *f, const int *flag, int n);
/* Runs the loop for what is ready now, without waiting, a few times over. */
void fake_settle(struct fake *f);

#endif
