/* A job is a session: finding and signalling all its processes. */
#ifndef PGO_SUPERVISOR_SESSION_H
#define PGO_SUPERVISOR_SESSION_H

#include <sys/types.h>

/* Sends a signal to every process of a session. Its leader must be a child that was not reaped yet, so that the number
 * cannot be another session's. Returns how many processes there were. */
int session_signal(pid_t sid, int sig);

#endif
