/* The sandbox of pgod-ssh. */
#ifndef PGO_SSH_DOOR_H
#define PGO_SSH_DOOR_H

#include "base/err.h"

/* Touches what OpenSSL opens lazily, then closes the door for good. */
int door_close(struct err *err);
/* Closes the door and tries it from inside. */
int door_test(struct err *err);

#endif
