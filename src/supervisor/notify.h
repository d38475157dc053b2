/* Tells systemd how we are (sd_notify(3)), without its library. */
#ifndef PGO_SUPERVISOR_NOTIFY_H
#define PGO_SUPERVISOR_NOTIFY_H

#include <event2/event.h>

/* Sends "READY=1" and the like to $NOTIFY_SOCKET; without one, or on failure, nothing happens. */
void notify(const char *state);
/* The same with a descriptor, which stays the caller's ("FDSTORE=1\nFDNAME=..."). */
void notify_fd(const char *state, int fd);
/* The timer that says WATCHDOG=1 as often as systemd wants to hear it; NULL when it does not. The caller frees. */
struct event *notify_watchdog(struct event_base *base);

#endif
