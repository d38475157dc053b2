/* pgod-ssh: one process a connection. Holds the host key and faces strangers, so it has no files, no exec, no other
 * socket: the door is closed before the first byte of the client is read. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/str.h"
#include "ssh/conn.h"
#include "ssh/door.h"
#include "ssh/hostkey.h"

enum { FD_CORE = 3, FD_CLIENT = 4, FD_HOSTKEY = 5 };

/* TCP's own dead-peer check, and no waiting for full segments: answers are small. */
static int
prepare_socket(int fd, struct err *err)
{
	static const struct {
		int level, name, value;
	} options[] = {
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_NODELAY, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, 60},
	    {IPPROTO_TCP, TCP_KEEPINTVL, 15},
	    {IPPROTO_TCP, TCP_KEEPCNT, 4},
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int)) < 0)
			return err_errno(err, "cannot set socket option %d", options[i].name);
	}
	/* libssh leaves an accepted socket blocking, and would then wait for a client that reads nothing. */
	if (io_set_nonblock(fd, true) < 0)
		return err_errno(err, "cannot make the connection non-blocking");
	return 0;
}

static int
prepare(struct conn *c, struct err *err)
{
	ssh_key hostkey = NULL;
	int rc;

	conn_init(c, FD_CORE, FD_CLIENT);
	if (io_set_nonblock(FD_CORE, true) < 0)
		return err_errno(err, "descriptor %d is not a channel", FD_CORE);
	rc = prepare_socket(FD_CLIENT, err);
	if (rc == 0)
		rc = hostkey_read(FD_HOSTKEY, &hostkey, err);
	if (rc < 0)
		return rc;
	close(FD_HOSTKEY);
	rc = session_prepare(c, hostkey, err);
	ssh_key_free(hostkey);
	return rc;
}

static int
serve(struct err *err)
{
	static struct conn c;
	int rc;

	rc = prepare(&c, err);
	if (rc == 0)
		rc = door_close(err);
	if (rc == 0)
		rc = session_start(&c, err);
	if (rc == 0)
		conn_serve(&c);
	conn_done(&c);
	return rc;
}

/* The hidden options: each is a whole program. */
static const struct {
	const char *option;
	int (*run)(struct err *err);
} modes[] = {
    {"--make-host-key", hostkey_make},
    {"--sandbox-test", door_test},
};

int
main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int (*run)(struct err *) = argc == 1 ? serve : NULL;

	log_init("pgod-ssh", false);
	signal(
	    SIGPIPE, SIG_IGN); /* NOLINT(bugprone-signal-handler,cert-sig34-c): a closed pipe is an error, not an end */
	for (size_t i = 0; argc == 2 && i < ARRAY_LEN(modes); i++) {
		if (str_eq(argv[1], modes[i].option))
			run = modes[i].run;
	}
	if (run == NULL) {
		fputs("usage: pgod-ssh [--make-host-key | --sandbox-test]\nStarted by pgod.\n", stderr);
		return 2;
	}
	if (run(&err) < 0) {
		log_err("%s", err.msg);
		return 1;
	}
	return 0;
}
