/* One message over a SOCK_SEQPACKET socketpair: JSON and descriptors, checked against the catalogue. Knows no event
 * loop. */
#ifndef PGO_IPC_MSG_H
#define PGO_IPC_MSG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "ipc/catalogue.h"

struct msg {
	const struct msg_spec *spec;
	json_t *body;	  /* owned */
	int fds[MSG_FDS]; /* owned until taken; close-on-exec */
	size_t nfds;
};
#define MSG_INIT                            \
	{                                   \
		NULL, NULL, {-1, -1, -1}, 0 \
	}
#define auto_msg __attribute__((cleanup(msg_done)))

/* Frees the body, closes what was not taken. */
void msg_done(struct msg *m);
/* Receives one message from a peer that may send direction dir. Returns 1, 0 at end of file, -EAGAIN on a non-blocking
 * fd with nothing to read, -EBADMSG when the peer must be dropped (truncated, not JSON, not in the catalogue), another
 * -errno. */
int msg_recv(int fd, enum msg_dir dir, struct msg *ret_m, struct err *err);
/* Sends one message; body is borrowed and must carry "type" (see msg_new). Checked against the catalogue like a
 * received one: a malformed message of our own aborts. The fds stay the caller's. -EAGAIN when the socket is full,
 * -EPIPE when the peer has gone. */
int msg_send(int fd, enum msg_dir dir, const json_t *body, const int *fds, size_t nfds, struct err *err);
/* The two halves of msg_send, for a queue. Encoding checks and aborts as above; the caller frees. NULL with err set
 * when the text is longer than MSG_MAX (EMSGSIZE). */
char *msg_encode(enum msg_dir dir, const json_t *body, size_t nfds, struct err *err);
int msg_send_text(int fd, const char *text, const int *fds, size_t nfds, struct err *err);
/* {"type": type, ...} from jansson's json_pack pairs: msg_new("job-started", "sI", "id", id). fmt holds alternating key
 * and value as in json_pack without the braces (values: s, i, I, b). Aborts on a wrong format. A string that is not
 * UTF-8 goes out escaped as by buf_vis. */
json_t *msg_new(const char *type, const char *fmt, ...);
/* Fields, already checked by the catalogue: strings are borrowed from the message. */
const char *msg_str(const struct msg *m, const char *name);
long long msg_int(const struct msg *m, const char *name);
bool msg_bool(const struct msg *m, const char *name);
/* Hands descriptor i over (-1 when there is none). */
int msg_take_fd(struct msg *m, size_t i);

#endif
