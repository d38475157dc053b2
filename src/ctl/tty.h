/* Questions to the person at the terminal. */
#ifndef PGO_CTL_TTY_H
#define PGO_CTL_TTY_H

#include <stdbool.h>
#include <stddef.h>

/* Asks on /dev/tty and reads one line, without its newline. With echo off the terminal's state is put back whatever
 * ends the reading, signals included. Returns 0, -ENOTTY without a terminal, -EINTR at an interrupt, -EIO at end of
 * file. */
int tty_ask(const char *prompt, bool echo, char *buf, size_t size);

#endif
