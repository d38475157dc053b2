/* A TCP connection with a deadline. */
#ifndef PGO_CTL_NET_H
#define PGO_CTL_NET_H

#include "base/err.h"

enum { CONNECT_MS = 10 * 1000 }; /* for each address: a host that drops packets must not take minutes */

/* Tries all addresses of the host. Returns a connected socket (close-on-exec, non-blocking, TCP_NODELAY), the caller
 * closes it. */
int net_connect(const char *host, int port, struct err *err);

#endif
