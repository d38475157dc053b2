/* Every message that crosses a process boundary, with its fields and descriptors: the auditor's page.
 *
 * A message is one JSON object {"type": "...", field: value, ...} of at most MSG_MAX bytes in one SOCK_SEQPACKET
 * datagram, plus at most MSG_FDS descriptors (SCM_RIGHTS). Anything larger travels in a sealed memfd. Fields are typed
 * and complete: one that is missing, of another type or not in the catalogue makes the message malformed, and the
 * receiver drops the peer. */
#ifndef PGO_IPC_CATALOGUE_H
#define PGO_IPC_CATALOGUE_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

enum { MSG_MAX = 64 * 1024, MSG_FDS = 4 };

enum msg_dir {
	CORE_TO_PGOD = 1 << 0,
	PGOD_TO_CORE = 1 << 1,
	SSH_TO_CORE = 1 << 2,
	CORE_TO_SSH = 1 << 3,
	WEB_TO_CORE = 1 << 4,
	CORE_TO_WEB = 1 << 5,
};

struct msg_spec {
	const char *type;
	enum msg_dir dir;
	const char *fields; /* "name:t ..." with t = s string, i integer, b boolean */
	size_t fds_min;
	size_t fds_max;
	const char *help; /* one sentence; pgod-ipc(7) carries the same line */
};

/* The spec of a type in a direction, NULL when there is none. */
const struct msg_spec *msg_spec_find(const char *type, enum msg_dir dir);
/* The whole table, for the manual's test. */
const struct msg_spec *msg_spec_table(size_t *ret_n);
/* Is the object exactly what its spec says? Returns 0 or -EBADMSG with a sentence. */
int msg_check(const struct msg_spec *spec, const json_t *body, size_t nfds, struct err *err);

#endif
