/* Connections: each one is a pgod-ssh of its own, joined to core by a channel. */
#ifndef PGO_SUPERVISOR_CLIENTS_H
#define PGO_SUPERVISOR_CLIENTS_H

#include <event2/event.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "ipc/channel.h"
#include "supervisor/children.h"
#include "supervisor/facts.h"

struct clients;

/* All arguments are borrowed. hostkey: the sealed memfd. */
struct clients *clients_new(struct event_base *base, struct children *children, const struct facts *facts, int hostkey);
void clients_free(struct clients *cs);
/* Connections may come soon: keeps a pgod-ssh ready from now on. */
void clients_ready(struct clients *cs);
/* Gives a connection to a pgod-ssh and tells core; closes the connection instead when there are too many. */
void clients_accept(struct clients *cs, struct channel *core, int take_fd_, const struct sockaddr_storage *peer);
/* Sends a signal to every pgod-ssh, for the end: none is kept ready any more. */
void clients_signal(struct clients *cs, int sig);
size_t clients_count(const struct clients *cs);

/* What counts as one client: an IPv4 address, or the /64 that one IPv6 site has. */
struct in6_addr clients_key(const struct sockaddr_storage *peer);

#endif
