/* Our own terminal while a command runs on its twin at the server: raw, and put back whatever happens. */
#ifndef PGO_CTL_TERMINAL_H
#define PGO_CTL_TERMINAL_H

#include <stdbool.h>

#include "base/err.h"

/* Lets every byte that is typed through, Ctrl-C too. It is put back by terminal_restore, or at the end of the process
 * by exit, abort or a crash; what ends it without asking (SIGKILL) leaves it to the user's shell. In the background
 * nothing is done. */
int terminal_raw(struct err *err);
/* Puts the terminal back. Fine when nothing was changed. */
void terminal_restore(void);
/* The size of the terminal behind the descriptor; 80 by 24 when it has none. */
void terminal_size(int fd, int *ret_cols, int *ret_rows);

#endif
