/* One operation on an authenticated session: the streams, the signals, the status. */
#ifndef PGO_CTL_RUN_H
#define PGO_CTL_RUN_H

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* What is run, and what it gets of our side. */
struct run_spec {
	const char *line;
	bool input;	  /* our stdin is forwarded; else it sees its end at once, and ours is left alone */
	const char *term; /* the type of our terminal, which it is told of; NULL: it gets none */
	bool on_terminal; /* our stdin is that terminal, and every key goes there: it is made raw meanwhile */
};

struct run_result {
	bool have_status;
	uint32_t status;
	int signal;	  /* ended by this signal of ours, 0: no */
	bool stdout_gone; /* nobody reads our output any more */
	bool left;	  /* the user typed ~. */
};

/* Runs the operation line to its end. Returns 0, or -errno when the connection failed; our terminal is as it was
 * before.
 */
int run_operation(ssh_session session, const struct run_spec *spec, struct run_result *ret_result, struct err *err);

#endif
