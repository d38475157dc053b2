/* pgod-web: /metrics and /healthz for whoever comes. It holds no secret and has no files: pgod gives it the listening
 * sockets, core gives it text, and it moves bytes. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/str.h"
#include "web/bounds.h"
#include "web/web.h"

enum { FD_ARRIVAL = 3, FD_LISTENER = 4 };

/* Besides the few that every process needs. */
static const int syscalls[] = {
    SYS_accept4,
    SYS_getsockopt,
    SYS_recvfrom,
    SYS_sendto,
    SYS_setsockopt,
    SYS_shutdown,
};

static const struct sandbox sandbox = {
    .role = "pgod-web",
    .syscalls = syscalls,
    .nsyscalls = ARRAY_LEN(syscalls),
    .dir = NULL,
    .nofile = FDS_MAX,
    .as_bytes = MEMORY_MAX_BYTES,
    .may_fork = false,
};

static int
close_door(struct err *err)
{
	tzset(); /* the time zone's file is read at the first use */
	return sandbox_enter(&sandbox, NULL, err);
}

/* One listener, or two for the two addresses of localhost. */
static int
find_listeners(struct web *w, struct err *err)
{
	for (int i = 0; i < LISTENERS_MAX; i++) {
		int on = 0;
		socklen_t len = sizeof(on);

		w->listeners[i] = FD_LISTENER + i;
		if (getsockopt(w->listeners[i], SOL_SOCKET, SO_ACCEPTCONN, &on, &len) < 0 || !on)
			w->listeners[i] = -1;
	}
	return w->listeners[0] < 0 ? err_set(err, EINVAL, "the descriptors are not what pgod gives") : 0;
}

enum { AT_ARRIVAL, AT_CORE, AT_HTTP, AT_LISTENER, AT_N = AT_LISTENER + LISTENERS_MAX };

/* 1: on to the next turn; 0: pgod has gone. */
static int
turn(struct web *w, struct err *err)
{
	bool deaf = io_now_ms() < w->deaf_until_ms;
	struct pollfd p[AT_N] = {
	    [AT_ARRIVAL] = {w->arrival, POLLIN, 0},
	    [AT_CORE] = {w->core, POLLIN, 0},
	    [AT_HTTP] = {w->epoll, POLLIN, 0},
	};
	int rc = 1;

	for (int i = 0; i < LISTENERS_MAX; i++)
		p[AT_LISTENER + i] = (struct pollfd){deaf ? -1 : w->listeners[i], POLLIN, 0};
	if (poll(p, AT_N, http_wait_ms(w)) < 0)
		return errno == EINTR ? 1 : err_errno(err, "cannot wait");
	if (p[AT_CORE].revents != 0)
		ask_readable(w);
	if (p[AT_ARRIVAL].revents != 0)
		rc = ask_arrival(w, err);
	for (int i = 0; i < LISTENERS_MAX; i++) {
		if (p[AT_LISTENER + i].revents != 0)
			http_accept(w, w->listeners[i]);
	}
	http_turn(w);
	return rc;
}

static int
serve(struct err *err)
{
	struct web w = {.arrival = FD_ARRIVAL, .core = -1};
	int rc = find_listeners(&w, err);

	LIST_INIT(&w.visitors);
	if (rc >= 0)
		rc = close_door(err);
	if (rc >= 0)
		rc = http_start(&w, err);
	if (rc < 0)
		return rc;
	do
		rc = turn(&w, err);
	while (rc > 0);
	http_stop(&w);
	return rc;
}

static int
test_sandbox(struct err *err)
{
	int rc = close_door(err);

	return rc < 0 ? rc : sandbox_self_test(&sandbox, err);
}

int
main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int (*run)(struct err *) = argc == 1 ? serve : NULL;

	log_init("pgod-web", false);
	signal(SIGPIPE,
	    SIG_IGN); /* NOLINT(bugprone-signal-handler,cert-sig34-c): a closed socket is an error, not an end */
	if (argc == 2 && str_eq(argv[1], "--sandbox-test"))
		run = test_sandbox;
	if (run == NULL) {
		fputs("usage: pgod-web [--sandbox-test]\nStarted by pgod.\n", stderr);
		return 2;
	}
	if (run(&err) < 0) {
		log_err("%s", err.msg);
		return 1;
	}
	return 0;
}
