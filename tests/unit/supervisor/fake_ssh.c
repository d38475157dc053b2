/* Stands in for pgod-ssh: makes a "host key", or tells the connection what it was given and waits for its channel to
 * close. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

int
main(int argc, char **argv)
{
	char key[256] = "";
	char line[400];
	char byte;
	int connection = -1;
	int n;

	if (argc == 2 && strcmp(argv[1], "--make-key") == 0) {
		printf(
		    "-----BEGIN OPENSSH PRIVATE KEY-----\nof %d\n-----END OPENSSH PRIVATE KEY-----\nssh-ed25519 AAAA\n",
		    (int)getpid());
		return 0;
	}
	/* read, not pread: the offset must be this process's own */
	if (read(5, key, sizeof(key) - 1) <= 0)
		return 3;
	n = snprintf(line, sizeof(line), "uid=%d fd6=%s key=%s", (int)getuid(), dup(6) < 0 ? "closed" : "open", key);
	/* kept ready: the connection comes when there is one; none comes when pgod ends */
	if (io_recv_fd(4, &connection, NULL) != 1)
		return 0;
	if (write(connection, line, (size_t)n) != n)
		return 4;
	return read(3, &byte, 1) == 0 ? 0 : 5;
}
