/* pgod-ssh: one process a connection. Holds the host key and faces strangers, so it has no files, no exec, no other
 * socket: the door is closed before the first byte of the client is read. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/str.h"
#include "ssh/conn.h"
#include "ssh/door.h"
#include "ssh/hostkey.h"

enum { FD_CORE = 3, FD_ARRIVAL = 4, FD_HOSTKEY = 5 };

static int
prepare(struct conn *c, ssh_key hostkey, int sock, struct err *err)
{
	conn_init(c, FD_CORE, sock);
	/* libssh leaves an accepted socket blocking, and would then wait for a client that reads nothing. */
	if (io_set_nonblock(FD_CORE, true) < 0 || io_set_nonblock(sock, true) < 0)
		return err_set(err, EINVAL, "the descriptors are not what pgod gives");
	return session_prepare(c, hostkey, err);
}

static int
serve_client(ssh_key hostkey, int sock, struct err *err)
{
	static struct conn c;
	int rc = prepare(&c, hostkey, sock, err);

	if (rc == 0)
		rc = session_start(&c, err);
	if (rc == 0)
		conn_serve(&c);
	conn_done(&c);
	return rc;
}

/* Everything that takes time is done, and the door closed, before there is a client: pgod keeps such a process ready,
 * and hands it the next connection. */
static int
serve(struct err *err)
{
	ssh_key hostkey = NULL;
	int sock = -1;
	int rc = hostkey_read(FD_HOSTKEY, &hostkey, err);

	if (rc < 0)
		return rc;
	close(FD_HOSTKEY);
	rc = door_close(err);
	if (rc == 0)
		rc = io_recv_fd(FD_ARRIVAL, &sock, err);
	close(FD_ARRIVAL);
	if (rc > 0)
		rc = serve_client(hostkey, sock, err);
	ssh_key_free(hostkey);
	return rc;
}

/* The hidden options: each is a whole program. */
static const struct {
	const char *option;
	int (*run)(struct err *err);
} modes[] = {
    {"--make-key", hostkey_make},
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
	op_catch_term();
	if (run == NULL) {
		fputs("usage: pgod-ssh [--make-key | --sandbox-test]\nStarted by pgod.\n", stderr);
		return 2;
	}
	if (run(&err) < 0) {
		log_err("%s", err.msg);
		return 1;
	}
	return 0;
}
