/* One connection: an SSH client on one side, core and the job's pipes on the other. The process serves exactly one. */
#ifndef PGO_SSH_CONN_H
#define PGO_SSH_CONN_H

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "ipc/opline.h"

enum phase {
	PHASE_AUTH,  /* key exchange and authentication */
	PHASE_EXEC,  /* authenticated, no command yet */
	PHASE_RUN,   /* core works on the operation */
	PHASE_DRAIN, /* the status is known; what is left goes to the client */
	PHASE_BYE,   /* the channel is closed; the client is to leave */
};

/* One of the job's outputs and what waits for the client: at most one chunk, or one text of core's. */
struct outlet {
	int fd;	      /* read end of the pipe, -1 without */
	int cleared;  /* how much of compose's "clear the line" has come, -1 within a line */
	int promised; /* bytes that were in the pipe when the job ended and are still to be delivered */
	struct buf wait;
};

struct conn {
	enum phase phase;
	long long deadline_ms; /* of the phase, 0: none */
	long long heard_ms;    /* last bytes from the client */
	long long asked_ms;    /* last keepalive */
	long long moved_ms;    /* last time TCP took bytes, or none waited */
	uint64_t heard_bytes;
	uint64_t moved_bytes;
	long long exit_ms; /* when core said exit */
	bool over;	   /* leave at the next opportunity */
	bool none_seen;
	bool exec_seen;
	bool pty;		    /* the client asked for a terminal */
	bool logs;		    /* the operation is one whose lines compose clears before it writes them */
	bool resized;		    /* its size is not yet that of the job's */
	int term_fd;		    /* the end of the terminal on which the job runs, -1 without one */
	bool eof_typed;		    /* the end of the client's input was typed there */
	int cols, rows;		    /* of the client's terminal; 0 without */
	char term[OP_TERM_MAX + 1]; /* its type; "" when it is none that can be passed on */
	bool channel_closed;	    /* by the client */
	bool core_open;
	int tries;
	char *key;	   /* base64 of the key that signed, owned */
	char *fingerprint; /* of that key, owned */
	char *user;	   /* printable, shortened, owned */
	char *line;	   /* an exec string that waits to be handled, owned; "" for shell */
	uint32_t status;
	int core;	      /* channel to core */
	int sock;	      /* the TCP connection; libssh closes it */
	int in_fd;	      /* write end of the job's stdin, -1 without */
	bool in_job;	      /* the job was given a stdin */
	struct buf in;	      /* what the job's stdin has not taken yet: at most a window */
	struct outlet out[2]; /* stdout, stderr */
	ssh_session session;
	ssh_channel channel;
	ssh_event event;
	struct ssh_server_callbacks_struct server_cb;
	struct ssh_channel_callbacks_struct channel_cb;
	struct ssh_counter_struct counter;
};

void conn_init(struct conn *c, int core, int sock);
void conn_done(struct conn *c);
/* Moves to a phase and sets its deadline. */
void conn_phase(struct conn *c, enum phase phase);

/* session.c: all of libssh's server side. Prepares the session with this host key (borrowed); sends and reads nothing.
 */
int session_prepare(struct conn *c, ssh_key hostkey, struct err *err);
/* Sends the banner; from now on session_pump does the rest. */
int session_start(struct conn *c, struct err *err);
/* Lets libssh read, write and call back; never blocks. Sets c->over when the connection has ended. */
void session_pump(struct conn *c);
/* Bytes that may be written to the channel now: 0 while libssh still holds earlier ones (its buffer has no limit of its
 * own). */
uint32_t session_room(const struct conn *c);
/* exit-status, EOF, close. */
void session_finish(struct conn *c);

/* ops.c: what the client asked for, and what core answers. Handles c->line. */
void op_start(struct conn *c);
/* The first SIGTERM does not end who serves a push: core says how that ends, within pgod's deadlines. Called once,
 * while there is no sandbox yet. */
void op_catch_term(void);
/* That signal has come. */
bool op_leaving(void);
/* Forwards a signal of the client's ("INT") to core. */
void op_signal(struct conn *c, const char *name);
/* Tells core that the client's stdin has come to its end. */
void op_eof(struct conn *c);
/* Reads what core has to say, one message at most. */
void op_core_readable(struct conn *c);
/* Ends the operation with a sentence on stdout (1) or stderr (2) and a status of our own. */
void op_answer(struct conn *c, int stream, uint32_t status, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* relay.c: bytes between the job's pipes and the channel. */
void relay_text(struct conn *c, int stream, const char *text, size_t len);
/* Takes the three descriptors of a job. */
int relay_open(struct conn *c, int take_in, int take_out, int take_err, struct err *err);
/* Takes the one end of the terminal on which the job runs. */
int relay_open_terminal(struct conn *c, int take_terminal, struct err *err);
/* Makes the job's terminal as large as the client's, when that has changed. */
void relay_resize(struct conn *c);
/* The job ended: what its pipes hold now is still delivered. */
void relay_job_ended(struct conn *c);
/* Closes the job's stdin; what it has not taken is dropped. */
void relay_close_in(struct conn *c);
/* Closes all pipes of the job; what already waits for the client stays. */
void relay_close(struct conn *c);
/* Reads a pipe that has something (or ended), if its last chunk is gone. */
void relay_read(struct conn *c, struct outlet *o);
/* Moves what waits towards the client and towards the job. */
void relay_push(struct conn *c);
/* Nothing waits: core may speak, the end may come. */
bool relay_idle(const struct conn *c);
/* Everything of the job was delivered, or its pipes lingered too long. */
bool relay_drained(const struct conn *c, long long now_ms);

/* loop.c: serves the connection until it has ended. */
void conn_serve(struct conn *c);

#endif
