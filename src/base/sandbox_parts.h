/* The two walls of the sandbox, used by sandbox.c only. */
#ifndef PGO_BASE_SANDBOX_PARTS_H
#define PGO_BASE_SANDBOX_PARTS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/sandbox.h"
#include "base/sanitized.h"

/* Confines paths, TCP, abstract sockets and signals as far as the kernel can. Needs no_new_privs. Returns 1, 0 when the
 * kernel has no landlock, or < 0. */
int sandbox_landlock(const char *dir, struct err *err);
/* Installs the system call filter. Needs no_new_privs. */
int sandbox_seccomp(const struct sandbox *sb, struct err *err);
/* False after sandbox_enter found no landlock: then nothing but the account confines paths to dir. */
bool sandbox_confines_paths(void);

#endif
