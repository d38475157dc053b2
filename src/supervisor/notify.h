/* Tells systemd how we are (sd_notify(3)), without its library. */
#ifndef PGO_SUPERVISOR_NOTIFY_H
#define PGO_SUPERVISOR_NOTIFY_H

/* Sends "READY=1" and the like to $NOTIFY_SOCKET; without one, or on failure, nothing happens. */
void notify(const char *state);
/* How often systemd wants to hear WATCHDOG=1, in milliseconds; 0: never. */
int notify_watchdog_ms(void);

#endif
