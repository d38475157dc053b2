/* from="pattern-list" in front of a key, as sshd has it, for addresses alone: names are not looked up. Pure. */
#ifndef PGO_IPC_KEY_FROM_H
#define PGO_IPC_KEY_FROM_H

#include <stdbool.h>

#include "base/err.h"

enum { KEY_FROM_MAX = 4096 }; /* bytes of a list */

/* 0 when each entry is an address, address/bits, or an address with * and ?, with or without a ! before it; -EINVAL
 * with a sentence that says which is not. */
int key_from_check(const char *list, struct err *err);
/* May somebody at this address, in digits and without a port, use the key? One entry must match, and none that begins
 * with "!". False when list or address are malformed. */
bool key_from_matches(const char *list, const char *address);

#endif
