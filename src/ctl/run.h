/* One operation on an authenticated session: the streams, the signals, the status. */
#ifndef PGO_CTL_RUN_H
#define PGO_CTL_RUN_H

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct run_result {
	bool have_status;
	uint32_t status;
	int signal;	  /* ended by this signal of ours, 0: no */
	bool stdout_gone; /* nobody reads our output any more */
};

/* Runs the operation line to its end. with_stdin: our stdin is forwarded, else the operation sees its end at once and
 * ours is left alone. Returns 0, or -errno when the connection failed. */
int run_operation(
    ssh_session session, const char *line, bool with_stdin, struct run_result *ret_result, struct err *err);

#endif
